// A day again by quarters of an hour: a slider, and a button that moves it.
import { by, say } from "./dom.js";
import { asOf } from "./glance.js";
import { t } from "./words.js";

const QUARTER = 900000;
const STEP = 450;
let playing = null;
let picture = null;
let show = null;
let asked = null;

export function pause() {
  clearTimeout(playing);
  playing = null;
  say(by("play"), t("play"));
}

// Put the slider away; what is shown stays.
export function close() {
  by("replaying").hidden = true;
  by("replay").setAttribute("aria-expanded", "false");
  pause();
}

const told = (quarters) => (quarters >= 96 ? "24:00" : new Date(Math.round(quarters * QUARTER)).toISOString().slice(11, 16));

function moveTo(quarters) {
  const slider = by("moment");
  say(by("moment-told"), told(quarters));
  slider.setAttribute("aria-valuetext", `${told(quarters)} UTC`);
}

function at(quarters) {
  const start = picture.sections.meta.start.slice(0, 10);
  const until = new Date(Date.parse(`${start}T00:00:00Z`) + quarters * QUARTER).toISOString();
  moveTo(quarters);
  return show({ period: "day", start, until: until.replace(".000Z", "Z") });
}

const passed = (from, to) => (Date.parse(to) - Date.parse(from)) / QUARTER;

// Show the slider over what is known of the day.
export function open() {
  asked = picture.view.start;
  const { start, as_of: now } = picture.sections.meta;
  const most = Math.max(1, Math.min(96, Math.floor(passed(start, now))));
  Object.assign(by("moment"), { max: String(most), value: String(most) });
  by("replaying").hidden = false;
  by("replay").setAttribute("aria-expanded", "true");
  moveTo(most);
  say(by("moment-told"), asOf({ as_of: now }));
}

// Show a moment of the day that is shown, unless it has not come yet.
export async function openAt(until) {
  const { start, as_of: now } = picture.sections.meta;
  open();
  if (Date.parse(until) >= Date.parse(now)) return;
  by("moment").value = String(Math.round(passed(start, until)));
  moveTo(passed(start, until));
  await show({ period: "day", start: start.slice(0, 10), until });
}

async function play() {
  if (playing) { pause(); return; }
  const slider = by("moment");
  if (Number(slider.value) >= Number(slider.max)) slider.value = slider.min;
  say(by("play"), t("pause"));
  const next = async () => {
    slider.stepUp();
    await at(Number(slider.value));
    if (playing && Number(slider.value) < Number(slider.max)) playing = setTimeout(next, STEP);
    else pause();
  };
  playing = setTimeout(next, 0);
}

// shown: what is shown; go: shows another view, and ends the replay; move: a moment of the day.
export function wire(shown, go, move) {
  [picture, show] = [shown, move];
  by("replay").addEventListener("click", () => {
    if (by("replaying").hidden) { open(); by("moment").focus(); }
    else go({ start: asked });
  });
  by("live").addEventListener("click", () => go({}));
  by("play").addEventListener("click", play);
  by("moment").addEventListener("input", (event) => { pause(); at(Number(event.target.value)); });
}
