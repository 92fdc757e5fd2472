// Menus load when the page has nothing better to do; a click before that is not lost.

export const loadMenus = () => Promise.all([import("wa/dropdown/dropdown.js"), import("wa/dropdown-item/dropdown-item.js")]);
requestIdleCallback(loadMenus, { timeout: 1000 });

/** For the click on a menu's trigger: the menu opens as soon as its code has arrived. */
export async function openEarly({ currentTarget: trigger }) {
  if (customElements.get("wa-dropdown")) return; // which opens itself
  const dropdown = trigger.closest("wa-dropdown");
  await loadMenus();
  await dropdown.updateComplete;
  dropdown.open = true;
}
