// The bar on top: which day or week, which language, theme and size.
import { by, el, say, unlessSame } from "./dom.js";
import { day, language, t } from "./words.js";

const root = document.documentElement;

// Which day or week is shown, and which others there are.
export function windows(meta) {
  const { period, start, newest, days, weeks } = meta;
  const offered = [...(period === "day" ? days : weeks)].reverse();
  unlessSame(by("window"), [language, offered], () => [el("option", { value: "" }, t("newest")), ...offered.map((one) => el("option", { value: one }, day(one)))]);
  by("window").value = newest ? "" : start?.slice(0, 10) ?? "";
  say(by("when"), start ? (period === "day" ? day(start) : t("week_of", { day: day(start) })) : t("no_data"));
  document.title = `${t("title")} · ${start ? start.slice(0, 10) : t("no_data")}`;
  for (const one of ["day", "week"]) by(`period-${one}`).setAttribute("aria-pressed", String(period === one));
  by("replay").disabled = period !== "day" || !start || !meta.as_of;
  const place = start ? offered.indexOf(start.slice(0, 10)) : -1;
  by("before").disabled = place < 0 || place >= offered.length - 1;
  by("after").disabled = place <= 0;
}

// The day or week so many before or after the one that is shown; undefined if there is none.
export function beside(meta, steps) {
  const offered = meta.period === "day" ? meta.days : meta.weeks;
  return offered[offered.indexOf(meta.start.slice(0, 10)) + steps];
}

// All texts of the page itself, in the reader's language.
export function spell() {
  for (const node of document.querySelectorAll("[data-t]")) say(node, t(node.dataset.t));
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = t(node.dataset.placeholder);
  for (const one of ["en", "ru"]) by(`lang-${one}`).setAttribute("aria-pressed", String(one === language));
  by("wall").setAttribute("aria-pressed", String(root.classList.contains("wall")));
  say(by("theme"), t(`theme.${root.dataset.theme ?? "auto"}`));
  by("theme").setAttribute("aria-label", `${t("theme")}: ${t(`theme.${root.dataset.theme ?? "auto"}`)}`);
}

export function dress(theme) {
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
}
