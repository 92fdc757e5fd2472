// Clicks and keys on the rows of a room.
import { menuOf } from "./actions.js";

export function clickedRow(event, panel) {
  const item = event.target.closest("li[data-message]");
  if (!item) return;
  const more = event.target.closest(".more");
  if (more) menuOf(more, item.message, panel.store, panel);
  const reaction = event.target.closest(".reaction");
  if (reaction) panel.store.react(reaction.dataset.reaction, item.message.message_id);
}

export function pressedRow(event, panel) {
  const items = [...panel.querySelectorAll(".rows li[data-message]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at < 0 ? items.length - 1 : at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, End: items.length - 1, Home: 0 }[event.key];
  if (to !== undefined && items[to]) {
    event.preventDefault();
    items[to].focus();
  } else if (event.key === "Enter" && at >= 0) {
    event.preventDefault();
    menuOf(items[at].querySelector(".more") ?? items[at], items[at].message, panel.store, panel);
  }
}
