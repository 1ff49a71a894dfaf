// Offices as a table to sort, each with its small curve; rows stay where they are while their figures change.
import { single } from "./anomalies.js";
import { bar } from "./corridors.js";
import { by, el, keyed, plain, say, set, svg } from "./dom.js";
import { automatic, payments } from "./glance.js";
import { change, count, percent, seconds, short, t } from "./words.js";

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
  { name: "alerts", of: (_, row) => row.alerts, show: (n) => (n ? count(n) : "") },
];
let order = { name: "declarations", down: true };
let shown = "";

const canvas = () => svg("svg", { viewBox: "0 0 120 26", class: "spark", role: "img" }, svg("path", { class: "band" }), svg("path", { class: "line" }), svg("path", { class: "out" }));

// A small curve in its band, made or made anew in place; hours out of the band are dots of one path.
export function spark(hours, band, asOf, start, node = canvas()) {
  const wide = 120;
  const tall = 26;
  const top = Math.max(1, ...hours.map((n) => n ?? 0), ...(band ? band[2].map((n) => n ?? 0) : []));
  const x = (i) => (hours.length > 1 ? 2 + (i * (wide - 4)) / (hours.length - 1) : wide / 2);
  const y = (n) => tall - 2 - (n * (tall - 4)) / top;
  const at = (i, n) => `${x(i).toFixed(1)} ${y(n).toFixed(1)}`;
  const inside = band ? band[0].map((_, i) => i).filter((i) => band[2][i] !== null) : [];
  set(node.children[0], "d", inside.length ? `M${inside.map((i) => at(i, band[2][i])).join("L")}L${[...inside].reverse().map((i) => at(i, band[1][i] ?? 0)).join("L")}Z` : "");
  const told = hours.map((n, i) => [i, n]).filter(([, n]) => n !== null);
  const whole = hours.length === 24 ? told.filter(([i]) => start + (i + 1) * 3600e3 <= asOf) : told;
  set(node.children[1], "d", whole.length ? `M${whole.map(([i, n]) => at(i, n)).join("L")}` : "");
  const out = band && hours.length === 24 ? told.filter(([i, n]) => band[2][i] !== null && (n > band[2][i] || (n < band[1][i] && start + (i + 1) * 3600e3 <= asOf))) : [];
  set(node.children[2], "d", out.map(([i, n]) => `M${at(i, n)}h0`).join(""));
  set(node, "aria-label", t("spark_summary", { n: count(told.length ? Math.max(...told.map(([, n]) => n)) : null), out: count(out.length) }));
  return node;
}

function head(rows, meta, redraw) {
  const columns = COLUMNS.filter((column) => !column.optional || rows.some(([, row]) => column.of("", row) !== null));
  const key = JSON.stringify([order, meta.period, columns.map((column) => t(`column.${column.name}`))]);
  if (key !== shown) {
    shown = key;
    const cells = columns.map((column) => {
      const sort = order.name === column.name ? (order.down ? "descending" : "ascending") : null;
      const press = () => { order = { name: column.name, down: order.name === column.name ? !order.down : !column.text }; redraw(); by("office-table").querySelector(`[data-sort="${column.name}"]`).focus(); };
      return el("th", { scope: "col", "aria-sort": sort, class: `${column.text || column.chart || column.mix ? "" : "n"} ${column.wide ? "wide" : ""}` }, column.of ? el("button", { type: "button", class: "sort", "data-sort": column.name, onclick: press }, t(`column.${column.name}`)) : t(`column.${column.chart && meta.period === "week" ? "by_day" : column.name}`));
    });
    by("office-table").tHead.replaceChildren(el("tr", {}, ...cells));
    by("office-table").tBodies[0].replaceChildren();
  }
  return columns;
}

function renew(node, columns, code, row, band, meta) {
  const told = JSON.stringify([row.hours, band?.[0]]);
  columns.forEach((column, i) => {
    const cell = node.children[i];
    if (column.text) say(cell.firstChild, plain(code));
    else if (column.chart) { if (cell.dataset.told !== told) { cell.dataset.told = told; const node = spark(row.hours, band, Date.parse(meta.as_of), Date.parse(meta.start), cell.firstChild ?? undefined); if (!cell.firstChild) cell.append(node); } }
    else if (column.mix) { const mix = `${row.green}/${row.blue}/${row.yellow}/${row.red}`; if (cell.dataset.told !== mix) { cell.dataset.told = mix; const node = bar(row, cell.firstChild ?? undefined); if (!cell.firstChild) cell.append(node); } }
    else say(cell, column.show(column.of(code, row)));
  });
  node.classList.toggle("alerting", row.alerts > 0);
  node.classList.toggle("silent", row.declarations === 0);
}

export function offices(sections, open, redraw) {
  const alerts = {};
  for (const one of Object.values(sections.anomalies ?? {})) if (one.office && !single(one) && one.severity !== "info") alerts[one.office] = (alerts[one.office] ?? 0) + 1;
  const wanted = by("find").value.trim().toLowerCase();
  const all = Object.entries(sections.offices ?? {}).map(([code, row]) => [code, { ...row, alerts: alerts[code] ?? 0 }]);
  const rows = wanted ? all.filter(([code]) => code.toLowerCase().includes(wanted)) : all;
  const columns = head(all, sections.meta, redraw);
  const key = COLUMNS.find((column) => column.name === order.name);
  const worth = new Map(rows.map(([code, row]) => [code, key.of(code, row)]));
  const turn = order.down ? -1 : 1;
  rows.sort(([a], [b]) => {
    const [x, y] = [worth.get(a), worth.get(b)];
    if (x === null || y === null) return (x === null) - (y === null) || a.localeCompare(b);
    return (typeof x === "string" ? x.localeCompare(y) : x - y) * turn || a.localeCompare(b);
  });
  const byCode = new Map(rows);
  keyed(by("office-table").tBodies[0], rows.map(([code]) => code),
    (code) => el("tr", {}, ...columns.map((column) => (column.text ? el("th", { scope: "row" }, el("button", { type: "button", class: "plain", onclick: () => open(code) })) : el("td", { class: `${column.chart || column.mix ? "mix" : "n"} ${column.wide ? "wide" : ""} ${column.name}` })))),
    (node, code) => renew(node, columns, code, byCode.get(code), sections.bands?.[code], sections.meta));
  say(by("offices-note"), rows.length === all.length ? t("offices_note", { n: count(all.length) }) : t("offices_found", { n: count(rows.length), all: count(all.length) }));
}
