// The page: one picture, shown by its parts; each part is drawn anew only if its figures changed.
import { anomalies, ordered, speakNew } from "./anomalies.js";
import { corridors } from "./corridors.js";
import { curve, resize, unfold } from "./curve.js";
import { by, el, say } from "./dom.js";
import * as drawer from "./drawer.js";
import { asOf, glance } from "./glance.js";
import { mix } from "./mix.js";
import { offices } from "./offices.js";
import { Picture } from "./picture.js";
import { buttons } from "./save.js";
import { books, foot, link, quality, rejects } from "./side.js";
import { day, language, load, speak, t } from "./words.js";

const QUARTER = 900000;
const asked = new URLSearchParams(location.search);
const root = document.documentElement;
const kept = (() => { try { return JSON.parse(localStorage.getItem("corridor") || "{}"); } catch { return {}; } })();
const picture = new Picture(changed, status);
let playing = null;
let ready = false;
let opened = decodeURIComponent(location.hash.slice(1));

function keep(values) {
  Object.assign(kept, values);
  try { localStorage.setItem("corridor", JSON.stringify(kept)); } catch { /* storage is off: nothing is kept */ }
}

const until = () => picture.view.until;
const inWindow = (filter) => ({ from: picture.sections.meta?.start, until: picture.sections.meta?.end, ...filter });
const drill = (filter, title) => drawer.consignments(inWindow(filter), title, until());
const openOffice = (code) => drawer.office(code, picture.sections, until());
const openEpisode = (id) => { const one = picture.sections.anomalies?.[id]; if (one) drawer.anomaly(one, until()); };
const redrawOffices = () => offices(picture.sections, openOffice, redrawOffices);

function changed(names, fresh) {
  if (!ready) return;
  const begun = performance.now();
  const sections = picture.sections;
  const any = (...wanted) => fresh || wanted.some((name) => names.has(name));
  if (any("meta")) windows();
  if (any("glance", "anomalies", "meta", "status")) glance(sections);
  if (any("curve", "meta")) curve(sections, fresh);
  if (any("anomalies", "told", "glance")) anomalies(sections, openEpisode);
  if (any("anomalies")) speakNew(sections, fresh);
  if (any("glance", "split")) corridors(sections, drill);
  if (any("offices", "bands", "anomalies", "meta")) redrawOffices();
  if (any("mix", "origins", "chapters")) mix(sections, drill);
  if (any("rejects", "undated", "status", "meta")) rejects(sections);
  if (any("offices")) quality(sections, openOffice);
  if (any("books")) books(sections);
  if (any("status")) foot(sections);
  status();
  if (opened && sections.anomalies) { const id = opened; opened = ""; openFrom(id); }
  performance.measure("update", { start: begun, end: performance.now() });
  root.dataset.version = String(picture.version);
}

function openFrom(hash) {
  const [what, id] = [hash.slice(0, hash.indexOf("=")), hash.slice(hash.indexOf("=") + 1)];
  if (what === "anomaly") openEpisode(id === "first" ? ordered(picture.sections.anomalies, Date.parse(picture.sections.meta.as_of))[0]?.id : id);
  if (what === "office") openOffice(id);
}

function status() {
  const [condition, line, notices] = link(picture.sections, picture);
  const node = by("link");
  node.dataset.condition = condition;
  say(node, line);
  const list = by("notices");
  const key = JSON.stringify(notices);
  if (list.dataset.told !== key) {
    list.dataset.told = key;
    list.hidden = !notices.length;
    list.replaceChildren(...notices.map(([kind, text]) => el("li", { class: kind }, text)));
  }
}

function windows() {
  const { period, start, newest, days, weeks } = picture.sections.meta;
  const offered = [...(period === "day" ? days : weeks)].reverse();
  by("window").replaceChildren(el("option", { value: "" }, t("newest")), ...offered.map((one) => el("option", { value: one }, day(one))));
  by("window").value = newest ? "" : start?.slice(0, 10) ?? "";
  say(by("when"), start ? (period === "day" ? day(start) : t("week_of", { day: day(start) })) : t("no_data"));
  document.title = `${t("title")} · ${start ? start.slice(0, 10) : t("no_data")}`;
  for (const one of ["day", "week"]) by(`period-${one}`).setAttribute("aria-pressed", String(period === one));
  by("replay").disabled = period !== "day" || !start;
  if (period !== "day") stopReplay();
  const place = start ? offered.indexOf(start.slice(0, 10)) : -1;
  by("before").disabled = place < 0 || place >= offered.length - 1;
  by("after").disabled = place <= 0;
}

function step(by_) {
  const { period, start, days, weeks } = picture.sections.meta;
  const offered = period === "day" ? days : weeks;
  const next = offered[offered.indexOf(start.slice(0, 10)) + by_];
  if (next) go({ start: next });
}

function go(change) {
  const view = { period: picture.view.period, start: null, until: null, ...change };
  pause();
  if (!view.until) by("replaying").hidden = true;
  by("replay").setAttribute("aria-expanded", String(!by("replaying").hidden));
  return picture.show(view);
}

function replayAt(quarters) {
  const start = picture.sections.meta.start.slice(0, 10);
  const at = new Date(Date.parse(`${start}T00:00:00Z`) + quarters * QUARTER).toISOString();
  say(by("moment-told"), quarters >= 96 ? "24:00" : asOf({ as_of: at }));
  return picture.show({ period: "day", start, until: at.replace(".000Z", "Z") });
}

function pause() {
  clearTimeout(playing);
  playing = null;
  say(by("play"), t("play"));
}

async function play() {
  if (playing) { pause(); return; }
  const slider = by("moment");
  if (Number(slider.value) >= Number(slider.max)) slider.value = slider.min;
  say(by("play"), t("pause"));
  const next = async () => {
    slider.stepUp();
    await replayAt(Number(slider.value));
    if (playing && Number(slider.value) < Number(slider.max)) playing = setTimeout(next, 450);
    else pause();
  };
  playing = setTimeout(next, 0);
}

function stopReplay() {
  if (by("replaying").hidden) return;
  by("replaying").hidden = true;
  by("replay").setAttribute("aria-expanded", "false");
  pause();
}

function startReplay() {
  const hidden = by("replaying").hidden;
  by("replaying").hidden = !hidden;
  by("replay").setAttribute("aria-expanded", String(hidden));
  if (!hidden) { go({ start: picture.sections.meta.newest ? null : picture.view.start }); return; }
  const { start, as_of: now } = picture.sections.meta;
  const most = Math.max(1, Math.min(96, Math.floor((Date.parse(now) - Date.parse(start)) / QUARTER)));
  Object.assign(by("moment"), { max: String(most), value: String(most) });
  say(by("moment-told"), asOf({ as_of: now }));
  by("moment").focus();
}

function spell() {
  for (const node of document.querySelectorAll("[data-t]")) say(node, t(node.dataset.t));
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = t(node.dataset.placeholder);
  for (const one of ["en", "ru"]) by(`lang-${one}`).setAttribute("aria-pressed", String(one === language));
  by("wall").setAttribute("aria-pressed", String(root.classList.contains("wall")));
  say(by("theme"), t(`theme.${root.dataset.theme ?? "auto"}`));
  by("theme").setAttribute("aria-label", t("theme"));
  buttons(picture);
}

function again() {
  spell();
  for (const id of ["tiles", "heat", "reject-codes", "corridor-mix", "episodes"]) by(id).replaceChildren();
  if (picture.sections.meta) changed(new Set(), true);
}

function wire() {
  const on = (id, event, call) => by(id).addEventListener(event, call);
  for (const one of ["en", "ru"]) on(`lang-${one}`, "click", () => { speak(one); keep({ lang: one }); again(); });
  for (const one of ["day", "week"]) on(`period-${one}`, "click", () => go({ period: one }));
  on("theme", "click", () => {
    const next = { auto: "light", light: "dark", dark: "auto" }[root.dataset.theme ?? "auto"];
    if (next === "auto") delete root.dataset.theme; else root.dataset.theme = next;
    keep({ theme: next });
    again();
  });
  on("wall", "click", () => { root.classList.toggle("wall"); keep({ view: root.classList.contains("wall") ? "wall" : "" }); again(); });
  on("window", "change", (event) => go({ start: event.target.value || null }));
  on("before", "click", () => step(-1));
  on("after", "click", () => step(1));
  on("replay", "click", startReplay);
  on("live", "click", () => go({}));
  on("play", "click", play);
  on("moment", "input", (event) => { pause(); replayAt(Number(event.target.value)); });
  on("find", "input", redrawOffices);
  by("curve").querySelector("details").addEventListener("toggle", unfold);
  new ResizeObserver(() => resize()).observe(by("plot"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  addEventListener("hashchange", () => { opened = decodeURIComponent(location.hash.slice(1)); changed(new Set(), false); });
  setInterval(status, 1000);
}

const first = picture.show({ period: asked.get("period") === "week" ? "week" : "day", start: asked.get("start"), until: asked.get("until") });
await load();
speak(asked.get("lang") || kept.lang || (navigator.language.startsWith("ru") ? "ru" : "en"));
wire();
await first;
ready = true;
again();
status();
root.dataset.ready = "true";
