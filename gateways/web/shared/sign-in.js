// The form that signs in: an address and its password where the identity service is, an API key anywhere.
import { Part, html, nothing } from "shared/element.js";
import { api } from "shared/api.js";
import { identity } from "shared/identity-api.js";
import { icon } from "shared/parts.js";
import { isAt, signInPage } from "shared/places.js";

const UNKNOWN_KEY = "This key is not known here. Check it and try again.";
const PROGRAMS_KEY = "This is an account's API key, which is for programs. Sign in with your address and password.";
const ACCOUNT_KEY = /^kino_[0-9a-f]{16}_/;

/** Fires "signed-in", or "declined" where that is offered. */
class SignIn extends Part {
  static properties = { message: {}, declinable: { type: Boolean }, level: { type: Number }, byKey: { state: true }, busy: { state: true } };

  constructor() {
    super();
    this.message = "";
    this.level = 2;
    this.byKey = !isAt("identity");
  }

  async submit(event) {
    event.preventDefault();
    const fields = new FormData(event.target);
    const key = (fields.get("api_key") ?? "").trim();
    if (this.busy || (this.byKey && !key)) return;
    this.busy = true;
    try {
      if (this.byKey) await api.openSession({ api_key: key });
      else await identity.signIn(fields.get("email").trim(), fields.get("password"));
      this.dispatchEvent(new Event("signed-in"));
    } catch (problem) {
      this.message = this.byKey && problem.refused ? (ACCOUNT_KEY.test(key) ? PROGRAMS_KEY : UNKNOWN_KEY) : problem.message;
      this.busy = false;
      await this.updateComplete;
      this.querySelector("input[type=password]").select();
    }
  }

  async turn() {
    [this.byKey, this.message] = [!this.byKey, ""];
    await this.updateComplete;
    this.querySelector("input").focus();
  }

  field(name, label, type, autocomplete, symbol, first) {
    const wrong = this.message ? "true" : "false";
    return html`
      <label for=${name}>${label}</label>
      <div class="field">${icon(symbol)}
        <input id=${name} name=${name.replace("-", "_")} type=${type} autocomplete=${autocomplete} required ?autofocus=${first}
          spellcheck="false" autocapitalize="none" aria-describedby="${this.byKey ? "api-key" : "sign-in"}-error" aria-invalid=${wrong}>
      </div>`;
  }

  render() {
    const elsewhere = isAt("identity") ? null : signInPage();
    return html`
      <form class="dialog-form" @submit=${this.submit}>
        <img src="/web/shared/mark.svg" width="40" height="40" alt="">
        ${this.level === 1 ? html`<h1>Sign in to Kinolog</h1>` : html`<h2>Sign in to Kinolog</h2>`}
        ${elsewhere ? html`<a class="button primary" href=${elsewhere}>${icon("user-round")}Sign in with your address</a><p class="or" aria-hidden="true">or</p>` : nothing}
        ${this.byKey
          ? html`<p class="quiet">Use your API key. The administrator's is <code>admin_api_key</code> in
              <code>.kinolog/credentials.json</code>, in the folder where Kinolog was started.</p>
            ${this.field("api-key", "API key", "password", "current-password", "key-round", true)}`
          : html`${this.field("email", "Address", "email", "username", "mail", true)}
            ${this.field("password", "Password", "password", "current-password", "lock-keyhole", false)}`}
        <p id="${this.byKey ? "api-key" : "sign-in"}-error" class="field-error" role="alert">${this.message}</p>
        <button class="button ${elsewhere ? "" : "primary"}" type="submit" ?disabled=${this.busy}>${this.busy ? "Signing in…" : "Sign in"}</button>
        ${isAt("identity") ? html`<button class="button plain" type="button" @click=${this.turn}>${this.byKey ? "Use an address and a password" : "Use the administrator's API key"}</button>` : nothing}
        ${this.declinable ? html`<button class="button plain" type="button" @click=${() => this.dispatchEvent(new Event("declined"))}>Not now</button>` : nothing}
      </form>`;
  }
}

customElements.define("kl-sign-in", SignIn);
