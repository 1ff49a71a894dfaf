// What is shown, taken along: tables as CSV from the server, any panel as PNG from the page as it stands.
import { by, el } from "./dom.js";
import { settle } from "./frames.js";
import { t } from "./words.js";

export function buttons(picture) {
  for (const host of document.querySelectorAll("[data-save]")) {
    const panel = host.closest("section");
    host.replaceChildren(
      el("a", { class: "button", href: "#", download: "", "aria-label": t("save_csv"), onclick: (event) => { event.currentTarget.href = `/data/tables/${host.dataset.save}?${picture.query()}`; } }, "CSV"),
      el("button", { type: "button", "aria-label": t("save_png"), onclick: () => saved(panel) }, "PNG"));
  }
}

async function saved(panel) {
  try {
    const blob = await drawn(panel);
    const url = URL.createObjectURL(blob);
    el("a", { href: url, download: `corridor-${panel.id}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } catch {
    by("toast").textContent = t("no_png");
    by("toast").hidden = false;
    setTimeout(() => { by("toast").hidden = true; }, 6000);
  }
}

const rules = () => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText).join("\n");

// The panel is copied whole, with what is scrolled away, into an SVG with the page's own style, and drawn at twice its size.
export async function drawn(panel) {
  settle();
  const box = panel.getBoundingClientRect();
  const hidden = [...panel.querySelectorAll(".scroll, .episodes")].map((node) => node.scrollHeight - node.clientHeight);
  const tall = Math.ceil(box.height + Math.max(0, ...hidden));
  const copy = panel.cloneNode(true);
  const [canvases, copies] = [panel, copy].map((node) => [...node.querySelectorAll("canvas")]);
  canvases.forEach((canvas, i) => {
    const image = el("img", { src: canvas.toDataURL(), width: canvas.clientWidth, height: canvas.clientHeight });
    copies[i].replaceWith(image);
  });
  for (const node of copy.querySelectorAll(".save, details, input, .hidden")) node.remove();
  for (const node of copy.querySelectorAll(".scroll, .episodes")) Object.assign(node.style, { maxHeight: "none", overflow: "visible" });
  const root = document.documentElement;
  const size = Number.parseFloat(getComputedStyle(root).fontSize);
  const style = rules();
  const holder = el("div", { lang: root.lang }, el("style", {}, style), copy);
  const now = getComputedStyle(root);
  for (const name of new Set(style.match(/--[a-z][a-z0-9-]*(?=:)/g))) holder.style.setProperty(name, now.getPropertyValue(name));
  Object.assign(holder.style, { fontFamily: getComputedStyle(document.body).fontFamily, color: now.getPropertyValue("--ink"), fontSize: `${size}px`, lineHeight: "1.45", width: `${box.width}px`, fontVariantNumeric: "tabular-nums" });
  const body = new XMLSerializer().serializeToString(holder);
  const page = `<svg xmlns="http://www.w3.org/2000/svg" width="${box.width}" height="${tall}"><foreignObject width="100%" height="100%">${body}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(page)}`;
  await image.decode();
  const scale = tall > 8000 ? 1 : 2;
  const canvas = el("canvas", { width: Math.ceil(box.width * scale), height: tall * scale });
  const pen = canvas.getContext("2d");
  pen.fillStyle = now.getPropertyValue("--card");
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.scale(scale, scale);
  pen.drawImage(image, 0, 0);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("empty"))), "image/png"));
}
