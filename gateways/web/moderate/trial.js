// What other rules would have done to what was said.
import { html, nothing } from "shared/element.js";
import { count } from "shared/format.js";
import { when } from "shared/parts.js";
import { nameOf } from "chat/text.js";

const VERDICTS = { accept: "let through", hold: "held", reject: "refused" };

const foundBy = (findings) => findings.map(({ rule, score }) => (score === null || score === undefined ? rule : `${rule} ${score.toFixed(2)}`)).join(", ");

export const trialView = (trial) => html`
  <section class="panel trial" aria-labelledby="trial-title" tabindex="-1">
    <header><h2 id="trial-title">What they would have done</h2></header>
    <p class="verdicts" role="status">
      <span>${count(trial.looked_at, "message")} looked at${trial.complete ? "" : ", the newest of more"}:</span>
      <span class="chip warn">${trial.would_hold} held</span><span class="chip failed">${trial.would_reject} refused</span>
      <span class="chip working">${trial.would_let_through} let through</span><span class="chip">${trial.same} as before</span>
      ${trial.unreadable ? html`<span class="faint">${trial.unreadable} of people who were erased could not be read.</span>` : nothing}
      ${trial.by_memory ? html`<span class="faint">${trial.by_memory} stood on what the room remembered (first messages, repeats), which is not tried.</span>` : nothing}</p>
    ${trial.items.length ? html`<ul>${trial.items.map(({ message, was, was_rule: wasRule, would, findings }) => html`
      <li><span><b>${nameOf(message.author)}</b> <span class="words" dir="auto">${message.text}</span></span>
        <span class="faint">${when(message.sent_at_ms ?? message.at_ms)} · was ${VERDICTS[was]}${wasRule ? html` by <code>${wasRule}</code>` : nothing}, would be <strong>${VERDICTS[would]}</strong>${findings?.length ? html` by <code>${foundBy(findings)}</code>` : nothing}</span></li>`)}</ul>`
      : html`<p class="verdicts quiet">Nothing would have been different.</p>`}
  </section>`;
