// The rules of a policy as fields; beside each what it does, its unit, and who sees to it.
import { html, nothing } from "lit";
import { LABELS, SYSTEMS } from "shared/licence-words.js";
import { GROUPS, HDCP, localOf } from "./rules-words.js";

const text = (value) => (value === null || value === undefined ? "" : String(value));
const list = (value) => (value ?? []).join(" ");

const CONTROLS = {
  number: (name, rule, value, off) => html`<span class="field"><input id=${name} name=${name} type="number" step="1" min=${rule.min ?? 1} max=${rule.max ?? 2 ** 31 - 1} ?required=${rule.required} ?disabled=${off} aria-describedby="${name}-says" .value=${text(value)}></span>`,
  instant: (name, _, value, off) => html`<span class="field"><input id=${name} name=${name} type="datetime-local" ?disabled=${off} aria-describedby="${name}-says" .value=${localOf(value)}></span>`,
  countries: (name, _, value, off) => html`<span class="field"><input id=${name} name=${name} pattern="\\s*([A-Za-z]{2}([\\s,]+|$))*" title="Two letters each" autocomplete="off" ?disabled=${off} aria-describedby="${name}-says" .value=${list(value)}></span>`,
  words: (name, _, value, off) => html`<span class="field"><input id=${name} name=${name} autocomplete="off" spellcheck="false" ?disabled=${off} aria-describedby="${name}-says" .value=${list(value)}></span>`,
  yes: (name, rule, value, off) => html`<label class="choice"><input id=${name} name=${name} type="checkbox" ?disabled=${off} aria-describedby="${name}-says" .checked=${Boolean(value)}><span>${rule.label}</span></label>`,
  systems: (name, rule, value, off) => html`<fieldset class="choices" aria-describedby="${name}-says"><legend>${rule.label}</legend>${Object.entries(SYSTEMS).map(([system, says]) => html`
    <label class="choice"><input type="checkbox" name=${name} value=${system} ?disabled=${off} .checked=${(value ?? []).includes(system)}><span>${says}</span></label>`)}</fieldset>`,
  hdcp: (name, rule, value, off) => html`<fieldset class="choices pairs" aria-describedby="${name}-says"><legend>${rule.label} <span class="faint">${rule.unit}</span></legend>${Object.entries(LABELS).map(([label, says]) => html`
    <label class="pair"><span>${says}</span><select class="select" name="hdcp-${label}" ?disabled=${off}>
      <option value="">any</option>${Object.entries(HDCP).map(([version, shown]) => html`<option value=${version} ?selected=${value?.[label] === version}>${shown}</option>`)}</select></label>`)}</fieldset>`,
};
const OWN_LABEL = new Set(["yes", "systems", "hdcp"]);

const ruleField = (name, rule, value, off) => html`
  <div class="rule">
    <div class="control">
      ${OWN_LABEL.has(rule.kind) ? nothing : html`<label for=${name}>${rule.label} <span class="faint">${rule.unit}</span></label>`}
      ${CONTROLS[rule.kind](name, rule, value, off)}
    </div>
    <p class="says" id="${name}-says">${rule.says} <span class="faint">${rule.by}</span></p>
  </div>`;

/** All rules; `off`: to be read only. */
export const rulesForm = (rules, off = false) => GROUPS.map(([title, group]) => html`
  <fieldset class="group"><legend>${title}</legend>${Object.entries(group).map(([name, rule]) => ruleField(name, rule, rules[name], off))}</fieldset>`);
