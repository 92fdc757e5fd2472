// Somebody's devices, streams and rights, for operators; with the switch of the whole account.
import { html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { drm } from "shared/drm-api.js";
import { shortId } from "shared/format.js";
import { RIGHTS, paths } from "shared/licence-words.js";
import { icon, idButton, when } from "shared/parts.js";
import { may } from "shared/rights.js";
import { Section } from "shared/section.js";
import { askSwitch, watching } from "shared/watching.js";
import { askRight } from "./give-right.js";
import "./licences.js";

const filmName = ({ asset_id, title }) => (asset_id === "*" ? "All films for members" : title || `Film ${shortId(asset_id)}`);

class AccountRights extends Section {
  static properties = { accountId: {} };

  trouble = "The account's rights could not be read";

  read = () => drm.account(this.accountId);

  async turn(off) {
    const says = off ? "What plays ends, and no device of this account gets a licence until somebody switches it on." : "The account gets licences again.";
    if (await askSwitch(`Switch licences of this account ${off ? "off" : "on"}?`, says, off, (reason) => drm.stopAccount(this.accountId, off, reason))) this.reload();
  }

  async give() {
    if (!(await askRight(this.accountId))) return;
    announce("The right is given.");
    this.reload();
  }

  async take(right) {
    await this.act(() => drm.takeRight(this.accountId, right.asset_id));
    if (!this.problem) announce("The right is taken back.");
  }

  render() {
    return html`
      <header class="page-head"><h1>Account</h1>${idButton(this.accountId, "Account id")}${this.data?.stopped ? html`<span class="chip failed">Switched off</span>` : nothing}<span class="grow"></span>
        ${this.data && may("drm:stop") ? html`<button class="button ${this.data.stopped ? "" : "danger-outline"}" type="button" @click=${() => this.turn(!this.data.stopped)}>${icon("power")}${this.data.stopped ? "Switch licences on…" : "Switch licences off…"}</button>` : nothing}</header>
      ${super.render()}
      <section class="log-part"><h2>Licences</h2><kl-licences .accountId=${this.accountId}></kl-licences></section>`;
  }

  content(account) {
    return html`
      <div class="columns">
        <section class="panel"><header><h2>Watching</h2></header><div class="inside watching">${watching(this, account, this.accountId)}</div></section>
        <section class="panel"><header><h2>Rights</h2><span class="grow"></span>
          ${may("drm:rights") ? html`<button class="button small" type="button" @click=${this.give}>${icon("plus")}Give a right</button>` : nothing}</header>
          <div class="inside">${this.rights(account.rights)}</div></section>
      </div>`;
  }

  rights(items) {
    if (!items.length) return html`<p class="quiet">None: this account watches what is free, and films of its own.</p>`;
    return html`<ul class="lines" aria-label="Rights">${items.map((right) => html`
      <li class="line">${icon("ticket")}
        <div class="what">${right.asset_id === "*" ? html`<strong>${filmName(right)}</strong>` : html`<a class="text" href=${paths.film(right.asset_id)}>${filmName(right)}</a>`}
          <span class="faint">${RIGHTS[right.kind] ?? right.kind} · ${right.until_ms === null ? "for ever" : html`${right.until_ms > Date.now() ? "ends" : "ended"} ${when(right.until_ms)}`}</span></div>
        ${may("drm:rights") ? html`<button class="button small" type="button" ?disabled=${this.busy} aria-label="Take back ${filmName(right)}" @click=${() => this.take(right)}>Take back</button>` : nothing}
      </li>`)}</ul>`;
  }
}

customElements.define("kl-account-rights", AccountRights);
