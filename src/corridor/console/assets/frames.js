// What is in view is drawn at once, so that an update stands in the very next frame; the rest follows when the browser
// has time, a slice at a time, and in any case before it is taken along or printed.
const waiting = new Map();
const idle = globalThis.requestIdleCallback ? (run) => requestIdleCallback(run, { timeout: 400 }) : (run) => setTimeout(() => run({ timeRemaining: () => 8 }), 20);
let asked = false;

function run(deadline) {
  asked = false;
  for (const [key, work] of waiting) {
    waiting.delete(key);
    work();
    if (deadline.timeRemaining() < 3) break;
  }
  if (waiting.size) ask();
}

// After the frame that is under way, so that nothing of this comes before it.
function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => setTimeout(() => idle(run)));
}

// Do a work later; a newer one of the same key takes its place.
export function later(key, work) {
  waiting.delete(key);
  waiting.set(key, work);
  ask();
}

export const forget = (key) => waiting.delete(key);

// Do now whatever still waits.
export function settle() {
  for (const [key, work] of waiting) { waiting.delete(key); work(); }
}

const seen = new WeakMap();
const watch = new IntersectionObserver((entries) => entries.forEach((one) => seen.set(one.target, one.isIntersecting)), { rootMargin: "120px" });

export function watchPanels() {
  for (const panel of document.querySelectorAll("main > section")) watch.observe(panel);
}

// Whether a panel is on the screen, as far as is known; what was never looked at counts as seen.
export const inView = (panel) => seen.get(panel) ?? true;

// Draw a panel's part now if it is in view, else later.
export function draw(panel, part, work) {
  if (inView(panel)) { forget(part); work(); } else later(part, work);
}
