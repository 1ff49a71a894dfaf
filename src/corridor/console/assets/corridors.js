// The four corridors, told by letter and name as well as by colour; directions and modes of transport beside them.
import { by, el, keyed, plain, say, set } from "./dom.js";
import { automatic, total } from "./glance.js";
import { count, named, percent, t } from "./words.js";

export const CORRIDORS = ["green", "blue", "yellow", "red"];
export const letter = (name) => t(`letter.${name}`);
export const chip = (name) => el("span", { class: `chip ${CORRIDORS.includes(name) ? name : ""}` }, el("b", { "aria-hidden": "true" }, CORRIDORS.includes(name) ? letter(name) : "?"), named("corridor", name));

// A bar of the four, made or made anew in place.
export function bar(row, node = el("div", { class: "bar", role: "img" }, ...CORRIDORS.map((name) => el("span", { class: name })))) {
  const whole = total(row);
  CORRIDORS.forEach((name, i) => {
    const grows = String(whole ? Math.round((1e4 * row[name]) / whole) : 0);
    if (node.children[i].style.flexGrow !== grows) node.children[i].style.flexGrow = grows;
    if (node.children[i].hidden !== !row[name]) node.children[i].hidden = !row[name];
  });
  set(node, "aria-label", CORRIDORS.map((name) => `${named("corridor", name)} ${percent(whole ? row[name] / whole : null)}`).join(", "));
  return node;
}

export function corridors(sections, drill) {
  const row = sections.glance ?? {};
  const host = by("corridor-mix");
  if (row.declarations === undefined) { host.replaceChildren(el("p", { class: "empty" }, t("nothing_yet"))); by("splits").replaceChildren(); return; }
  const whole = total(row);
  if (!host.querySelector(".big")) host.replaceChildren(el("div", { class: "big" }), el("ul", { class: "shares" }));
  if (host.firstChild.firstChild) bar(row, host.firstChild.firstChild);
  else host.firstChild.append(bar(row));
  keyed(host.lastChild, CORRIDORS, (name) => el("li", {}, el("button", { type: "button", class: `share ${name}`, onclick: () => drill({ corridor: name }, t("corridor_is", { name: named("corridor", name) })) }, el("b", { class: "letter", "aria-hidden": "true" }), el("span", { class: "name" }), el("span", { class: "figure" }), el("span", { class: "under" }))), (node, name) => {
    const [mark, title, figure, under] = node.firstChild.children;
    say(mark, letter(name));
    say(title, named("corridor", name));
    say(figure, percent(whole ? row[name] / whole : null));
    say(under, count(row[name]));
  });
  const groups = [["direction", "direction"], ["transport_mode", "transport"]].map(([dimension, filter]) => [dimension, filter, members(sections.split ?? {}, dimension)]).filter(([, , found]) => found.length);
  keyed(by("splits"), groups.map(([dimension]) => dimension), split, (node, dimension) => {
    const [, filter, found] = groups.find(([name]) => name === dimension);
    renew(node, dimension, filter, found, drill);
  });
}

function members(rows, dimension) {
  return Object.entries(rows).filter(([key]) => key.startsWith(`${dimension}/`)).map(([key, row]) => [key.slice(dimension.length + 1), row]).sort((a, b) => b[1].declarations - a[1].declarations);
}

function split(dimension) {
  return el("table", { class: "split" },
    el("caption", {}, t(`split.${dimension}`)),
    el("thead", { class: "hidden" }, el("tr", {}, ...[dimension, "corridors", "declarations", "automatic"].map((name) => el("th", { scope: "col" }, t(name))))),
    el("tbody"));
}

function renew(node, dimension, filter, found, drill) {
  const rows = new Map(found);
  const made = (value) => el("tr", {},
    el("th", { scope: "row" }, el("button", { type: "button", class: "plain", onclick: () => drill({ [filter]: value }, named(dimension, value)) }, named(dimension, plain(value)))),
    el("td", { class: "mix" }, bar(rows.get(value))), el("td"), el("td"));
  keyed(node.tBodies[0], found.map(([value]) => value), made, (row, value) => {
    const told = rows.get(value);
    bar(told, row.cells[1].firstChild);
    say(row.cells[2], count(told.declarations));
    say(row.cells[3], percent(automatic(told)));
  });
}
