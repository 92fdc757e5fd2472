// Runs before the first paint (a classic script on purpose): applies the chosen theme, else follows the system.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("kinolog.theme");
    } catch {
      // storage may be forbidden: the system's theme is fine then
    }
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
    else delete root.dataset.theme;
    const dark = chosen === "dark" || (chosen !== "light" && system.matches);
    root.classList.toggle("wa-dark", dark);
    root.classList.toggle("wa-light", !dark);
  };
  apply();
  system.addEventListener("change", apply);
  addEventListener("kinolog-theme", apply);
  addEventListener("storage", apply);
})();
