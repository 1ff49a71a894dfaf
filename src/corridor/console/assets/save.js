// What is shown, taken along: tables as CSV from the server, any panel as PNG from the page as it stands.
import { by, el } from "./dom.js";
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

// The panel is copied into an SVG with the page's own style, and that drawn at twice its size.
export async function drawn(panel) {
  const box = panel.getBoundingClientRect();
  const tall = Math.ceil(Math.max(box.height, panel.scrollHeight));
  const copy = panel.cloneNode(true);
  const [canvases, copies] = [panel, copy].map((node) => [...node.querySelectorAll("canvas")]);
  canvases.forEach((canvas, i) => {
    const image = el("img", { src: canvas.toDataURL(), width: canvas.clientWidth, height: canvas.clientHeight });
    copies[i].replaceWith(image);
  });
  for (const node of copy.querySelectorAll(".save, details")) node.remove();
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
  const canvas = el("canvas", { width: Math.ceil(box.width * 2), height: tall * 2 });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  pen.drawImage(image, 0, 0);
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("empty"))), "image/png"));
}
