// Declarations by hour inside the band of their norm; the same figures stand in a table below.
import { by, el, say, set } from "./dom.js";
import { count, decimal, NONE, t } from "./words.js";

const NAMES = ["line", "dim", "accent", "band", "red", "card"];
let colours = {};
let chart = null;
let drawn = { host: null, rows: [], of: null };

// The colours of the theme, read once: to ask for a style in the middle of an update costs a layout.
export function repaint() {
  const style = getComputedStyle(document.documentElement);
  colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  drawn.of = null;
}
const colour = (name) => colours[name];

export function rowsOf(curve, asOf) {
  return Object.entries(curve).map(([at, [n, expected, low, high]]) => {
    const start = Date.parse(`${at}:00:00Z`) / 1000;
    const running = asOf !== null && asOf < start + 3600;
    const out = n !== null && high !== null && (n > high || (n < low && !running));
    return { at, start, n, expected, low, high, running: running && n !== null, out };
  });
}

function options(host, rows, tall) {
  const size = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const thick = Math.max(1, size / 16);
  const font = `${Math.round(size * 0.78)}px system-ui, sans-serif`;
  const grid = { stroke: () => colour("line"), width: 1 };
  const week = rows.length > 24;
  const at = (i) => rows[i ?? newest(rows)];
  return {
    width: Math.max(host.clientWidth, 200),
    height: tall,
    padding: [8, 12, 0, 0],
    tzDate: (ts) => new Date(ts * 1000 + new Date(ts * 1000).getTimezoneOffset() * 60000),
    cursor: { drag: { x: false, y: false }, points: { size: 8 } },
    legend: { show: true, live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(high * 1.06, 5)] } },
    axes: [
      { stroke: () => colour("dim"), grid: { show: false }, ticks: grid, font, size: size * 2, values: (_, marks) => marks.map((mark) => new Date(mark * 1000).toISOString().slice(...(week ? [8, 10] : [11, 16]))), splits: () => rows.filter((row) => (week ? row.at.endsWith("T00") : Number(row.at.slice(11)) % 3 === 0)).map((row) => row.start) },
      { stroke: () => colour("dim"), grid, ticks: { show: false }, font, size: size * 3.2, values: (_, marks) => marks.map((mark) => count(mark)) },
    ],
    series: [
      { label: t("hour"), value: (_, __, ___, i) => (at(i) ? `${at(i).at.slice(week ? 5 : 11).replace("T", " ")}:00 UTC` : NONE) },
      { label: t("high"), stroke: "transparent", points: { show: false }, value: (_, __, ___, i) => decimal(at(i)?.high) },
      { label: t("low"), stroke: "transparent", points: { show: false }, value: (_, __, ___, i) => decimal(at(i)?.low) },
      { label: t("expected"), stroke: () => colour("dim"), width: 1.5 * thick, dash: [5, 5], points: { show: false }, value: (_, __, ___, i) => decimal(at(i)?.expected) },
      { label: t("declarations"), stroke: () => colour("accent"), width: 2.5 * thick, points: { show: false }, value: (_, __, ___, i) => (at(i)?.running ? `${count(at(i).n)} ${t("so_far")}` : count(at(i)?.n)) },
      { stroke: () => colour("accent"), width: 1.5 * thick, dash: [2, 4], points: { show: false } },
    ],
    bands: [{ series: [1, 2], fill: () => colour("band") }],
    hooks: { draw: [marks(rows)] },
  };
}

// Where nobody points, the legend tells of the newest hour that is whole.
function newest(rows) {
  const whole = rows.findLastIndex((row) => row.n !== null && !row.running);
  return whole < 0 ? rows.findLastIndex((row) => row.n !== null) : whole;
}

// Hours out of the band are marked, and the hour that still runs is hollow: its count is not yet what it will be.
const marks = (rows) => (plot) => {
  const pen = plot.ctx;
  pen.setLineDash([]);
  for (const row of rows) {
    if (!row.out && !row.running) continue;
    const x = plot.valToPos(row.start, "x", true);
    const y = plot.valToPos(row.n, "y", true);
    pen.beginPath();
    pen.arc(x, y, 4.5 * devicePixelRatio, 0, 2 * Math.PI);
    pen.fillStyle = row.out ? colour("red") : colour("card");
    pen.strokeStyle = row.out ? colour("card") : colour("accent");
    pen.lineWidth = 2 * devicePixelRatio;
    pen.fill();
    pen.stroke();
  }
};

// The line ends with the last whole hour; a dotted one leads to the count that the running hour has so far.
const columns = (rows) => [rows.map((row) => row.start), ...["high", "low", "expected"].map((name) => rows.map((row) => row[name])),
  rows.map((row) => (row.running ? null : row.n)), rows.map((row, i) => (row.running || rows[i + 1]?.running ? row.n : null))];

export function plot(host, rows, tall) {
  return new globalThis.uPlot(options(host, rows, tall), columns(rows), host);
}

export function summary(rows) {
  const told = rows.filter((row) => row.n !== null);
  if (!told.length) return t("no_hours");
  const peak = told.reduce((best, row) => (row.n > best.n ? row : best));
  const out = told.filter((row) => row.out).map((row) => `${row.at.slice(11)}:00`);
  return t("curve_summary", { peak: `${peak.at.slice(11)}:00`, n: count(peak.n), out: out.length ? out.join(", ") : t("none") });
}

export function curve(sections) {
  const asOf = sections.meta?.as_of ? Date.parse(sections.meta.as_of) / 1000 : null;
  const rows = rowsOf(sections.curve ?? {}, asOf);
  const host = by("plot");
  set(host, "aria-label", summary(rows));
  const of = `${sections.meta?.period} ${sections.meta?.start} ${rows.length}`;
  const same = chart && drawn.of === of;
  const spelled = by("curve-table");
  if (!same || spelled.closest("details").open) table(spelled, rows);
  else spelled.dataset.behind = "true";
  if (same) {
    drawn.rows.splice(0, drawn.rows.length, ...rows);
    chart.setData(columns(drawn.rows));
    return;
  }
  chart?.destroy();
  chart = null;
  drawn = { host, rows: [...rows], of };
  host.replaceChildren(...(rows.length ? [] : [el("p", { class: "empty" }, t("no_hours"))]));
  if (rows.length) chart = plot(host, drawn.rows, tall(host));
}

// Below the plot is its legend: one line, on a phone three.
function tall(host) {
  const size = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const lines = host.clientWidth < 28 * size ? 3 : 1;
  return Math.max(Math.min(host.clientHeight || 300, 1600) - size * (1 + 1.35 * lines), 150);
}

export function table(node, rows) {
  const head = el("tr", {}, ...["hour", "declarations", "expected", "low", "high"].map((name) => el("th", { scope: "col" }, t(name))));
  delete node.dataset.behind;
  node.replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows.map((row) => el("tr", row.out ? { class: "out" } : {}, el("th", { scope: "row" }, `${row.at.replace("T", " ")}:00`), ...[count(row.n), decimal(row.expected), decimal(row.low), decimal(row.high)].map((text) => el("td", {}, text))))));
}

// The table of a closed part is made when it is opened.
export function unfold() {
  if (by("curve-table").dataset.behind) table(by("curve-table"), drawn.rows);
}

export function resize() {
  if (chart) chart.setSize({ width: Math.max(drawn.host.clientWidth, 200), height: tall(drawn.host) });
}
