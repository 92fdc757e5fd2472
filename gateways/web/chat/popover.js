// Small layers over the page: menus and pickers, at something that was clicked. The browser's own popovers.

import { render } from "lit";

const GAP_PX = 4;
const EDGE_PX = 8;

/** Puts `layer` beside `anchor`, inside the window. */
function settle(layer, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = layer.getBoundingClientRect();
  const left = Math.max(EDGE_PX, Math.min(at.right - width, innerWidth - width - EDGE_PX));
  const below = at.bottom + GAP_PX + height <= innerHeight - EDGE_PX;
  const top = below ? at.bottom + GAP_PX : Math.max(EDGE_PX, at.top - height - GAP_PX);
  layer.style.left = `${left}px`;
  layer.style.top = `${top}px`;
}

const step = (items, event, columns) => {
  const at = items.indexOf(document.activeElement);
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (event.key === "Home") return items[0];
  if (event.key === "End") return items.at(-1);
  if (by === undefined) return null;
  return items[(at + by + items.length) % items.length];
};

/**
 * Opens a layer of buttons (`fill(layer)` makes them; each has a data-value) at `anchor`; resolves to the value that
 * was chosen, or undefined. `columns`: how many stand in a line. The focus goes back to where it was.
 */
export function choose(anchor, { label, cls = "", columns = 1, role = "menu", fill }) {
  const layer = document.createElement("div");
  layer.popover = "auto";
  layer.className = `layer ${cls}`;
  layer.setAttribute("role", role);
  layer.setAttribute("aria-label", label);
  fill(layer);
  document.body.append(layer);
  const before = document.activeElement;
  const { promise, resolve } = Promise.withResolvers();
  const items = [...layer.querySelectorAll("button")];
  layer.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    resolve(button.dataset.value);
    layer.hidePopover();
  });
  layer.addEventListener("keydown", (event) => {
    const next = step(items, event, columns);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  });
  layer.addEventListener("toggle", (event) => {
    if (event.newState === "open") return;
    const inside = layer.contains(document.activeElement);
    layer.remove();
    if (inside && before?.isConnected) before.focus();
    resolve(undefined);
  });
  layer.showPopover();
  settle(layer, anchor);
  items[0]?.focus();
  return promise;
}

/** Something to read at `anchor`: `content` is a template. Escape or a click elsewhere closes it. */
export function showLayer(anchor, label, content) {
  const layer = document.createElement("div");
  Object.assign(layer, { popover: "auto", className: "layer reading-layer", role: "dialog", ariaLabel: label, tabIndex: -1 });
  render(content, layer);
  document.body.append(layer);
  layer.addEventListener("toggle", (event) => {
    if (event.newState === "open") return;
    const inside = layer.contains(document.activeElement);
    layer.remove();
    if (inside && anchor.isConnected) anchor.focus();
  });
  layer.showPopover();
  settle(layer, anchor);
  layer.focus();
}

/** A menu: `entries` are `[value, label, kind]`, kind "danger" or nothing; null draws a line. */
export function chooseFrom(anchor, label, entries) {
  return choose(anchor, {
    label,
    fill: (layer) => layer.append(...entries.map((entry) => {
      if (entry === null) {
        const line = document.createElement("div");
        line.setAttribute("role", "separator");
        return line;
      }
      const [value, text, kind] = entry;
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: text, className: kind ?? "" });
      button.setAttribute("role", "menuitem");
      button.dataset.value = value;
      return button;
    })),
  });
}
