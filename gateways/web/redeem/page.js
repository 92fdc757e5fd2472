// A one-time link: an invitation, or a way back for who forgot the password. The token never leaves the fragment
// but in the body of the one request that spends it.
import "shared/frame.js";
import { Part, html } from "shared/element.js";
import { identity } from "shared/identity-api.js";
import { blank, icon, problemNotice } from "shared/parts.js";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const SHORTEST = 10;

class Redeem extends Part {
  static properties = { problem: { state: true }, busy: { state: true }, shown: { state: true }, length: { state: true } };

  constructor() {
    super();
    this.length = 0;
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  async submit(event) {
    event.preventDefault();
    if (this.busy) return;
    const fields = new FormData(event.target);
    [this.busy, this.problem] = [true, null];
    const wish = { token, password: fields.get("password") };
    if (fields.get("display_name").trim()) wish.display_name = fields.get("display_name").trim();
    try {
      await identity.redeem(wish);
      location.replace("/sign-in?ready");
    } catch (problem) {
      [this.busy, this.problem] = [false, problem];
    }
  }

  render() {
    return html`<div class="content gateway"><section class="panel card-form">${token ? this.form() : this.without()}</section></div>`;
  }

  without() {
    return blank({
      name: "link-2-off", level: 1, title: "This link is not whole",
      text: "It lacks its last part, after “#”. Copy the whole link once more, or ask whoever sent it for a new one.",
      actions: html`<a class="button" href="/sign-in">Sign in instead</a>`,
    });
  }

  form() {
    return html`
      <form class="dialog-form" @submit=${this.submit}>
        <img src="/web/shared/mark.svg" width="40" height="40" alt="">
        <h1>Welcome to Kinolog</h1>
        <p class="quiet">Choose the password of your account. This link works once.</p>
        <label for="password">Password</label>
        <div class="field">${icon("lock-keyhole")}
          <input id="password" name="password" type=${this.shown ? "text" : "password"} autocomplete="new-password" required
            minlength=${SHORTEST} maxlength="256" aria-describedby="password-help" @input=${(event) => (this.length = event.target.value.length)}>
          <button class="icon-button" type="button" aria-label="Show the password" aria-pressed=${this.shown ? "true" : "false"}
            @click=${() => (this.shown = !this.shown)}>${icon(this.shown ? "eye-off" : "eye")}</button>
        </div>
        <p id="password-help" class="faint">${this.length && this.length < SHORTEST ? `${SHORTEST - this.length} more to go. ` : ""}At least ${SHORTEST} characters; a few words in a row are easy to keep in mind.</p>
        <label for="display-name">Name <span class="faint">(optional)</span></label>
        <div class="field">${icon("user-round")}<input id="display-name" name="display_name" maxlength="200" autocomplete="name"></div>
        ${this.problem ? problemNotice(this.problem, { title: this.problem.status === 401 ? "This link does not work any more" : undefined }) : ""}
        <button class="button primary" type="submit" ?disabled=${this.busy}>${this.busy ? "Setting the password…" : "Set the password"}</button>
      </form>`;
  }
}

customElements.define("kl-redeem", Redeem);
document.getElementById("main").replaceChildren(document.createElement("kl-redeem"));
