// Origins by chapters of the Harmonized System: a table whose cells are the darker, the more goods items they hold.
import { by, el, plain } from "./dom.js";
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

export function mix(sections, drill) {
  const origins = Object.keys(sections.origins ?? {});
  const chapters = Object.keys(sections.chapters ?? {}).sort();
  const host = by("heat");
  const found = sections.mix ?? {};
  if (!origins.length || !chapters.length) { host.replaceChildren(el("p", { class: "empty" }, t("nothing_yet"))); return; }
  const focused = host.contains(document.activeElement) ? document.activeElement.dataset.cell : null;
  const told = Object.keys(found).length > 0;
  const top = Math.max(1, ...Object.values(found).map(([, items]) => items));
  const cells = [];
  const body = origins.map((origin, i) => {
    const row = chapters.map((chapter) => {
      const items = found[`${origin}/${chapter}`]?.[1] ?? 0;
      const step = items ? Math.max(1, Math.ceil(STEPS * Math.sqrt(items / top))) : 0;
      return el("button", { type: "button", class: `cell h${step}`, tabindex: "-1", "data-cell": `${origin}/${chapter}`, title: `${plain(origin)} × ${chapterName(chapter)}: ${count(items)}`, "aria-label": `${plain(origin)}, ${chapterName(chapter)}: ${count(items)}`, onclick: () => drill({ origin, chapter }, `${plain(origin)} × ${chapterName(chapter)}`) }, items ? brief(items) : "");
    });
    cells.push(row);
    return el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", class: "plain", onclick: () => drill({ origin }, plain(origin)) }, plain(origin))), ...(told ? row.map((cell) => el("td", {}, cell)) : []), el("td", { class: "sum" }, brief(sections.origins[origin][1])));
  });
  const heads = chapters.map((chapter) => el("th", { scope: "col", title: chapterName(chapter) }, el("button", { type: "button", class: "plain", "aria-label": chapterName(chapter), onclick: () => drill({ chapter }, chapterName(chapter)) }, chapter)));
  const sums = el("tr", { class: "sums" }, el("th", { scope: "row" }, t("all")), ...chapters.map((chapter) => el("td", {}, brief(sections.chapters[chapter][1]))), el("td"));
  const table = told
    ? el("table", { class: "heat", onkeydown: walk(cells) }, el("thead", {}, el("tr", {}, el("td"), ...heads, el("th", { scope: "col" }, t("all")))), el("tbody", {}, ...body, sums))
    : el("div", { class: "margins" }, list("origins", sections.origins, (name) => drill({ origin: name }, plain(name)), plain), list("chapters", sections.chapters, (name) => drill({ chapter: name }, chapterName(name)), chapterName));
  host.replaceChildren(...(told ? [table] : [el("p", { class: "empty" }, t("no_pairs")), table]));
  const start = focused && host.querySelector(`[data-cell="${CSS.escape(focused)}"]`);
  if (cells[0]?.[0]) (start || cells[0][0]).tabIndex = 0;
  start?.focus();
}

function list(title, rows, open, name) {
  const top = Math.max(1, ...Object.values(rows).map(([, items]) => items));
  return el("table", {}, el("caption", {}, t(title)), el("tbody", {}, ...Object.entries(rows).map(([value, [, items]]) => {
    const meter = el("span");
    meter.style.width = `${(100 * items) / top}%`;
    return el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", class: "plain", onclick: () => open(value) }, name(value))), el("td", { class: "meter" }, meter), el("td", { class: "n" }, count(items)));
  })));
}
