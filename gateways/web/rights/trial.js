// A dry run: would this viewer get a licence, and if not, why? Nothing counts.
import { Part, html, nothing } from "shared/element.js";
import { drm } from "shared/drm-api.js";
import { SYSTEMS, codeName } from "shared/licence-words.js";
import { icon, problemNotice } from "shared/parts.js";

const NETWORKS = [["", "not known"], ["false", "an ordinary one"], ["true", "a VPN or proxy"]];
const LEVELS = [["", "not told"], ["1", "1 (software)"], ["2", "2"], ["3", "3"], ["4", "4"], ["5", "5 (all in hardware)"]];
const options = (table) => table.map(([value, says]) => html`<option value=${value}>${says}</option>`);

class Trial extends Part {
  static properties = { assetId: {}, decision: { state: true }, problem: { state: true }, busy: { state: true } };

  async ask(event) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const told = (name) => fields.get(name).trim() || undefined;
    if (this.busy) return;
    [this.busy, this.problem, this.decision] = [true, null, null];
    try {
      this.decision = await drm.decide({
        asset_id: this.assetId, account_id: told("account_id"), device_id: told("device_id"), system: told("system"),
        country: told("country")?.toUpperCase(), anonymiser: told("anonymiser") === undefined ? undefined : told("anonymiser") === "true",
        security_level: told("security_level") && Number(told("security_level")), offline: fields.has("offline"),
      });
    } catch (problem) {
      this.problem = problem;
    }
    this.busy = false;
  }

  render() {
    return html`
      <header><h2>Would a viewer get a licence?</h2></header>
      <form class="trial" @submit=${this.ask}>
        <label>Account id <span class="faint">empty: a guest</span><span class="field"><input name="account_id" pattern="[0-9a-f]{32}" title="32 hexadecimal digits" autocomplete="off" spellcheck="false"></span></label>
        <label>Device id <span class="faint">empty: a new one</span><span class="field"><input name="device_id" pattern="[A-Za-z0-9._\\-]{1,56}" autocomplete="off" spellcheck="false"></span></label>
        <label>System<select class="select" name="system">${options(Object.entries(SYSTEMS))}</select></label>
        <label>Country <span class="faint">empty: not known</span><span class="field"><input name="country" pattern="[A-Za-z]{2}" maxlength="2" title="Two letters" autocomplete="off"></span></label>
        <label>Network<select class="select" name="anonymiser">${options(NETWORKS)}</select></label>
        <label>Security level<select class="select" name="security_level">${options(LEVELS)}</select></label>
        <label class="choice"><input type="checkbox" name="offline"><span>To be kept on the device</span></label>
        <button class="button" type="submit" ?disabled=${this.busy}>${icon("flask-conical")}${this.busy ? "Asking…" : "Try it"}</button>
      </form>
      <div class="verdict" role="status">${this.decision ? this.verdict(this.decision) : nothing}</div>
      ${this.problem ? html`<div class="verdict">${problemNotice(this.problem, { title: "It could not be tried" })}</div>` : nothing}`;
  }

  verdict({ granted, code, words, detail, policy_id, policy_version, streams, devices }) {
    const way = [streams.length && `${streams.length} streams`, devices.length && `${devices.length} devices`].filter(Boolean);
    return html`
      <p><span class="chip ${granted ? "working" : "failed"}">${icon(granted ? "check" : "x")}${granted ? "Yes" : codeName(code)}</span>
        <span class="faint">by policy ${policy_id || "default"}${policy_version ? `, version ${policy_version}` : ""}</span></p>
      ${granted ? html`<p class="quiet">This viewer would get a licence now.</p>` : html`<p>The viewer would read: “${words}”</p><p class="quiet">${detail}${way.length ? ` In the way: ${way.join(", ")}.` : ""}</p>`}`;
  }
}

customElements.define("kl-trial", Trial);
