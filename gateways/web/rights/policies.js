// All policies, each with what it asks for; and the way to a new one.
import { html, nothing } from "shared/element.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { drm } from "shared/drm-api.js";
import { count } from "shared/format.js";
import { paths } from "shared/licence-words.js";
import { icon, when } from "shared/parts.js";
import { may } from "shared/rights.js";
import { Section } from "shared/section.js";
import { sentences } from "./rules-words.js";

const ask = () => openDialog("New policy", (dialog) => dialogForm(
  (fields) => location.assign(paths.policy(fields.get("name"))),
  html`<label for="name">Name <span class="faint">(lower-case letters, digits, hyphens)</span></label>
    <div class="field"><input id="name" name="name" required pattern="[a-z0-9][a-z0-9\\-]{0,63}" autocomplete="off" spellcheck="false" autofocus></div>
    ${dialogActions(dialog, { label: "Write its rules" })}`));

class Policies extends Section {
  trouble = "The policies could not be read";

  read = async () => (await drm.policies()).items;

  render() {
    return html`
      <header class="page-head"><h1>Policies</h1>${this.data ? html`<span class="faint">${count(this.data.length, "policy", "policies")}</span>` : nothing}<span class="grow"></span>
        ${may("drm:policies") ? html`<button class="button primary" type="button" @click=${ask}>${icon("plus")}New policy</button>` : nothing}</header>
      ${super.render()}`;
  }

  content(items) {
    return html`
      <ul class="panel padded" aria-label="Policies">${items.map(({ policy_id, version, rules, changed_at_ms }) => html`
        <li class="line" data-policy=${policy_id}>${icon("scroll-text")}
          <div class="what"><a class="text" href=${paths.policy(policy_id)}><strong>${policy_id}</strong></a>
            <span class="quiet">${sentences(rules).join(" ") || "Asks for nothing."}</span></div>
          <span class="faint since">${changed_at_ms === null ? "never changed" : html`version ${version} · ${when(changed_at_ms)}`}</span>
        </li>`)}</ul>
      ${items.length === 1 ? html`<p class="quiet hint">Films without a policy of their own have the default one. Make another for films that ask for more: a number of devices, countries, a window of time.</p>` : nothing}`;
  }
}

customElements.define("kl-policies", Policies);
