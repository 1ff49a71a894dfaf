// Runs before the first paint, so that a page never flashes in the other theme.
(() => {
  const asked = new URLSearchParams(location.search);
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem("corridor") || "{}"); } catch { /* storage is off: defaults serve */ }
  const theme = asked.get("theme") || kept.theme;
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (asked.get("view") === "wall" || (!asked.has("view") && kept.view === "wall")) document.documentElement.classList.add("wall");
})();
