// Origins by chapters of the Harmonized System: a table whose cells are the darker, the more goods items they hold.
import { by, el, plain, say } from "./dom.js";
import { brief, count, known, t } from "./words.js";

const STEPS = 9;
const chapterName = (chapter) => (known(`hs.${chapter}`) ? `${chapter} ${t(`hs.${chapter}`)}` : chapter);

function place(cells, row, column) {
  return cells[Math.max(0, Math.min(row, cells.length - 1))]?.[Math.max(0, Math.min(column, (cells[0]?.length ?? 1) - 1))];
}

// One stop for Tab; arrows walk through the cells.
function walk(cells) {
  return (event) => {
    const steps = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!steps) return;
    const at = cells.findIndex((row) => row.includes(event.target));
    if (at < 0) return;
    const next = place(cells, at + steps[0], cells[at].indexOf(event.target) + steps[1]);
    event.preventDefault();
    for (const cell of cells.flat()) cell.tabIndex = cell === next ? 0 : -1;
    next.focus();
  };
}

let shape = "";
let cells = [];

export function mix(sections, drill) {
  const origins = Object.keys(sections.origins ?? {});
  const chapters = Object.keys(sections.chapters ?? {}).sort();
  const found = sections.mix ?? {};
  const host = by("heat");
  const key = JSON.stringify([origins, chapters, Object.keys(found).length ? t("all") : [sections.origins, sections.chapters]]);
  if (key !== shape || !host.firstChild) {
    shape = key;
    const focused = host.contains(document.activeElement) ? document.activeElement.dataset.cell : null;
    host.replaceChildren(...built(origins, chapters, found, sections, drill));
    const start = focused && host.querySelector(`[data-cell="${CSS.escape(focused)}"]`);
    if (cells[0]?.[0]) (start || cells[0][0]).tabIndex = 0;
    start?.focus();
  }
  renew(origins, chapters, found, sections, host);
}

function built(origins, chapters, found, sections, drill) {
  cells = [];
  if (!origins.length || !chapters.length) return [el("p", { class: "empty" }, t("nothing_yet"))];
  const head = (name, filter, shown) => el("button", { type: "button", class: "plain", "aria-label": name, title: name, onclick: () => drill(filter, name) }, shown);
  if (!Object.keys(found).length) {
    return [el("p", { class: "empty" }, t("no_pairs")), el("div", { class: "margins" }, list("origins", sections.origins, (name) => drill({ origin: name }, plain(name)), plain), list("chapters", sections.chapters, (name) => drill({ chapter: name }, chapterName(name)), chapterName))];
  }
  cells = origins.map((origin) => chapters.map((chapter) => el("button", { type: "button", tabindex: "-1", "data-cell": `${origin}/${chapter}`, onclick: () => drill({ origin, chapter }, `${plain(origin)} × ${chapterName(chapter)}`) })));
  const heads = chapters.map((chapter) => el("th", { scope: "col" }, head(chapterName(chapter), { chapter }, chapter)));
  const body = origins.map((origin, i) => el("tr", {}, el("th", { scope: "row" }, head(plain(origin), { origin }, plain(origin))), ...cells[i].map((cell) => el("td", {}, cell)), el("td", { class: "sum" })));
  const sums = el("tr", { class: "sums" }, el("th", { scope: "row" }, t("all")), ...chapters.map(() => el("td")), el("td"));
  return [el("table", { class: "heat", onkeydown: (event) => walk(cells)(event) }, el("thead", {}, el("tr", {}, el("td"), ...heads, el("th", { scope: "col" }, t("all")))), el("tbody", {}, ...body, sums))];
}

function renew(origins, chapters, found, sections, host) {
  if (!cells.length) return;
  const top = Math.max(1, ...Object.values(found).map(([, items]) => items));
  const rows = host.querySelector("tbody").rows;
  origins.forEach((origin, i) => {
    chapters.forEach((chapter, j) => {
      const items = found[`${origin}/${chapter}`]?.[1] ?? 0;
      const told = `${plain(origin)}, ${chapterName(chapter)}: ${count(items)}`;
      const cell = cells[i][j];
      if (cell.title === told) return;
      cell.title = told;
      cell.setAttribute("aria-label", told);
      cell.className = `cell h${items ? Math.max(1, Math.ceil(STEPS * Math.sqrt(items / top))) : 0}`;
      say(cell, items ? brief(items) : "");
    });
    say(rows[i].lastChild, brief(sections.origins[origin][1]));
  });
  chapters.forEach((chapter, j) => say(rows[origins.length].cells[j + 1], brief(sections.chapters[chapter][1])));
}

function list(title, rows, open, name) {
  const top = Math.max(1, ...Object.values(rows).map(([, items]) => items));
  return el("table", {}, el("caption", {}, t(title)), el("tbody", {}, ...Object.entries(rows).map(([value, [, items]]) => {
    const meter = el("span");
    meter.style.width = `${(100 * items) / top}%`;
    return el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", class: "plain", onclick: () => open(value) }, name(value))), el("td", { class: "meter" }, meter), el("td", { class: "n" }, count(items)));
  })));
}
