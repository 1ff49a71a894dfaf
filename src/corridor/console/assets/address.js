// What the page's address asks for. What cannot be used is passed over, and told of once.
const one = (...words) => (value) => words.includes(value);
const day = (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)) && new Date(value).toISOString().startsWith(value);
const moment = (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z$/.test(value) && !Number.isNaN(Date.parse(value));
const KNOWN = { period: one("day", "week"), start: day, until: moment, lang: one("en", "ru"), theme: one("auto", "light", "dark"), view: one("wall", "desk") };
const LONGEST = 60;

// The parameters that can be used, and a list of those that cannot.
export function read(search = location.search) {
  const asked = new URLSearchParams(search);
  const [found, bad] = [{}, []];
  for (const [name, fits] of Object.entries(KNOWN)) {
    const value = asked.get(name);
    if (!value) continue;
    if (fits(value)) found[name] = value;
    else bad.push(`${name}=${value.slice(0, LONGEST)}`);
  }
  const drop = (name) => { bad.push(`${name}=${found[name]}`); delete found[name]; };
  if (found.period === "week" && found.start && new Date(found.start).getUTCDay() !== 1) drop("start");
  if (found.until && found.period === "week") drop("until");
  if (found.until) found.start ??= found.until.slice(0, 10);
  if (found.until && !(found.until >= found.start)) drop("until");
  return { found, bad };
}

// What #anomaly=ID or #office=CODE opens: [what, which]; null for nothing or a place of the page; `bad` if it cannot be read.
export function opens(hash = location.hash) {
  if (hash.length < 2 || document.getElementById(hash.slice(1))) return null;
  const [what, ...rest] = hash.slice(1).split("=");
  try {
    const which = decodeURIComponent(rest.join("="));
    return ["anomaly", "office"].includes(what) && which ? [what, which] : { bad: hash.slice(0, LONGEST) };
  } catch {
    return { bad: hash.slice(0, LONGEST) };
  }
}

// The address follows what is shown, so that it can be passed on; nothing is asked for by that.
export function follow(view, hash = location.hash) {
  const here = new URL(location.href);
  for (const [name, value] of Object.entries({ period: view.period === "week" ? "week" : null, start: view.start, until: view.until })) {
    if (value) here.searchParams.set(name, value); else here.searchParams.delete(name);
  }
  here.hash = hash;
  history.replaceState(null, "", here);
}
