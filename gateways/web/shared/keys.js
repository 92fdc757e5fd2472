// Keyboard shortcuts: registered once by whoever owns them, listed by `?`.

const entries = [];

/** `keys` is one key or several with the same meaning, as in KeyboardEvent.key. Returns a function that removes it. */
export function shortcut({ keys, label, group = "Everywhere", run }) {
  const entry = { keys: [keys].flat(), label, group, run };
  entries.push(entry);
  return () => entries.splice(entries.indexOf(entry), 1);
}

export const shortcuts = () => entries.slice();

const TEXT_FIELDS = "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]";

/** The focused control needs this key itself: text anywhere, arrows in sliders and menus, Space on buttons. */
function taken(event) {
  const [target] = event.composedPath();
  if (!(target instanceof Element)) return false;
  if (target.closest(TEXT_FIELDS)) return true;
  const path = event.composedPath().filter((node) => node instanceof Element);
  const inside = (selector) => path.some((node) => node.matches(selector));
  if (event.key.startsWith("Arrow")) return inside("input, [role=slider], [role^=menu], [role=tree], wa-dropdown, .scrolls");
  return event.key === " " && inside("input, button, a, summary, [role=button], [role^=menu]");
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("wa-dialog[open]") || taken(event)) return;
  const found = entries.find((entry) => entry.run && entry.keys.includes(event.key));
  if (!found) return;
  if (found.run(event) !== false) event.preventDefault();
});
