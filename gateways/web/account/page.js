// One's own account: name, password, login sessions, API keys, and the way out.
import "shared/frame.js";
import { Part, html } from "shared/element.js";
import { hasDrm } from "shared/drm-api.js";
import { identity } from "shared/identity-api.js";
import { blank, problemNotice, signInButton, when } from "shared/parts.js";
import { may, rights } from "shared/rights.js";
import { ready } from "shared/session.js";
import { personOf } from "shared/words.js";
import { eraseMe } from "./erase.js";
import "./keys.js";
import "./password.js";
import "./profile.js";
import "./sessions.js";
import "./watching.js";

class Account extends Part {
  static properties = { me: { state: true }, problem: { state: true } };

  constructor() {
    super();
    ready.then(() => this.load());
    addEventListener("kinolog-session", () => this.load());
    rights.addEventListener("change", () => this.requestUpdate());
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  async load() {
    try {
      [this.me, this.problem] = [await identity.me(), null];
    } catch (problem) {
      [this.me, this.problem] = [undefined, problem];
    }
  }

  render() {
    return html`
      <div class="content settings">
        <header class="page-head"><h1>Account</h1>
          ${this.me ? html`<span class="faint">since ${when(this.me.created_at_ms)}</span>` : ""}
        </header>
        ${this.problem?.status === 403 ? this.without() : this.problem ? problemNotice(this.problem, { title: "Your account could not be read", retry: () => this.load() }) : this.parts()}
      </div>`;
  }

  without() {
    return blank({
      name: "key-round", title: "An API key has no account",
      text: "You are signed in by the administrator's key or a link. Sign in with an address and a password to see an account; the administrator's key can invite people.",
      actions: html`${signInButton({ plain: false })}${may("users:write") ? html`<a class="button primary" href="/users">Invite people</a>` : ""}`,
    });
  }

  parts() {
    if (!this.me) return html`<div class="panel tall" role="group" aria-busy="true" aria-label="Loading"><span class="skeleton line wide"></span><span class="skeleton line"></span></div>`;
    return html`
      <kl-profile class="panel" .me=${this.me} @changed=${({ detail }) => (this.me = detail)}></kl-profile>
      <kl-password class="panel"></kl-password>
      <kl-sessions class="panel"></kl-sessions>
      ${hasDrm() ? html`<kl-watching class="panel"></kl-watching>` : ""}
      <kl-keys class="panel" .permissions=${this.me.permissions}></kl-keys>
      <section class="panel danger-zone">
        <header><h2>Erase the account</h2></header>
        <div class="inside row">
          <p class="quiet">Your name, your address, your sessions and your keys are forgotten for ever. Nobody can bring them back.</p>
          <button class="button danger-outline" type="button" @click=${() => eraseMe(this.me.email ?? personOf(this.me))}>Erase my account…</button>
        </div>
      </section>`;
  }
}

customElements.define("kl-account", Account);
document.getElementById("main").replaceChildren(document.createElement("kl-account"));
