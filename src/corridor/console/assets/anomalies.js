// Episodes out of their norm, the gravest first; what is new is said to those who listen.
import { by, el, keyed, plain, say, set } from "./dom.js";
import { count, decimal, known, language, NONE, percent, stamp, t } from "./words.js";

const GRAVE = { critical: 2, warning: 1, info: 0 };
const MARK = { critical: "▲", warning: "◆", info: "●" };
const MOST = 60;
let heard = null;

export const kindName = (kind) => (known(`kind.${kind}`) ? t(`kind.${kind}`) : plain(kind));
export const isShare = (one) => one.kind.includes("share");
// Whether it still goes on: as its episode says, else if the stretch it speaks of reaches into the last hour.
export const isOpen = (one, asOf) => (one.state ? one.state !== "closed" : Date.parse(one.stop ?? one.at) >= asOf - 3600e3);
export const amount = (one) => (isShare(one) ? percent : decimal);
export const single = (one) => one.kind.startsWith("consignment.");

export function ordered(anomalies, asOf = 0) {
  return Object.values(anomalies).sort((a, b) => isOpen(b, asOf) - isOpen(a, asOf) || single(a) - single(b) || GRAVE[b.severity] - GRAVE[a.severity] || (a.at < b.at ? 1 : -1));
}

export function subjectName(subject) {
  const name = known(`subject.${subject.type}`) ? t(`subject.${subject.type}`) : plain(subject.type);
  return subject.type === "service" ? name : `${name} ${plain(subject.id)}`;
}

export function figures(one) {
  if (one.observed === null) return "";
  const show = amount(one);
  const norm = one.low !== null && one.high !== null ? t("norm_range", { low: show(one.low), high: show(one.high) }) : one.expected !== null ? t("norm_is", { n: show(one.expected) }) : "";
  return `${show(one.observed)} · ${norm}`;
}

function make(open) {
  return () => el("li", {}, el("button", { type: "button", class: "episode", onclick: (event) => open(event.currentTarget.parentElement.dataset.key) }, el("span", { class: "sign" }), el("span", { class: "what" }), el("span", { class: "time" }), el("span", { class: "who" }), el("span", { class: "how" })));
}

function renew(node, one, asOf) {
  const [sign, what, time, who, how] = node.firstChild.children;
  set(node, "class", `${one.severity} ${isOpen(one, asOf) || single(one) ? "" : "closed"}`);
  say(sign, MARK[one.severity]);
  set(sign, "title", t(`severity.${one.severity}`));
  set(sign, "aria-label", t(`severity.${one.severity}`));
  set(sign, "role", "img");
  say(what, kindName(one.kind));
  say(time, `${stamp(one.opened ?? one.at)}${one.state && known(`state.${one.state}`) ? ` · ${t(`state.${one.state}`)}` : ""}`);
  say(who, subjectName(one.subject));
  say(how, one.observed === null ? plain(one[language]) : figures(one));
}

export function anomalies(sections, open) {
  const asOf = Date.parse(sections.meta?.as_of ?? 0);
  const all = ordered(sections.anomalies ?? {}, asOf);
  const told = new Map(all.map((one) => [one.id, one]));
  const host = by("episodes");
  if (!all.length) {
    keyed(host, ["none"], () => el("li", { class: "empty" }), (node) => say(node, t(sections.glance ? "nothing_out" : "nothing_yet")));
  } else {
    keyed(host, all.slice(0, MOST).map((one) => one.id), make(open), (node, id) => renew(node, told.get(id), asOf));
  }
  const many = sections.told?.all ?? all.length;
  const shown = Math.min(all.length, MOST);
  say(by("anomalies-note"), many > shown ? t("shown_of", { n: count(shown), all: count(many) }) : many ? t("told_all", { n: count(many) }) : "");
}

// What came since the last look is said politely; what stood there at first is not read out.
export function speakNew(sections, fresh) {
  const grave = ordered(sections.anomalies ?? {}).filter((one) => one.severity !== "info");
  const ids = new Set(grave.map((one) => `${one.id} ${one.state}`));
  if (!fresh && heard) {
    const news = grave.filter((one) => !heard.has(`${one.id} ${one.state}`));
    if (news.length) say(by("spoken"), news.slice(0, 3).map((one) => plain(one[language])).join(" "));
  }
  heard = ids;
}

export { MARK, NONE };
