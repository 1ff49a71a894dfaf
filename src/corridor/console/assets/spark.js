// A small curve in its band; hours out of the band are dots of one path.
import { set, svg } from "./dom.js";
import { count, t } from "./words.js";

const [WIDE, TALL] = [120, 26];
const canvas = () => svg("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, class: "spark", role: "img" }, svg("path", { class: "band" }), svg("path", { class: "line" }), svg("path", { class: "out" }));

// Made, or made anew in place. hours: 24 of a day or 7 days of a week; band: expected, low, high; asOf, start: ms.
export function spark(hours, band, asOf, start, node = canvas()) {
  const top = Math.max(1, ...hours.map((n) => n ?? 0), ...(band ? band[2].map((n) => n ?? 0) : []));
  const x = (i) => (hours.length > 1 ? 2 + (i * (WIDE - 4)) / (hours.length - 1) : WIDE / 2);
  const y = (n) => TALL - 2 - (n * (TALL - 4)) / top;
  const at = (i, n) => `${x(i).toFixed(1)} ${y(n).toFixed(1)}`;
  const whole = (i) => hours.length !== 24 || start + (i + 1) * 3600e3 <= asOf;
  const inside = band ? band[0].map((_, i) => i).filter((i) => band[2][i] !== null) : [];
  set(node.children[0], "d", inside.length ? `M${inside.map((i) => at(i, band[2][i])).join("L")}L${[...inside].reverse().map((i) => at(i, band[1][i] ?? 0)).join("L")}Z` : "");
  const told = hours.map((n, i) => [i, n]).filter(([, n]) => n !== null);
  const line = told.filter(([i]) => whole(i));
  set(node.children[1], "d", line.length ? `M${line.map(([i, n]) => at(i, n)).join("L")}` : "");
  const out = band && hours.length === 24 ? told.filter(([i, n]) => band[2][i] !== null && (n > band[2][i] || (n < band[1][i] && whole(i)))) : [];
  set(node.children[2], "d", out.map(([i, n]) => `M${at(i, n)}h0`).join(""));
  set(node, "aria-label", t("spark_summary", { n: count(told.length ? Math.max(...told.map(([, n]) => n)) : null), out: count(out.length) }));
  return node;
}
