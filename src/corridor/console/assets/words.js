// Texts, numbers and times in the reader's language; hours are UTC, as in all of Corridor.
let texts = {};
export let language = "en";

export async function load() {
  texts = await (await fetch("/assets/texts.json")).json();
}

export function speak(wanted) {
  language = wanted === "ru" ? "ru" : "en";
  document.documentElement.lang = language;
}

export function t(key, values = {}) {
  const found = texts[key]?.[language] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "–");
}

export const known = (key) => key in texts;
export const named = (group, name) => (known(`${group}.${name}`) ? t(`${group}.${name}`) : name);

const made = new Map();
function format(kind, options) {
  const key = language + kind + JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl[kind](language === "ru" ? "ru-RU" : kind === "NumberFormat" ? "en-US" : "en-GB", options));
  return made.get(key);
}

export const NONE = "–";
// What is no number is told as none, what nobody could read by its power of ten.
const number = (options) => (value) => {
  if (typeof value !== "number" || !Number.isFinite(value)) return NONE;
  return format("NumberFormat", Math.abs(value) < 1e15 ? options : { notation: "scientific", maximumFractionDigits: 1 }).format(value);
};
export const count = number({ maximumFractionDigits: 0 });
export const decimal = number({ maximumFractionDigits: 1 });
export const exact = number({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
export const percent = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
export const change = number({ style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });
export const short = (value) => (value !== null && Math.abs(value) < 10000 ? number({ maximumFractionDigits: value < 100 && value !== Math.round(value) ? 1 : 0 })(value) : number({ notation: "compact", maximumFractionDigits: 1 })(value));
export const brief = (value) => (value < 1e4 ? String(value) : value < 1e6 ? `${Math.round(value / 1e3)}${t("k")}` : value < 1e9 ? `${decimal(value / 1e6)}${t("m")}` : short(value));
export const seconds = (value) => (value === null || value === undefined ? NONE : `${decimal(value)} ${t("s")}`);

export const hour = (iso) => `${iso.slice(11, 13)}:00`;
export const clock = (iso) => iso.slice(11, 16);
export const day = (iso) => format("DateTimeFormat", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(new Date(iso));
export const stamp = (iso) => {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? NONE : `${format("DateTimeFormat", { timeZone: "UTC", day: "numeric", month: "short" }).format(at)} ${at.toISOString().slice(11, 16)}`;
};
export const ago = (passed) => {
  const rest = Math.max(0, Math.round(passed));
  if (rest < 90) return t("ago_s", { n: count(rest) });
  if (rest < 5400) return t("ago_min", { n: count(rest / 60) });
  return t("ago_h", { n: count(rest / 3600) });
};
