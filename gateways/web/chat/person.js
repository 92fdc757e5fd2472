// Who somebody is in a room: what they wrote, what was done to them, and what can be done now.
import { html, nothing } from "shared/element.js";
import { toast } from "shared/announce.js";
import { openDialog } from "shared/dialog.js";
import { count } from "shared/format.js";
import { idButton, when } from "shared/parts.js";
import { chat } from "./api.js";
import { moderate } from "./moderation.js";
import { badgeOf } from "./row.js";
import { nameOf } from "./text.js";

const STATES = { shown: "", removed: "removed", held: "held", rejected: "refused", shadowed: "hidden" };
const SANCTIONS = { timeout: "Timed out", ban: "Banned", shadow: "Hidden from others" };

const sanctionLine = (sanction) => html`
  <p class="sanctioned"><strong>${SANCTIONS[sanction.kind] ?? sanction.kind}</strong>
    ${sanction.until_ms ? html`until ${when(sanction.until_ms)}` : "until somebody lifts it"}${sanction.with_device ? ", with the browser" : ""}${sanction.with_network ? ", with the network" : ""}${sanction.reason ? `: ${sanction.reason}` : ""}</p>`;

export const history = (messages) => html`
  <ul class="history">${messages.map(({ message, state, rule, reason }) => html`
    <li class=${state}><span class="words" dir="auto">${message.text ?? html`<span class="faint">its text is gone</span>`}</span>
      <span class="faint">${when(message.sent_at_ms ?? message.at_ms)}${STATES[state] ? html` · <span class="chip ${state === "shown" ? "" : "warn"}">${STATES[state]}</span>` : nothing}${rule ? html` · <code>${rule}</code>` : nothing}${reason ? ` · ${reason}` : ""}</span></li>`)}</ul>`;

export async function showPerson(roomId, accountId) {
  const card = await chat.person(roomId, accountId);
  let more = card.before;
  const name = nameOf(card.account);
  await openDialog(name, (ask) => {
    const act = async (what) => {
      ask.close();
      try {
        await moderate(what, roomId, card.account);
      } catch (problem) {
        toast(problem.message);
      }
    };
    const older = async () => {
      try {
        const page = await chat.person(roomId, accountId, more);
        card.messages = [...card.messages, ...page.messages];
        more = page.before;
        ask.problem = null;
      } catch (problem) {
        ask.problem = problem;
      }
      ask.draw();
    };
    const button = (what, label, danger = false) => html`<button class="button small ${danger ? "danger-outline" : ""}" type="button" @click=${() => act(what)}>${label}</button>`;
    return html`
      <div class="person">
        <p class="chips">${badgeOf(card.account)}${card.moderator ? html`<span class="chip">moderator</span>` : nothing}
          ${card.member ? html`<span class="chip">${card.member.kind} since ${when(card.member.joined_at_ms)}</span>` : nothing}
          ${card.reported ? html`<span class="chip warn">reported ${count(card.reported, "time")}</span>` : nothing}
          ${idButton(accountId, "Account id")}</p>
        ${card.sanction ? sanctionLine(card.sanction) : nothing}
        <div class="person-acts">${card.sanction ? button("lift", "Let them write again") : html`${button("timeout-600", "Time out 10 min")}${button("timeout-86400", "1 day")}${button("ban", "Ban…", true)}${button("shadow", "Hide from others…", true)}`}
          ${button("purge", "Remove all their messages…", true)}</div>
        <h3>What they wrote here</h3>
        ${card.messages.length ? history(card.messages) : html`<p class="quiet">Nothing that is still known.</p>`}
        ${more ? html`<button class="button small" type="button" @click=${older}>Show more</button>` : nothing}
      </div>`;
  }, { cls: "wide-dialog" });
}
