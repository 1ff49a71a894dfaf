// The page: one picture, shown by its parts; each part is drawn anew only if its figures changed, those in view first.
import * as address from "./address.js";
import { anomalies, ordered, speakNew } from "./anomalies.js";
import { corridors } from "./corridors.js";
import { curve, repaint, resize, unfold } from "./curve.js";
import { by, el, plain, say, set, unlessSame } from "./dom.js";
import * as drawer from "./drawer.js";
import { draw, settle, watchPanels } from "./frames.js";
import { glance } from "./glance.js";
import { mix } from "./mix.js";
import { offices, wire as wireOffices } from "./offices.js";
import { Picture } from "./picture.js";
import * as replay from "./replay.js";
import { buttons } from "./save.js";
import { books, foot, link, quality, rejects } from "./side.js";
import { beside, dress, spell, windows } from "./tools.js";
import { load, speak, t } from "./words.js";

const root = document.documentElement;
const { found: asked, bad } = address.read();
const kept = (() => { try { return JSON.parse(localStorage.getItem("corridor") || "{}") || {}; } catch { return {}; } })();
const picture = new Picture({ changed, heard: status, refused: (view) => misread(...["start", "until"].filter((name) => view[name]).map((name) => `${name}=${view[name]}`)), still: new URLSearchParams(location.search).has("still") });
const misreads = new Set();
const due = { names: new Set(), fresh: false };
let [worded, ready] = [false, false];
let opened = hashed();

function keep(values) {
  Object.assign(kept, values);
  try { localStorage.setItem("corridor", JSON.stringify(kept)); } catch { /* storage is off: nothing is kept */ }
}

// What of a link could not be used is told until somebody puts it away.
function misread(...what) {
  for (const one of what) misreads.add(plain(one));
  status();
}

function hashed() {
  const found = address.opens();
  if (found?.bad) { misread(found.bad); return null; }
  return found;
}

const until = () => picture.view.until;
const inWindow = (filter) => ({ from: picture.sections.meta?.start, until: picture.sections.meta?.end, ...filter });
const drill = (filter, title) => drawer.consignments(inWindow(filter), title, until());
const redrawOffices = () => offices(picture.sections, openOffice, redrawOffices);
const linkTo = (what, which) => address.follow(picture.view, `${what}=${encodeURIComponent(which)}`);

function openOffice(code) {
  if (!picture.sections.offices?.[code]) return false;
  drawer.office(code, picture.sections, until());
  linkTo("office", code);
  return true;
}

function openEpisode(id) {
  const one = picture.sections.anomalies?.[id];
  if (!one) return false;
  drawer.anomaly(one, until());
  linkTo("anomaly", id);
  return true;
}

const PARTS = [
  ["glance", ["glance", "anomalies", "meta", "status"], glance],
  ["curve", ["curve", "meta"], curve],
  ["anomalies", ["anomalies", "told", "glance", "meta"], (sections) => anomalies(sections, openEpisode)],
  ["corridors", ["glance", "split"], (sections) => corridors(sections, drill)],
  ["offices", ["offices", "bands", "anomalies", "meta"], redrawOffices],
  ["mix", ["mix", "origins", "chapters"], (sections) => mix(sections, drill)],
  ["rejects", ["rejects", "undated", "status", "meta"], rejects],
  ["quality", ["offices"], (sections) => quality(sections, openOffice)],
  ["books", ["books"], books],
];

// Nothing is drawn for a page that nobody sees; it catches up when it is looked at.
function changed(names, fresh) {
  for (const name of names) due.names.add(name);
  due.fresh ||= fresh;
  if (ready && !document.hidden) catchUp();
}

function catchUp() {
  const { names, fresh } = due;
  Object.assign(due, { names: new Set(), fresh: false });
  const begun = performance.now();
  const sections = picture.sections;
  const any = (...wanted) => fresh || wanted.some((name) => names.has(name));
  if (any("meta")) windows(sections.meta);
  for (const [panel, wanted, part] of PARTS) if (any(...wanted)) draw(by(panel), panel, () => part(picture.sections));
  if (picture.still) settle();
  if (any("anomalies")) speakNew(sections, fresh);
  if (any("status")) foot(sections);
  status();
  if (opened && sections.anomalies && sections.status?.condition !== "loading") openLink();
  performance.measure("update", { start: begun, end: performance.now() });
  root.dataset.version = String(picture.version);
}

function openLink() {
  const [what, which] = opened;
  opened = null;
  const first = () => ordered(picture.sections.anomalies, Date.parse(picture.sections.meta.as_of))[0]?.id;
  const done = what === "office" ? openOffice(which) : openEpisode(which === "first" ? first() : which);
  if (!done && which !== "first") misread(`${what}=${which.slice(0, 60)}`);
}

function status() {
  if (!worded) return;
  const [condition, line, notices] = link(picture.sections, picture);
  const node = by("link");
  const grave = ["lost", "stale"];
  if (node.dataset.condition !== condition && (grave.includes(condition) || grave.includes(node.dataset.condition))) say(by("spoken"), line);
  set(node, "data-condition", condition);
  say(node, line);
  const bad = misreads.size ? t("notice.misread", { what: [...misreads].join(", ") }) : null;
  by("notices").hidden = !notices.length && !bad;
  unlessSame(by("notices"), [notices, bad], () => [
    ...notices.map(([kind, text]) => el("li", { class: kind }, text)),
    ...(bad ? [el("li", { class: "warn" }, bad, el("button", { type: "button", class: "plain", "aria-label": t("close"), onclick: () => { misreads.clear(); status(); } }, "✕"))] : [])]);
}

function show(view) {
  address.follow(view);
  return picture.show(view);
}

function go(change) {
  replay.close();
  return show({ period: picture.view.period, start: null, until: null, ...change });
}

// In another language, theme or size: everything is made anew.
function again() {
  spell();
  buttons(picture);
  repaint();
  for (const id of ["tiles", "heat", "reject-codes", "quality-table", "corridor-mix", "splits", "episodes", "notices", "window", "book-facts"]) by(id).replaceChildren();
  if (picture.sections.meta) changed([], true);
}

function wire() {
  const on = (id, event, call) => by(id).addEventListener(event, call);
  for (const one of ["en", "ru"]) on(`lang-${one}`, "click", () => { speak(one); keep({ lang: one }); again(); });
  for (const one of ["day", "week"]) on(`period-${one}`, "click", () => go({ period: one }));
  on("theme", "click", () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme ?? "auto"];
    dress(next);
    keep({ theme: next });
    again();
  });
  on("wall", "click", () => { root.classList.toggle("wall"); keep({ view: root.classList.contains("wall") ? "wall" : "" }); again(); });
  on("window", "change", (event) => go({ start: event.target.value || null }));
  for (const [id, steps] of [["before", -1], ["after", 1]]) on(id, "click", () => { const start = beside(picture.sections.meta, steps); if (start) go({ start }); });
  on("find", "input", redrawOffices);
  on("drawer", "close", () => address.follow(picture.view, ""));
  by("curve").querySelector("details").addEventListener("toggle", unfold);
  replay.wire(picture, go, show);
  wireOffices(redrawOffices);
  new ResizeObserver(() => resize()).observe(by("plot"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("hashchange", () => { opened = hashed(); changed([], false); });
  document.addEventListener("visibilitychange", () => { if (ready && !document.hidden) catchUp(); });
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
  setInterval(status, 1000);
}

// On paper the page is light, and whole.
let worn = "auto";
function paper(printing) {
  if (printing) worn = root.dataset.theme ?? "auto";
  dress(printing ? "light" : worn);
  again();
  settle();
}

misread(...bad);
const first = picture.show({ period: asked.period ?? "day", start: asked.start ?? null, until: null });
await load();
worded = true;
speak(asked.lang || kept.lang || (navigator.language.startsWith("ru") ? "ru" : "en"));
wire();
await first;
ready = true;
watchPanels();
again();
status();
if (asked.until && picture.view.start === asked.start && picture.sections.meta?.as_of) await replay.openAt(asked.until);
root.dataset.ready = "true";
