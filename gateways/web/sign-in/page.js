// Sign in, and arrive where one was going; also where signing out ends.
import "shared/frame.js";
import "shared/sign-in.js";
import { Part, html } from "shared/element.js";
import { icon } from "shared/parts.js";
import { ours } from "shared/places.js";
import { rights, who } from "shared/rights.js";
import { finishLeaving, signOut } from "shared/sign-out.js";

const query = new URLSearchParams(location.search);
const NOTES = {
  out: "You are signed out.",
  erased: "Your account is closed, and what is known of you is being forgotten.",
  ready: "Your password is set. Sign in with it.",
};
const note = Object.keys(NOTES).find((name) => query.has(name));
const next = ours(query.get("next") ?? "");

class SignInPage extends Part {
  constructor() {
    super();
    rights.addEventListener("change", () => this.requestUpdate());
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  render() {
    const session = note ? null : who();
    return html`
      <div class="content gateway">
        <section class="panel card-form" aria-busy=${session === undefined ? "true" : "false"}>
          ${note ? html`<p class="note" role="status">${icon("circle-check")}${NOTES[note]}</p>` : ""}
          ${session ? this.already(session) : html`<kl-sign-in .level=${1} @signed-in=${() => location.assign(next)}></kl-sign-in>`}
        </section>
      </div>`;
  }

  already(session) {
    return html`
      <div class="dialog-form">
        <img src="/web/shared/mark.svg" width="40" height="40" alt="">
        <h1>You are signed in</h1>
        <p class="quiet">As ${session.name ?? (session.account_id ? "yourself" : "the holder of an API key or a link")}.</p>
        <a class="button primary" href=${next}>Continue</a>
        <button class="button plain" type="button" @click=${signOut}>Sign out to sign in as somebody else</button>
      </div>`;
  }
}

customElements.define("kl-sign-in-page", SignInPage);
await finishLeaving();
document.getElementById("main").replaceChildren(document.createElement("kl-sign-in-page"));
