// Elements are only ever made from text and attributes, never from markup: what comes from messages stays data.
const SVG = "http://www.w3.org/2000/svg";

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const el = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);
export function set(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

export const by = (id) => document.getElementById(id);

// A text node that is there already is renewed in place, which costs the browser less than another node.
export function say(node, text) {
  const first = node.firstChild;
  if (first?.nodeType === Node.TEXT_NODE && !first.nextSibling) { if (first.data !== text) first.data = text; }
  else if (node.textContent !== text) node.textContent = text;
}

// Call `make` and put what it gives into a host, unless the host was filled from the same before.
const filledFrom = new WeakMap();
export function unlessSame(host, from, make) {
  const key = JSON.stringify(from);
  if (filledFrom.get(host) === key && host.firstChild) return;
  filledFrom.set(host, key);
  host.replaceChildren(...make());
}

// Children by key: those that stay are kept, so that focus and scroll stay too. make(key) once, renew(node, key, place) each time.
export function keyed(parent, keys, make, renew) {
  const known = new Map();
  for (const node of parent.children) known.set(node.dataset.key, node);
  const nodes = keys.map((key, place) => {
    const node = known.get(key) ?? make(key);
    node.dataset.key = key;
    known.delete(key);
    renew(node, key, place);
    return node;
  });
  for (const node of known.values()) node.remove();
  arrange(parent, nodes);
}

// Puts children into an order by as few moves as there can be: the longest run that is in order already stays.
function arrange(parent, nodes) {
  const places = new Map();
  for (const node of parent.children) places.set(node, places.size);
  const stays = longestRun(nodes.map((node) => places.get(node) ?? -1));
  let next = null;
  for (let i = nodes.length - 1; i >= 0; i -= 1) {
    if (!stays.has(i)) move(parent, nodes[i], next);
    next = nodes[i];
  }
}

// moveBefore keeps focus and scroll of what it moves; not every browser has it.
function move(parent, node, next) {
  if (parent.moveBefore && node.parentNode === parent) parent.moveBefore(node, next);
  else parent.insertBefore(node, next);
}

// Indices of a longest increasing subsequence; -1 stands for what is new. Source: Fredman, 1975 (patience sorting).
export function longestRun(places) {
  const tails = [];
  const before = [];
  places.forEach((place, i) => {
    if (place < 0) return;
    let [low, high] = [0, tails.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places[tails[middle]] < place) low = middle + 1; else high = middle;
    }
    before[i] = tails[low - 1];
    tails[low] = i;
  });
  const found = new Set();
  for (let i = tails.at(-1); i !== undefined; i = before[i]) found.add(i);
  return found;
}

// Signs that do not print (controls, direction marks) are shown as such and cannot turn a line around; a name that is written
// from right to left is set apart from what stands beside it.
const RIGHT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;
export function plain(text) {
  const clean = String(text ?? "").replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, "\uFFFD");
  return RIGHT.test(clean) ? `\u2068${clean}\u2069` : clean;
}
