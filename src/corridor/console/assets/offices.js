// Offices as a table to sort, each with its small curve; rows stay where they are while their figures change.
import { single } from "./anomalies.js";
import { bar } from "./corridors.js";
import { by, el, keyed, plain, say, set } from "./dom.js";
import { forget, inView, later } from "./frames.js";
import { automatic, payments } from "./glance.js";
import { spark } from "./spark.js";
import { change, count, language, percent, seconds, short, t } from "./words.js";

const ratio = (part, whole) => (whole > 0 && part !== null ? part / whole : null);
const COLUMNS = [
  { name: "office", of: (code) => code, text: true },
  { name: "by_hour", chart: true },
  { name: "declarations", of: (_, row) => row.declarations, show: count },
  { name: "to_norm", of: (_, row) => (row.expected > 0 ? row.declarations / row.expected - 1 : null), show: change, wide: true },
  { name: "corridors", mix: true, of: (_, row) => ratio(row.red, row.declarations) },
  { name: "automatic", of: (_, row) => automatic(row), show: percent },
  { name: "payments", of: (_, row) => payments(row), show: short, wide: true },
  { name: "plan", of: (_, row) => (row.planned > 0 ? payments(row) / row.planned : null), show: percent, wide: true, optional: true },
  { name: "p95", of: (_, row) => row.p95, show: seconds, wide: true, optional: true },
  { name: "flagged", of: (_, row) => ratio(row.flagged, row.declarations), show: percent, wide: true, optional: true },
  { name: "late", of: (_, row) => row.late, show: count, wide: true },
  { name: "alerts", of: (_, __, alerts) => alerts, show: (n) => (n ? count(n) : "") },
];
const RESTS = 4000; // ms after the last move of a hand
const LONG = 16; // signs of a name, beyond which it is cut
const LEAST = 30; // rows that count as seen in any case: a table that is still empty is low
let order = { name: "declarations", down: true };
let shown = "";
let used = -RESTS;
const view = { first: 0, last: 40 };
const body = () => by("office-table").tBodies[0];

// Which rows are on the screen is known from where the table was scrolled to, so that no update has to ask for a layout.
export function wire() {
  const box = by("office-table").closest(".scroll");
  const look = () => {
    const tall = body().rows[0]?.offsetHeight || 28;
    view.first = Math.floor(box.scrollTop / tall) - 4;
    view.last = view.first + Math.max(Math.ceil(box.clientHeight / tall), LEAST) + 8;
  };
  const use = () => { used = performance.now(); };
  box.addEventListener("scroll", look, { passive: true });
  for (const event of ["pointermove", "pointerdown", "keydown"]) box.addEventListener(event, use, { passive: true });
  new ResizeObserver(look).observe(box);
}

function head(all, meta, redraw) {
  const columns = COLUMNS.filter((column) => !column.optional || all.some(([, row]) => column.of("", row) !== null));
  const key = JSON.stringify([language, order, meta.period, columns.map((column) => column.name)]);
  if (key !== shown) {
    shown = key;
    by("office-table").tHead.replaceChildren(el("tr", {}, ...columns.map((column) => title(column, meta, redraw))));
    body().replaceChildren();
  }
  return columns;
}

function title(column, meta, redraw) {
  const sort = order.name === column.name ? (order.down ? "descending" : "ascending") : null;
  const press = () => {
    order = { name: column.name, down: order.name === column.name ? !order.down : !column.text };
    used = -RESTS;
    redraw();
    by("office-table").querySelector(`[data-sort="${column.name}"]`).focus();
  };
  const kind = column.text || column.chart || column.mix ? "" : "n";
  const name = t(`column.${column.chart && meta.period === "week" ? "by_day" : column.name}`);
  return el("th", { scope: "col", "aria-sort": sort, class: `${kind} ${column.wide ? "wide" : ""} ${column.name}` }, column.of ? el("button", { type: "button", class: "sort", "data-sort": column.name, onclick: press }, name) : name);
}

const made = (columns, open) => (code) => el("tr", {}, ...columns.map((column) => (column.text
  ? el("th", { scope: "row" }, el("button", { type: "button", class: "plain", title: code.length > LONG ? plain(code) : null, onclick: () => open(code) }, plain(code)))
  : el("td", { class: `${column.chart || column.mix ? "mix" : "n"} ${column.wide ? "wide" : ""} ${column.name}` }))));

// hour: of the picture; the small curve changes with it even where no count does.
function renew(node, columns, code, told) {
  const { row, alerts, band, hour, meta } = told;
  const before = node.told;
  if (before && before.row === row && before.alerts === alerts && before.band === band && before.hour === hour) return;
  node.told = told;
  columns.forEach((column, i) => {
    const cell = node.children[i];
    if (column.chart) put(cell, spark(row.hours, band, Date.parse(meta.as_of), Date.parse(meta.start), cell.firstChild ?? undefined));
    else if (column.mix) put(cell, bar(row, cell.firstChild ?? undefined));
    else if (!column.text) say(cell, column.show(column.of(code, row, alerts)));
  });
  set(node, "class", `${alerts > 0 ? "alerting" : ""} ${row.declarations === 0 ? "silent" : ""}`);
}

const put = (cell, node) => { if (!cell.firstChild) cell.append(node); };

function alertsOf(anomalies) {
  const alerts = {};
  for (const one of Object.values(anomalies ?? {})) if (one.office && !single(one) && one.severity !== "info") alerts[one.office] = (alerts[one.office] ?? 0) + 1;
  return alerts;
}

// By the column that was asked for; while somebody points or types in the table nothing moves away under their hand.
// Array.prototype.sort is stable: what is new comes last, in order.
function sorted(rows, alerts) {
  const key = COLUMNS.find((column) => column.name === order.name);
  const worth = new Map(rows.map(([code, row]) => [code, key.of(code, row, alerts[code] ?? 0)]));
  const turn = order.down ? -1 : 1;
  const byName = (a, b) => (a < b ? -1 : Number(a > b));
  rows.sort(([a], [b]) => {
    const [x, y] = [worth.get(a), worth.get(b)];
    if (x === null || y === null) return (x === null) - (y === null) || byName(a, b);
    return (typeof x === "string" ? byName(x, y) : x - y) * turn || byName(a, b);
  });
  if (performance.now() - used > RESTS) return rows;
  const stands = new Map([...body().rows].map((node, i) => [node.dataset.key, i]));
  return rows.sort(([a], [b]) => (stands.get(a) ?? rows.length) - (stands.get(b) ?? rows.length));
}

export function offices(sections, open, redraw) {
  const alerts = alertsOf(sections.anomalies);
  const wanted = by("find").value.trim().toLowerCase();
  const all = Object.entries(sections.offices ?? {});
  const rows = sorted(wanted ? all.filter(([code]) => code.toLowerCase().includes(wanted)) : all.slice(), alerts);
  const { meta } = sections;
  const columns = head(all, meta, redraw);
  const hour = meta.as_of?.slice(0, 13);
  const seen = inView(by("offices"));
  const byCode = new Map(rows);
  keyed(body(), rows.map(([code]) => code), made(columns, open), (node, code, place) => {
    const work = () => renew(node, columns, code, { row: byCode.get(code), alerts: alerts[code] ?? 0, band: sections.bands?.[code], hour, meta });
    if (seen && place >= view.first && place <= view.last) { forget(node); work(); } else later(node, work);
  });
  say(by("offices-none"), all.length ? "" : t("nothing_yet"));
  say(by("offices-note"), rows.length === all.length ? t("offices_note", { n: count(all.length) }) : t("offices_found", { n: count(rows.length), all: count(all.length) }));
}
