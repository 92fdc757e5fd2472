// Who somebody is in a room: what they wrote, what was done to them, and what can be done now.
import { html, nothing } from "shared/element.js";
import { toast } from "shared/announce.js";
import { openDialog } from "shared/dialog.js";
import { count, exact } from "shared/format.js";
import { idButton, when } from "shared/parts.js";
import { chat } from "./api.js";
import { moderate } from "./moderation.js";
import { BADGES, nameOf } from "./text.js";

const STATES = { shown: "", removed: "removed", held: "held", rejected: "refused", shadowed: "hidden" };
const SANCTIONS = { timeout: "Timed out", ban: "Banned", shadow: "Hidden from others" };

const sanctionLine = (sanction) => html`
  <p class="sanctioned"><strong>${SANCTIONS[sanction.kind] ?? sanction.kind}</strong>
    ${sanction.until_ms ? html`until ${when(sanction.until_ms)}` : "until somebody lifts it"}${sanction.with_device ? ", with the browser" : ""}${sanction.with_network ? ", with the network" : ""}${sanction.reason ? `: ${sanction.reason}` : ""}</p>`;

const ACTS = {
  timeout: "Timed out", ban: "Banned", shadow_ban: "Hidden from others", lifted: "May write again", purged: "All their messages removed", removed: "A message removed", rejected: "A message refused",
};

/** What was done to somebody: `{at_ms, act, by, reason, until_ms}`, the newest first. */
export const acts = (done) => html`
  <ul class="acts">${done.map(({ at_ms: atMs, act, by, reason, until_ms: untilMs }) => html`
    <li><span class="faint">${when(atMs)}</span>
      <span><strong>${ACTS[act] ?? act.replaceAll("_", " ")}</strong>${untilMs ? html` until ${exact(untilMs)}` : nothing}
        <span class="faint">${[by ? `by ${by.id === "administrator" ? "the administrator" : nameOf(by)}` : "", reason].filter(Boolean).join(": ")}</span></span></li>`)}</ul>`;

export const history = (messages) => html`
  <ul class="history">${messages.map(({ message, state, rule, why = rule, reason }) => html`
    <li class=${state}><span class="words" dir="auto">${message.text ?? html`<span class="faint">its text is gone</span>`}</span>
      <span class="faint">${when(message.sent_at_ms ?? message.at_ms)}${STATES[state] ? html` · <span class="chip ${state === "shown" ? "" : "warn"}">${STATES[state]}</span>` : nothing}${why ? ` · ${why}` : ""}${reason ? ` · ${reason}` : ""}</span></li>`)}</ul>`;

let asked = 0;

/** Opens the card; of several asked for at once, the last. */
export async function showPerson(roomId, accountId) {
  asked += 1;
  const mine = asked;
  const card = await chat.person(roomId, accountId);
  if (mine !== asked) return;
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
        <p class="chips">${BADGES[card.account.badge] ? html`<span class="chip">${BADGES[card.account.badge].toLowerCase()}</span>` : card.moderator ? html`<span class="chip">moderator</span>` : nothing}
          ${card.member ? html`<span class="chip">${card.member.kind} since ${when(card.member.joined_at_ms)}</span>` : nothing}
          ${card.reported ? html`<span class="chip warn">reported ${count(card.reported, "time")}</span>` : nothing}
          ${idButton(accountId, "Account id")}</p>
        ${card.sanction ? sanctionLine(card.sanction) : nothing}
        <div class="person-acts">${card.sanction ? button("lift", "Let them write again") : html`${button("timeout-600", "Time out 10 min")}${button("timeout-86400", "1 day")}${button("ban", "Ban…", true)}${button("shadow", "Hide from others…", true)}`}
          ${button("purge", "Remove all their messages…", true)}</div>
        ${card.history ? html`<h3>What was done</h3>
          ${card.history.length ? acts(card.history) : html`<p class="quiet">Nothing: nobody ever had to.</p>`}` : nothing}
        <h3>What they wrote here</h3>
        ${card.messages.length ? history(card.messages) : html`<p class="quiet">Nothing that is still known.</p>`}
        ${more ? html`<button class="button small" type="button" @click=${older}>Show more</button>` : nothing}
      </div>`;
  }, { cls: "wide-dialog" });
}
