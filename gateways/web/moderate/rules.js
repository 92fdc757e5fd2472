// A room's screening rules: written here, tried on what was said before, then switched on.
import { html, nothing } from "shared/element.js";
import { toast } from "shared/announce.js";
import { chat } from "chat/api.js";
import { icon, problemNotice } from "shared/parts.js";
import { Section } from "shared/section.js";
import { FEATURES, rulesOf, termLines } from "./rules-model.js";
import { trialView } from "./trial.js";

const ACTIONS = [["hold", "Hold"], ["reject", "Refuse"]];
const POLICIES = [["all", "All but the denied"], ["listed", "Only to the allowed"], ["none", "None"]];
const SPANS = [[3_600_000, "last hour"], [86_400_000, "last 24 hours"], [7 * 86_400_000, "last 7 days"]];

const options = (table, held) => table.map(([value, label]) => html`<option value=${value} ?selected=${value === held}>${label}</option>`);
const select = (name, label, table, held) => html`<select class="select" name=${name} aria-label=${label}>${options(table, held)}</select>`;
const numeric = (name, label, value, { min = 0, max, step = "any" } = {}) => html`
  <input type="number" name=${name} aria-label=${label} min=${min} max=${max} step=${step} .value=${value === null || value === undefined ? "" : String(value)}>`;
const area = (name, label, says, value) => html`
  <label for=${name}>${label} <span class="faint">${says}</span></label>
  <textarea id=${name} name=${name} spellcheck="false" .value=${value}></textarea>`;

class Rules extends Section {
  static properties = { roomId: {}, trial: { state: true }, trying: { state: true }, refusal: { state: true } };

  trouble = "The rules could not be read";

  read() {
    return chat.screening(this.roomId);
  }

  get said() {
    return rulesOf(new FormData(this.querySelector("form")));
  }

  async attempt(work) {
    const form = this.querySelector("form");
    if (this.trying || !form.reportValidity()) return;
    [this.trying, this.refusal] = [true, null];
    try {
      await work();
    } catch (problem) {
      this.refusal = problem;
    }
    this.trying = false;
  }

  tryOut() {
    const span = Number(this.querySelector("[name=span]").value);
    return this.attempt(async () => {
      this.trial = await chat.tryScreening(this.roomId, this.said, Date.now() - span);
    });
  }

  switchOn(event) {
    event.preventDefault();
    return this.attempt(async () => {
      const { version } = await chat.setScreening(this.roomId, this.said, this.data.version);
      toast(`Version ${version} is on`);
      this.trial = null;
      this.data = undefined;
      await this.reload();
    });
  }

  content({ version, rules }) {
    return html`
      <section class="panel"><header><h2>Screening rules</h2><span class="chip">version ${version}</span></header>
        <form class="rules-form" @submit=${this.switchOn}>
          ${this.terms(rules)}
          ${this.links(rules.links)}
          ${this.checks(rules.checks)}
          ${this.score(rules.score)}
          ${this.memory(rules)}
          ${this.refusal ? problemNotice(this.refusal, { title: this.refusal.status === 409 ? "Somebody else changed them meanwhile" : "The rules were not taken" }) : nothing}
          <div class="actions">
            <span class="row"><label for="span" class="faint">Try them on the</label><select id="span" class="select" name="span">${options(SPANS, 86_400_000)}</select></span>
            <button class="button" type="button" ?disabled=${this.trying} @click=${this.tryOut}>${icon("flask-conical")}${this.trying ? "One moment…" : "Try out"}</button>
            <button class="button primary" type="submit" ?disabled=${this.trying}>Switch on</button>
          </div>
        </form>
      </section>
      ${this.trial ? trialView(this.trial) : nothing}`;
  }

  terms(rules) {
    return html`<fieldset><legend>Words</legend>
      <p class="quiet">One a line; any spelling that reads like it is found. <code>*word*</code> also inside of longer words.</p>
      ${area("terms-hold", "Hold", "for a moderator", termLines(rules, "hold"))}
      ${area("terms-reject", "Refuse", "at once", termLines(rules, "reject"))}</fieldset>`;
  }

  links({ policy, allowed, denied, action }) {
    return html`<fieldset><legend>Links</legend>
      <div class="row">${select("links-policy", "Which links may stand in a message", POLICIES, policy)}${select("links-action", "What follows from another link", ACTIONS, action)}</div>
      <details class="more-settings" ?open=${allowed.length + denied.length > 0}><summary>Domains</summary>
        ${area("links-allowed", "Allowed", "one a line", allowed.join("\n"))}
        ${area("links-denied", "Denied", "one a line", denied.join("\n"))}</details></fieldset>`;
  }

  checks(checks) {
    return html`<fieldset><legend>Bounds</legend><p class="quiet">From this much on; empty: not looked at.</p>
      ${Object.entries(FEATURES).map(([feature, [label, unit, most]]) => html`<div class="pairs"><span>${label} <span class="faint">${unit}</span></span>
        ${numeric(`check-${feature}`, `${label}: bound`, checks[feature]?.at, { max: most })}
        ${select(`check-${feature}-action`, `${label}: what follows`, ACTIONS, checks[feature]?.action ?? "hold")}</div>`)}</fieldset>`;
  }

  score(score) {
    return html`<fieldset><legend>Spam score</legend>
      <label class="choice"><input type="checkbox" name="score" ?checked=${score !== null}><span>Add up what stands out <span class="faint">each feature by its weight, -1 to 1</span></span></label>
      <div class="row"><span>Hold from</span>${numeric("hold-at", "Hold from this score", score?.hold_at, { max: 1 })}<span>refuse from</span>${numeric("reject-at", "Refuse from this score", score?.reject_at, { max: 1 })}</div>
      <details class="more-settings"><summary>Weights</summary>${Object.entries(FEATURES).map(([feature, [label]]) => html`
        <div class="pairs"><span>${label}</span>${numeric(`weight-${feature}`, `${label}: weight`, score?.weights[feature], { min: -1, max: 1 })}</div>`)}</details></fieldset>`;
  }

  memory({ repeats, flood }) {
    return html`<fieldset><legend>Again and again</legend>
      <div class="row"><span>The same text more than</span>${numeric("repeats-most", "Same text: times", repeats?.most, { min: 1, max: 20, step: 1 })}<span>times in</span>${numeric("repeats-within", "Same text: seconds", repeats?.within_s ?? 60, { min: 1, max: 3600, step: 1 })}<span>s:</span>${select("repeats-action", "Same text: what follows", ACTIONS, repeats?.action ?? "reject")}</div>
      <div class="row"><span>More than</span>${numeric("flood-most", "Flood: messages", flood?.most, { min: 1, max: 100, step: 1 })}<span>messages in</span>${numeric("flood-within", "Flood: seconds", flood?.within_s ?? 10, { min: 1, max: 60, step: 1 })}<span>s are refused.</span></div></fieldset>`;
  }
}

customElements.define("kl-rules", Rules);
