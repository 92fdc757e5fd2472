// API keys of programs that act in one's name.
import { html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { identity } from "shared/identity-api.js";
import { icon, when } from "shared/parts.js";
import { Section } from "shared/section.js";
import { createKey, revokeKey, rotateKey } from "./key-dialogs.js";

const SHOWN_SCOPES = 3;
const nameOf = (key) => key.name ?? key.prefix;

class Keys extends Section {
  static properties = { permissions: {} };

  trouble = "Your API keys could not be read";

  read = async () => (await identity.keys()).items;

  async after(dialog, said) {
    if (!(await dialog)) return;
    announce(said);
    await this.reload();
  }

  render() {
    return html`
      <header><h2>API keys</h2><span class="grow"></span>
        <button class="button small primary" type="button" @click=${() => this.after(createKey(this.permissions), "The key is made.")}>${icon("plus")}New key</button></header>
      <div class="inside">${super.render()}</div>`;
  }

  content(items) {
    if (!items.length) return html`<p class="quiet">None yet. A key lets a program act in your name, within the scopes that you choose; it is sent as <code>Authorization: Bearer …</code>.</p>`;
    return html`<ul class="lines">${items.map((key) => this.line(key))}</ul>`;
  }

  line(key) {
    const [shown, rest] = [key.scopes.slice(0, SHOWN_SCOPES), key.scopes.slice(SHOWN_SCOPES)];
    const over = key.expires_at_ms !== null && key.expires_at_ms <= Date.now();
    return html`
      <li class="line" data-key=${key.id}>
        ${icon("key-round")}
        <div class="what">
          <strong>${nameOf(key)}</strong>
          <span class="faint"><code>${key.prefix}_…</code> · made ${when(key.created_at_ms)} · ${key.last_used_at_ms ? html`used ${when(key.last_used_at_ms)}` : "not used yet"} ·
            ${key.ends_at_ms ? html`replaced, works until ${when(key.ends_at_ms)}` : over ? "expired" : key.expires_at_ms ? html`expires ${when(key.expires_at_ms)}` : "does not expire"}</span>
          <span class="chips">${shown.map((scope) => html`<span class="chip">${scope}</span>`)}${rest.length ? html`<span class="chip" title=${rest.join(", ")}>${rest.length} more</span>` : nothing}
            ${over ? html`<span class="chip failed">Expired</span>` : nothing}${key.replaced_by ? html`<span class="chip">Replaced</span>` : nothing}</span>
        </div>
        <span class="buttons">
          ${key.replaced_by || over ? nothing : html`<button class="button small" type="button" aria-label="Rotate ${nameOf(key)}" @click=${() => this.after(rotateKey(key), "The new key is made.")}>Rotate</button>`}
          <button class="button small" type="button" aria-label="Revoke ${nameOf(key)}" @click=${() => this.after(revokeKey(key), "The key is revoked.")}>Revoke</button>
        </span>
      </li>`;
  }
}

customElements.define("kl-keys", Keys);
