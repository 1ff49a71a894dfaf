// The cause: what was observed beside its norm, what contributed most, and the consignments behind it.
import { figures, kindName, MARK, subjectName } from "./anomalies.js";
import { chip } from "./corridors.js";
import { plot, rowsOf, summary, table as hours } from "./curve.js";
import { by, el, plain, svg } from "./dom.js";
import { automatic } from "./glance.js";
import { change, count, day, decimal, exact, language, named, NONE, percent, seconds, short, stamp, t } from "./words.js";

const FILTERS = { hs_chapter: "chapter", origin_country: "origin", office: "office", importer: "importer", declarant: null, corridor: "corridor", direction: "direction", transport_mode: "transport", declaration: "declaration", group: "group" };
const NUMBERS = new Set(["observed", "expected", "value", "payments", "items"]);
let asked = 0;
let chart = null;

export function close() {
  if (by("drawer").open) by("drawer").close();
}

// back: shows what this was reached from. The title takes the focus, so that it is what is read out; when the drawer is
// closed the focus is where it was before.
function show({ title, sub, back }, ...body) {
  const drawer = by("drawer");
  chart?.destroy();
  chart = null;
  const out = el("button", { type: "button", class: "plain close", "aria-label": t("close"), onclick: close }, "✕");
  const again = back ? el("button", { type: "button", class: "plain back", "aria-label": t("back"), onclick: back }, "←") : null;
  drawer.replaceChildren(el("div", { class: "head" }, again, el("div", {}, el("h2", { id: "drawer-h", tabindex: "-1", autofocus: true }, title), sub ? el("p", { class: "note" }, sub) : null), out), ...body.filter(Boolean));
  if (!drawer.open) drawer.showModal();
  by("drawer-h").focus({ preventScroll: true });
  drawer.scrollTop = 0;
  drawer.onclick = (event) => { if (event.target === drawer) close(); };
}

// Which declarations an anomaly speaks of, as far as its subject and evidence tell.
export function behind(one) {
  const filter = {};
  const of = FILTERS[one.subject.type];
  if (of) filter[of] = one.subject.id;
  if (one.office && !filter.declaration) filter.office = one.office;
  if (one.dimension) Object.assign(filter, filterOf(one.dimension, one.value));
  if (one.group && !filter.declaration) filter.group = one.group;
  if (!filter.declaration) {
    const at = Date.parse(one.at);
    filter.from = one.start ?? new Date(Math.floor(at / 3600e3) * 3600e3).toISOString();
    filter.until = one.stop ?? new Date((Math.floor(at / 3600e3) + 1) * 3600e3).toISOString();
  }
  return filter;
}

function filterOf(dimension, value) {
  if (dimension === "origin_chapter" && value?.includes("/")) return { origin: value.split("/")[0], chapter: value.split("/")[1] };
  return FILTERS[dimension] ? { [FILTERS[dimension]]: value } : {};
}

function scale(one) {
  if (one.observed === null || one.high === null || one.low === null) return null;
  const top = Math.max(one.observed, one.high, 1e-9) * 1.08;
  const x = (value) => (Math.max(0, Math.min(value, top)) / top) * 400;
  return svg("svg", { class: "scale", viewBox: "-9 0 418 34", role: "img", "aria-label": figures(one) },
    svg("rect", { class: "track", x: 0, y: 12, width: 400, height: 10, rx: 5 }),
    svg("rect", { class: "norm", x: x(one.low), y: 12, width: Math.max(x(one.high) - x(one.low), 3), height: 10, rx: 5 }),
    one.expected === null ? "" : svg("line", { class: "middle", x1: x(one.expected), x2: x(one.expected), y1: 8, y2: 26 }),
    svg("circle", { class: "observed", cx: x(one.observed), cy: 17, r: 7 }));
}

function contributors(one, until) {
  if (!one.contributors.length) return null;
  const of = (row) => (row.share ? percent : decimal);
  return el("section", {}, el("h3", {}, t("contributors")), el("table", {}, head(["dimension", "member", "observed", "expected"]), el("tbody", {}, ...one.contributors.map((row) => {
    const filter = filterOf(row.dimension, row.value);
    const name = `${named("dimension", row.dimension ?? "")} ${plain(row.value)}`;
    const open = () => consignments({ ...behind(one), ...filter }, name, until, () => anomaly(one, until));
    return el("tr", {}, el("td", {}, named("dimension", row.dimension ?? "")), el("th", { scope: "row" }, Object.keys(filter).length ? el("button", { type: "button", class: "plain", onclick: open }, plain(row.value)) : plain(row.value)), el("td", { class: "n" }, of(row)(row.observed)), el("td", { class: "n" }, of(row)(row.expected)));
  }))));
}

const head = (names) => el("thead", {}, el("tr", {}, ...names.map((name) => el("th", { scope: "col", class: NUMBERS.has(name) ? "n" : null }, t(`column.${name}`)))));

export function anomaly(one, until) {
  const facts = [["severity", `${MARK[one.severity]} ${t(`severity.${one.severity}`)}`], ["state", one.state ? named("state", one.state) : null], ["since", one.opened ? `${stamp(one.opened)} UTC` : null], ["told", `${stamp(one.at)} UTC`], ["observed", one.observed === null ? null : figures(one)], ["rulebook", one.rulebook && plain(one.rulebook)]];
  show({ title: kindName(one.kind), sub: subjectName(one.subject) },
    el("p", { class: `sentence ${one.severity}` }, plain(one[language])),
    scale(one),
    factsOf(facts.map(([name, value]) => [t(`fact.${name}`), value])),
    contributors(one, until),
    behindIt(behind(one), until));
}

const factsOf = (facts) => el("dl", { class: "facts" }, ...facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));

function officeFacts(row) {
  const paid = row.duty + row.vat;
  return factsOf([
    [t("tile.declarations"), row.expected > 0 ? `${count(row.declarations)} · ${t("of_norm", { n: short(row.expected), change: change(row.declarations / row.expected - 1) })}` : count(row.declarations)],
    [t("tile.automatic"), percent(automatic(row))],
    [t("tile.payments"), row.planned > 0 ? `${short(paid)} · ${t("of_plan", { share: percent(paid / row.planned), plan: short(row.planned) })}` : short(paid)],
    [t("tile.decided"), row.p50 === null ? null : `${seconds(row.p50)} · ${t("decided_note", { p95: seconds(row.p95), p99: seconds(row.p99) })}`],
    [t("tile.flagged"), row.flagged === null ? null : count(row.flagged)]]);
}

export function office(code, sections, until) {
  const row = sections.offices?.[code];
  if (!row) return;
  const meta = sections.meta;
  const byHour = meta.period === "day";
  const curve = {};
  if (byHour) row.hours.forEach((n, i) => { curve[`${meta.start.slice(0, 11)}${String(i).padStart(2, "0")}`] = [n, ...(sections.bands?.[code] ?? [[], [], []]).map((part) => part[i] ?? null)]; });
  const rows = rowsOf(curve, Date.parse(meta.as_of) / 1000);
  const host = el("div", { class: "plot small", role: "img", "aria-label": summary(rows) });
  const spelled = el("table", {});
  if (byHour) hours(spelled, rows);
  show({ title: t("office_is", { code: plain(code) }), sub: byHour ? day(meta.start) : t("week_of", { day: day(meta.start) }) },
    officeFacts(row),
    byHour ? host : null,
    byHour ? el("details", {}, el("summary", {}, t("as_table")), spelled) : null,
    behindIt({ office: code, from: meta.start, until: meta.end }, until));
  if (byHour) chart = plot(host, rows, 200);
}

export function consignments(filter, title, until, back) {
  show({ title, sub: t("consignments"), back }, behindIt(filter, until));
}

function behindIt(filter, until) {
  const section = el("section", { class: "behind" }, el("h3", {}, t("consignments")), el("p", { class: "empty", role: "status" }, t("looking")));
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
  if (until && (!filter.until || until < filter.until)) query.set("until", until);
  const mine = ++asked;
  fetch(`/data/consignments?${query}`)
    .then((answer) => answer.json())
    .then((told) => { if (mine === asked) section.replaceChildren(...listed(told, query)); })
    .catch(() => { if (mine === asked) section.lastChild.textContent = t("not_reached"); });
  return section;
}

function listed(told, query) {
  const title = el("h3", {}, t("consignments"));
  if (told.error) return [title, el("p", { class: "empty" }, plain(told.error))];
  if (!told.rows.length) return [title, el("p", { class: "empty" }, t(told.recent_only ? "none_recent" : "none_found"))];
  const note = [told.found > told.rows.length ? t("shown_of", { n: count(told.rows.length), all: count(told.found) }) : t("found", { n: count(told.found) }), told.recent_only ? t("recent_only") : ""].filter(Boolean).join(" · ");
  const csv = el("a", { class: "button", href: `/data/consignments?${query}&as=csv`, download: "" }, "CSV");
  const rows = told.rows.map((row) => el("tr", {},
    el("td", {}, chip(row.corridor)),
    el("th", { scope: "row" }, plain(row.declaration_id), row.version > 1 ? el("small", {}, ` v${row.version}`) : "", row.function === "original" ? "" : el("small", {}, ` ${named("function", row.function)}`)),
    el("td", {}, stamp(row.registered_at)), el("td", {}, plain(row.office)), el("td", {}, plain(row.importer)), el("td", {}, named("direction", row.direction)),
    el("td", {}, row.reasons.map((group) => named("group", group)).join(", ") || NONE), el("td", {}, named("basis", row.basis)),
    el("td", {}, plain(row.origins.join(" "))), el("td", {}, plain(row.chapters.join(" "))),
    el("td", { class: "n" }, exact(row.customs_value)), el("td", { class: "n" }, exact(row.payments)), el("td", { class: "n" }, count(row.item_count))));
  return [el("div", { class: "head" }, title, el("p", { class: "note" }, note), csv),
    el("div", { class: "scroll", tabindex: "0", "aria-label": t("consignments"), role: "group" }, el("table", { class: "consignments" }, head(["corridor", "declaration", "registered", "office", "importer", "direction", "reasons", "basis", "origins", "chapters", "value", "payments", "items"]), el("tbody", {}, ...rows)))];
}
