// Who is in a room, and who has read: by name where they are few.
import { html, nothing } from "shared/element.js";
import { count } from "shared/format.js";
import { icon } from "shared/parts.js";
import { showLayer } from "./popover.js";
import { hueOf, nameOf } from "./text.js";

const listed = ({ count: all, accounts }) => {
  const others = all - accounts.length;
  return html`<ul class="people">${accounts.map((account) => html`<li class=${hueOf(account.id)}>${nameOf(account)}</li>`)}
    ${others > 0 ? html`<li class="faint">${accounts.length ? "and " : ""}${count(others, "other connection")}</li>` : nothing}</ul>`;
};

/** How many are here; a button where it can say who. */
export function here({ presence, livestream }) {
  if (!presence) return nothing;
  const number = html`${icon("users-round")}${presence.count.toLocaleString()}<span class="visually-hidden"> here now</span>`;
  return html`
    ${presence.accounts ? html`<button class="here" type="button" title="Who is here" aria-haspopup="dialog" @click=${(event) => showLayer(event.currentTarget, "Here now", listed(presence))}>${number}</button>`
      : html`<span class="here" title="Connections now">${number}</span>`}
    ${livestream ? html`<span class="chip" title="So many are here that typing and read marks are not shown">${icon("radio")}<span>Large room</span></span>` : nothing}`;
}

/** Who has read the newest message. */
export function seen({ store, list, replaying, away }) {
  const message = store?.signals.small && list?.following && !replaying && !away ? list.last : null;
  if (!message) return nothing;
  const readers = store.signals.readersOf(message, store.you.account_id);
  if (!readers.length) return nothing;
  const named = new Map(store.signals.presence.accounts.map((account) => [account.id, account.name]));
  const names = readers.map((id) => named.get(id) ?? store.people.get(id) ?? "Somebody");
  return html`<p class="seen" title=${names.join(", ")}>${icon("check-check")}Seen by ${names.length > 2 ? names.length.toLocaleString() : names.join(" and ")}</p>`;
}

/** Who is writing. */
export function typingLine(store) {
  const names = store?.signals.typists.names ?? [];
  if (!names.length) return nothing;
  return names.length > 3 ? "Several people are writing…" : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} writing…`;
}
