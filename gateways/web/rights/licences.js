// The licence log: what was granted or denied, to whom, and why. Of one film, one account, or all.
import { html, nothing, repeat } from "shared/element.js";
import { Part } from "shared/element.js";
import { drm } from "shared/drm-api.js";
import { shortId } from "shared/format.js";
import { CODES, codeName, paths, systemName } from "shared/licence-words.js";
import { blank, icon, idButton, problemNotice, when } from "shared/parts.js";
import { may } from "shared/rights.js";

const OUTCOMES = [["", "All"], ["granted", "Granted"], ["denied", "Denied"]];
const NAMES = ["asset_id", "account_id", "outcome", "code"];
const PAGE = 25;

class Licences extends Part {
  static properties = { assetId: {}, accountId: {}, filters: { type: Boolean }, items: { state: true }, cursor: { state: true }, problem: { state: true }, busy: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    const query = new URLSearchParams(this.filters ? location.search : "");
    this.chosen = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
    this.load();
  }

  async load(more = false) {
    const asked = (this.asked = {});
    if (!more) [this.items, this.cursor] = [undefined, null];
    [this.busy, this.problem] = [true, null];
    const { asset_id, account_id } = this.chosen;
    try {
      const page = await drm.licences({ ...this.chosen, asset_id: this.assetId ?? asset_id, account_id: this.accountId ?? account_id, cursor: more ? this.cursor : "", limit: PAGE });
      if (asked !== this.asked) return; // another filter was chosen meanwhile
      this.items = [...(more ? this.items : []), ...page.items];
      this.cursor = page.next_cursor;
    } catch (problem) {
      if (asked !== this.asked) return;
      this.problem = problem;
    }
    this.busy = false;
  }

  choose(change) {
    Object.assign(this.chosen, change);
    if (this.filters) {
      const search = new URLSearchParams(Object.entries(this.chosen).filter(([, value]) => value));
      history.replaceState(null, "", search.size ? `?${search}` : location.pathname);
    }
    this.load();
  }

  about(name, label) {
    const id = this.chosen[name];
    return id ? html`<button class="button small" type="button" aria-label="Not only of ${label} ${shortId(id)}" @click=${() => this.choose({ [name]: "" })}>${label} ${shortId(id)}${icon("x")}</button>` : nothing;
  }

  render() {
    return html`
      <div class="filters">
        <div class="segmented" role="group" aria-label="Outcome">${OUTCOMES.map(([value, label]) => html`
          <button type="button" aria-pressed=${String(this.chosen.outcome === value)} @click=${() => this.choose({ outcome: value, code: value === "granted" ? "" : this.chosen.code })}>${label}</button>`)}</div>
        <select class="select" aria-label="Why it was denied" @change=${(event) => this.choose({ code: event.target.value, outcome: event.target.value ? "denied" : this.chosen.outcome })}>
          <option value="">Any reason</option>${Object.entries(CODES).map(([code, says]) => html`<option value=${code} .selected=${this.chosen.code === code}>${says}</option>`)}</select>
        ${this.about("asset_id", "Film")}${this.about("account_id", "Account")}
        <span class="grow"></span>
        <button class="button small" type="button" ?disabled=${this.busy} @click=${() => this.load()}>${icon("rotate-cw")}Read anew</button>
      </div>
      ${this.problem ? problemNotice(this.problem, { title: "The licence log could not be read", retry: () => this.load(Boolean(this.items?.length)) }) : nothing}
      ${this.list()}
      ${this.cursor && !this.problem ? html`<div class="more"><button class="button" type="button" ?disabled=${this.busy} @click=${() => this.load(true)}>${this.busy ? "Reading…" : "Show more"}</button></div>` : nothing}`;
  }

  list() {
    if (this.items === undefined) return this.problem ? nothing : html`<ul class="panel padded" aria-busy="true" aria-label="Loading">${[1, 2, 3].map(() => html`<li class="line" aria-hidden="true"><div class="what"><span class="skeleton line wide"></span><span class="skeleton line"></span></div></li>`)}</ul>`;
    if (this.items.length) return html`<ul class="panel padded log" aria-label="Licences">${repeat(this.items, (each) => each.licence_id, (each) => this.row(each))}</ul>`;
    const filtered = Object.values(this.chosen).some(Boolean);
    return blank({
      name: "ticket", title: filtered ? "Nothing fits" : "No licence was asked for yet",
      text: filtered ? "There is no such licence. What was decided a moment ago takes a few seconds to show." : "As soon as somebody plays a protected film, each licence stands here: granted, or denied with the reason.",
      actions: filtered ? html`<button class="button" type="button" @click=${() => this.choose({ asset_id: "", account_id: "", outcome: "", code: "" })}>Show all</button>` : nothing,
    });
  }

  viewer({ account_id }) {
    if (account_id.startsWith("guest:")) return html`a guest <span class="mono">${shortId(account_id.slice(6))}</span>`;
    return may("drm:read") ? html`account <a class="text mono" title="Devices, rights and licences of ${account_id}" href=${paths.account(account_id)}>${shortId(account_id)}</a>` : html`account <span class="mono">${shortId(account_id)}</span>`;
  }

  row(each) {
    const granted = each.outcome === "granted";
    const facts = [systemName(each.system), each.country, each.offline && "to be kept", `policy ${each.policy_id || "default"} version ${each.policy_version}`].filter(Boolean);
    return html`
      <li class="line" data-outcome=${each.outcome}>
        ${icon(granted ? "circle-check" : "circle-x")}
        <div class="what">
          <p>${granted ? html`<strong>Granted</strong>` : html`<strong>${codeName(each.code)}</strong>`} <span class="quiet">for ${this.viewer(each)}${this.assetId ? nothing : html`, film <a class="text mono" title="Protection of film ${each.asset_id}" href=${paths.film(each.asset_id)}>${shortId(each.asset_id)}</a>`}</span></p>
          ${granted ? nothing : html`<p class="quiet">${each.detail}</p>`}
          <p class="faint">${when(each.at_ms)} · ${facts.join(" · ")}${granted && each.expires_at_ms ? html` · ends ${when(each.expires_at_ms)}` : nothing} · ${idButton(each.licence_id, "Licence id")}</p>
        </div>
        <span class="chip ${granted ? "" : "failed"}">${granted ? "Granted" : "Denied"}</span>
      </li>`;
  }
}

customElements.define("kl-licences", Licences);
