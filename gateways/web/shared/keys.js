// Keyboard shortcuts: registered once by whoever owns them, listed by `?`.

const entries = [];

/** `keys` is one key or several with the same meaning, as in KeyboardEvent.key. Returns a function that removes it. */
export function shortcut({ keys, label, group = "Everywhere", run }) {
  const entry = { keys: [keys].flat(), label, group, run };
  entries.push(entry);
  return () => entries.splice(entries.indexOf(entry), 1);
}

export const shortcuts = () => entries.slice();

const typing = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.composedPath()[0];
  if (typing(target) || document.querySelector("wa-dialog[open]")) return;
  const found = entries.find((entry) => entry.run && entry.keys.includes(event.key));
  if (!found) return;
  // a focused button keeps its own Space and Enter
  if ((event.key === " " || event.key === "Enter") && target.closest?.("button, a, [role=button], [role=menuitem], [role=slider]")) return;
  if (found.run(event) !== false) event.preventDefault();
});
