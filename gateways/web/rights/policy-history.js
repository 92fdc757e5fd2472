// What a policy said before: its versions, the newest first, each with what it changed.
import { html, nothing } from "shared/element.js";
import { drm } from "shared/drm-api.js";
import { idButton, when } from "shared/parts.js";
import { Section } from "shared/section.js";
import { NOTHING, changes } from "./rules-words.js";

const AGAIN_MS = 1000; // the history is a moment behind what was just saved

class PolicyHistory extends Section {
  static properties = { policyId: {}, version: { type: Number } };

  trouble = "The older versions could not be read";

  async read() {
    const { items, next_before: more } = await drm.policyVersions(this.policyId);
    return { items, more };
  }

  async older() {
    try {
      const { items, next_before: more } = await drm.policyVersions(this.policyId, this.data.more);
      [this.data, this.problem] = [{ items: [...this.data.items, ...items], more }, null];
    } catch (problem) {
      this.problem = problem;
    }
  }

  updated(changed) {
    if (changed.has("version") && changed.get("version") !== undefined) this.reload();
    if (!changed.has("data") || !this.data || (this.data.items[0]?.version ?? 0) >= this.version) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reload(), AGAIN_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.timer);
  }

  render() {
    return html`<header><h2>Versions</h2></header><div class="inside">${super.render()}</div>`;
  }

  content({ items, more }) {
    // what the oldest one changed is known once the one before it is
    const shown = more ? items.slice(0, -1) : items;
    return html`
      <ul class="lines versions" aria-label="Versions">${shown.map((each, at) => this.line(each, items[at + 1]))}</ul>
      ${more ? html`<div class="more"><button class="button" type="button" @click=${this.older}>Show older</button></div>` : nothing}`;
  }

  line({ version, rules, changed_at_ms: atMs, actor }, before) {
    const rows = changes(before?.rules ?? NOTHING, rules);
    return html`
      <li class="line" data-version=${version}>
        <div class="what"><strong>Version ${version}</strong>
          ${rows.length ? html`<ul class="changes">${rows.map(({ was, now }) => html`<li>${was ? html`<del>${was}</del>` : nothing}${now ? html`<ins>${now}</ins>` : html`<span class="faint">asked for no more</span>`}</li>`)}</ul>`
            : html`<span class="quiet">${before ? "It says the same as the one before." : "It asks for nothing."}</span>`}
          <span class="faint">${when(atMs)}${actor ? html` by ${/^[0-9a-f]{32}$/.test(actor) ? idButton(actor, "Account id") : actor}` : nothing}</span></div>
      </li>`;
  }
}

customElements.define("kl-policy-history", PolicyHistory);
