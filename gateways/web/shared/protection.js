// How a film is to be protected: who may say so, the fields of a form for it, and what it says.
import { html, nothing } from "lit";
import { drm, hasDrm } from "shared/drm-api.js";
import { SCHEMES, SYSTEMS } from "shared/licence-words.js";
import { may, mayDo } from "shared/rights.js";

const NONE = ["None", "Plays everywhere, without a licence."];
const SCHEME_SAYS = {
  cenc: "For Clear Key, Widevine and PlayReady. The choice for most films.",
  cbcs: "For FairPlay as well; browsers play it over DASH only.",
};
const SYSTEM_SAYS = {
  clearkey: "Licences from here, in every browser. Encryption, no DRM: a browser sees the keys.",
  widevine: "Licences through the server that is set up here.",
  playready: "Licences through the server that is set up here.",
  fairplay: "Licences through the server that is set up here. With cbcs only.",
};
const USUAL = { scheme: "cenc", systems: ["clearkey"], policy: "default" };

/** Whether to offer to protect a finished film. */
export const mayProtect = (asset) => hasDrm() && mayDo("assets:change", asset) && mayDo("drm:read", asset);

/** Whether to offer protection for what one uploads. */
export const mayUploadProtected = () => hasDrm() && may("assets:write") && (may("drm:read") || may("drm:read:own"));

/** Ids of the policies there are; the default one alone if they cannot be read: the choice is no worse than before. */
export const policyIds = () => drm.policies().then(({ items }) => items.map((each) => each.policy_id), () => [USUAL.policy]);

/**
 * The fields of a form. `wish` is changed as they are: null `scheme` for none, which is offered if `optional`.
 * `draw()` shows them anew.
 */
export function protectionFields(wish, { policies, optional, draw }) {
  const schemes = Object.keys(SCHEME_SAYS).map((name) => [name, SCHEMES[name], SCHEME_SAYS[name]]);
  const scheme = ([value, label, says]) => html`
    <label class="choice"><input type="radio" name="scheme" value=${value} .checked=${(wish.scheme ?? "") === value}
      @change=${() => { wish.scheme = value || null; draw(); }}><span>${label} <span class="faint">${says}</span></span></label>`;
  const system = ([name, label]) => html`
    <label class="choice"><input type="checkbox" name="systems" value=${name} .checked=${wish.systems.includes(name)}
      ?disabled=${name === "fairplay" && wish.scheme !== "cbcs"}
      @change=${(event) => { wish.systems = event.target.checked ? [...wish.systems, name] : wish.systems.filter((one) => one !== name); draw(); }}>
      <span>${label} <span class="faint">${SYSTEM_SAYS[name]}</span></span></label>`;
  return html`
    <fieldset class="choices"><legend>Encryption</legend>${[...(optional ? [["", ...NONE]] : []), ...schemes].map(scheme)}</fieldset>
    ${wish.scheme ? html`
      <fieldset class="choices"><legend>Licences by</legend>${Object.entries(SYSTEMS).map(system)}
        ${chosen(wish).length ? nothing : html`<p class="warned" role="status">Choose one system or more: without a licence nobody can watch.</p>`}</fieldset>
      <label for="protection-policy">Policy <span class="faint">(what licences ask for; it can be changed later)</span></label>
      <select id="protection-policy" class="select" @change=${(event) => (wish.policy = event.target.value)}>
        ${policies.map((name) => html`<option value=${name} ?selected=${name === wish.policy}>${name}</option>`)}</select>` : nothing}`;
}

const chosen = ({ scheme, systems }) => systems.filter((name) => name !== "fairplay" || scheme === "cbcs");

/** What the fields begin with: `now` (a film's protection, or what was chosen before), or what suits most films. */
export const wishFrom = (now, { optional = false } = {}) => ({ ...USUAL, ...(optional && !now ? { scheme: null } : {}), ...(now && { scheme: now.scheme, systems: [...now.systems], policy: now.policy }) });

/** Whether the wish can be asked for. */
export const isWhole = (wish) => !wish.scheme || chosen(wish).length > 0;

/** The wish as the API takes it; null: in clear. */
export const protectionOf = (wish) => (wish.scheme ? { scheme: wish.scheme, systems: chosen(wish), policy: wish.policy } : null);
