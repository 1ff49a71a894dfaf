// The figures of the day at a glance.
import { isOpen, single } from "./anomalies.js";
import { by, el, keyed, say, set } from "./dom.js";
import { change, clock, count, hour, NONE, percent, seconds, short, t } from "./words.js";

const ORDER = ["declarations", "automatic", "payments", "decided", "value", "lost", "flagged", "wrong"];
const share = (part, whole) => (whole > 0 ? part / whole : null);
export const payments = (row) => row.duty + row.vat;
export const total = (row) => row.green + row.blue + row.yellow + row.red;
export const automatic = (row) => share(row.green + row.blue, total(row));

function growth(told, name) {
  if (!told || told[name] === undefined) return null;
  return change(told[name]);
}

function lines(row, meta, anomalies) {
  const told = anomalies.filter((one) => one.severity !== "info" && !single(one));
  const grave = told.filter((one) => isOpen(one, Date.parse(meta.as_of)));
  const critical = grave.filter((one) => one.severity === "critical").length;
  const off = share(row.declarations - row.expected, row.expected);
  const plan = row.planned > 0 ? row.planned : null;
  return {
    declarations: [count(row.declarations), [
      row.expected === null ? null : t("of_norm", { n: short(row.expected), change: change(off) }),
      growth(row.week_before, "declarations") && t("week_before", { change: growth(row.week_before, "declarations") }),
      growth(row.year_before, "declarations") && t("year_before", { change: growth(row.year_before, "declarations") }),
      row.peak_hour && t("peak", { hour: meta.period === "day" ? hour(row.peak_hour) : row.peak_hour.replace("T", " ") + ":00" })]],
    automatic: [percent(automatic(row)), [t("automatic_note", { n: count(row.yellow + row.red) })]],
    payments: [short(payments(row)), plan
      ? [t("of_plan", { share: percent(payments(row) / plan), plan: short(plan) }), row.forecast === null ? null : t("forecast", { n: short(row.forecast), share: percent(row.forecast / plan) })]
      : [t("no_plan"), growth(row.week_before, "payments") && t("week_before", { change: growth(row.week_before, "payments") })], plan && Math.min(payments(row) / plan, 1)],
    decided: [seconds(row.p50), [row.p50 === null ? t("not_measured") : t("decided_note", { p95: seconds(row.p95), p99: seconds(row.p99) })]],
    value: [short(row.customs_value), [t("items_note", { n: count(row.items) }), t("mass_note", { n: short(row.net_mass_kg / 1000) })]],
    lost: [row.rejected === null ? NONE : count(row.rejected), [row.duplicates === null ? null : t("duplicates_note", { n: count(row.duplicates) }), row.late === null ? null : t("late_note", { n: count(row.late) })]],
    flagged: [row.flagged === null ? NONE : percent(share(row.flagged, row.declarations)), [row.flagged === null ? t("not_told") : t("flagged_note", { n: count(row.flagged) })]],
    wrong: [count(grave.length), [grave.length ? t("critical_note", { n: count(critical) }) : t("nothing_wrong"), told.length > grave.length && t("over_note", { n: count(told.length - grave.length) })], null, critical ? "critical" : grave.length ? "warning" : "fine"],
  };
}

function tile(name) {
  return el("div", { class: "tile", id: `tile-${name}` }, el("dt"), el("dd", { class: "figure" }), el("dd", { class: "meter", hidden: true }, el("span")), el("dd", { class: "under" }));
}

export function glance(sections) {
  const row = sections.glance ?? {};
  const tiles = by("tiles");
  if (row.declarations === undefined) {
    keyed(tiles, ["none"], () => el("div", { class: "tile none" }, el("dt"), el("dd", { class: "under" })), (node) => {
      say(node.querySelector("dt"), t("no_data"));
      say(node.querySelector("dd"), t(sections.status?.condition === "loading" ? "loading_note" : "no_data_note"));
    });
    return;
  }
  const told = lines(row, sections.meta, Object.values(sections.anomalies ?? {}));
  keyed(tiles, ORDER, tile, (node, name) => {
    const [figure, notes, part, state] = told[name];
    say(node.children[0], t(`tile.${name}`));
    say(node.children[1], figure);
    node.children[1].classList.toggle("long", figure.length > 7);
    set(node, "data-state", state ?? "");
    const none = part === undefined || part === null || part === false;
    if (node.children[2].hidden !== none) node.children[2].hidden = none;
    if (!none) node.children[2].firstChild.style.width = `${100 * part}%`;
    say(node.children[3], notes.filter(Boolean).join(" · "));
  });
}

export const asOf = (meta) => (meta.as_of ? clock(meta.as_of) : NONE);
