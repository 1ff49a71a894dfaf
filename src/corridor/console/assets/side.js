// What was rejected and why, where data were poor, and by which rulebook is decided.
import { by, el, plain, unlessSame } from "./dom.js";
import { ago, count, known, language, named, percent, stamp, t } from "./words.js";

function meterRow(name, n, top, label) {
  const meter = el("span");
  meter.style.width = `${(100 * n) / top}%`;
  return el("tr", {}, el("th", { scope: "row" }, ...name), el("td", { class: "meter" }, meter), el("td", { class: "n" }, label));
}

export function rejects(sections) {
  const rows = Object.entries(sections.rejects ?? {}).sort((a, b) => b[1] - a[1]);
  const missing = Boolean(sections.status?.missing?.rejects);
  const undated = sections.undated?.rejects ?? 0;
  const told = sections.glance?.declarations !== undefined || rows.length > 0;
  const notes = missing ? [t("rejects_missing")] : [sections.meta?.replayed && rows.length ? t("whole_day") : "", undated ? t("undated", { n: count(undated) }) : ""].filter(Boolean);
  unlessSame(by("reject-codes"), [language, rows, notes, told], () => {
    const top = Math.max(1, ...rows.map(([, n]) => n));
    const table = el("table", {}, el("tbody", {}, ...rows.map(([code, n]) => meterRow([el("b", {}, plain(code)), " ", el("span", { class: "dim" }, known(`reject.${code}`) ? t(`reject.${code}`) : "")], n, top, count(n)))));
    return [...(rows.length ? [table] : missing ? [] : [el("p", { class: "empty" }, t(told ? "none_rejected" : "nothing_yet"))]), ...(notes.length ? [el("p", { class: "note" }, notes.join(" · "))] : [])];
  });
}

const WORST = 8;

export function quality(sections, open) {
  const all = Object.entries(sections.offices ?? {});
  const rows = all.filter(([, row]) => row.flagged > 0).map(([code, row]) => [code, row.flagged, row.flagged / Math.max(row.declarations, 1)]).sort((a, b) => b[1] - a[1]).slice(0, WORST);
  const word = !all.length ? "nothing_yet" : all.some(([, row]) => row.flagged !== null) ? "none_flagged" : "not_told";
  unlessSame(by("quality-table"), [language, rows, word], () => {
    const top = Math.max(1, ...rows.map(([, n]) => n));
    const table = () => el("table", {}, el("tbody", {}, ...rows.map(([code, n, share]) => meterRow([el("button", { type: "button", class: "plain", onclick: () => open(code) }, plain(code))], n, top, `${count(n)} · ${percent(share)}`))));
    return [rows.length ? table() : el("p", { class: "empty" }, t(word))];
  });
}

export function books(sections) {
  const { in_force: now, next, problem } = sections.books ?? {};
  const other = next && next.version !== now?.version ? next : null;
  const since = now?.starts ?? (next && !other ? next.starts : null);
  unlessSame(by("book-facts"), [language, now, next, Boolean(problem)], () => {
    const rows = [["in_force", now ? plain(now.version) : t("unknown"), since ? t("since", { at: stamp(since) }) : ""],
      ["next", other ? plain(other.version) : t("no_next"), other ? t("from", { at: stamp(other.starts) }) : ""]];
    return [...rows.map(([name, figure, under]) => el("div", {}, el("dt", {}, t(`book.${name}`)), el("dd", {}, el("b", {}, figure), under ? el("span", { class: "dim" }, under) : ""))),
      ...(problem ? [el("div", { class: "warn" }, el("dt", {}, t("book.problem")), el("dd", {}, t("book.unreadable")))] : [])];
  });
}

// How things stand with the connection, in one line, and whatever else a reader must know before believing the figures.
export function link(sections, picture) {
  const status = sections.status;
  const lost = picture.lost !== null && Date.now() - picture.lost > 1500;
  if (!status) return [lost ? "lost" : "loading", t(lost ? "link.unreached" : "link.loading"), []];
  const now = Date.now() / 1000 + picture.skew;
  const quiet = status.received === null ? null : now - status.received;
  const stale = status.condition === "live" && quiet !== null && quiet > 120;
  const as = sections.meta?.as_of ? t("as_of", { at: stamp(sections.meta.as_of) }) : t("no_data");
  const notices = [];
  if (lost) notices.push(["grave", t("notice.unreached", { at: new Date(picture.lost).toISOString().slice(11, 19) })]);
  if (status.condition === "lost") notices.push(["grave", t("notice.lost", { ago: ago(now - status.since) })]);
  if (stale) notices.push(["warn", t("notice.stale", { ago: ago(quiet) })]);
  if (status.ahead) notices.push(["warn", t("notice.ahead")]);
  if (status.backwards) notices.push(["warn", t("notice.backwards", { from: stamp(status.backwards[0]), to: stamp(status.backwards[1]) })]);
  for (const kind of Object.keys(status.missing)) notices.push(["warn", t("notice.missing", { kind: named("topic", kind) })]);
  if (status.norms_problem) notices.push(["warn", t("notice.norms")]);
  const condition = lost || status.condition === "lost" ? "lost" : stale ? "stale" : sections.meta?.newest === false ? "past" : status.condition;
  return [condition, `${t(`link.${condition}`)} · ${as}`, notices];
}

export function foot(sections) {
  const status = sections.status;
  if (!status) return;
  const ignored = Object.entries(status.ignored).map(([what, n]) => `${plain(what)} ${count(n)}`).join(", ");
  by("foot").replaceChildren(
    el("p", {}, t("foot.open")),
    el("p", {}, [t("foot.source", { source: plain(status.source) }), ignored ? t("foot.ignored", { what: ignored }) : t("foot.none_ignored")].join(" ")));
}
