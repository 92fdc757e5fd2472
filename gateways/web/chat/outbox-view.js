// What was written here and is not in the room yet, and why.
import { html, nothing, repeat } from "shared/element.js";
import { icon } from "shared/parts.js";

const STATES = {
  sending: (away) => (away ? "Sent as soon as the connection is back" : "Sending…"),
  held: () => "Waits for a moderator. Nobody else sees it yet.",
  declined: () => "A moderator did not let it through.",
};

const ICONS = { sending: "send-horizontal", held: "hourglass", declined: "circle-x", refused: "circle-alert" };

/** `panel` has `rewrite(text)`. */
export function outboxView(store, panel) {
  const { entries } = store.outbox;
  if (!entries.length) return nothing;
  const away = store.state !== "open";
  return html`<ol class="outbox" aria-label="Your messages on their way">${repeat(entries, (entry) => entry.client_id, (entry) => html`
    <li class=${entry.state} data-state=${entry.state}>
      <span class="words" dir="auto">${entry.text}</span>
      <span class="state" role="status">${icon(ICONS[entry.state])}
        ${entry.state === "refused" ? entry.detail : STATES[entry.state](away)}</span>
      ${entry.state === "refused" || entry.state === "declined" ? html`<button class="button small" type="button" @click=${() => { panel.rewrite(entry.text); store.dismiss(entry.client_id); }}>Edit</button>` : nothing}
      ${entry.state === "sending" ? nothing : html`<button class="button small plain" type="button" @click=${() => store.dismiss(entry.client_id)}>Dismiss</button>`}
    </li>`)}</ol>`;
}
