// Where one is signed in; each can be ended from here.
import { html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { identity } from "shared/identity-api.js";
import { icon, when } from "shared/parts.js";
import { Section } from "shared/section.js";
import { signOut } from "shared/sign-out.js";
import { clientOf } from "shared/words.js";

class Sessions extends Section {
  trouble = "Your login sessions could not be read";

  constructor() {
    super();
    addEventListener("kinolog-sessions-ended", () => this.reload());
  }

  read = async () => (await identity.sessions()).items;

  async end(session) {
    if (session.current) return signOut();
    await this.act(() => identity.endSession(session.sid));
    announce("The session has ended.");
  }

  async endOthers() {
    await this.act(identity.endOthers);
    announce("All other sessions have ended.");
  }

  render() {
    const others = (this.data?.length ?? 0) > 1;
    return html`
      <header><h2>Login sessions</h2><span class="grow"></span>
        ${others ? html`<button class="button small" type="button" ?disabled=${this.busy} @click=${this.endOthers}>End all others</button>` : nothing}</header>
      <div class="inside">${super.render()}</div>`;
  }

  content(items) {
    if (!items.length) return html`<p class="quiet">No session in a browser: you came by an API key.</p>`;
    return html`<ul class="lines">${items.map((session) => html`
      <li class="line">
        ${icon(session.agent && /curl|python/i.test(session.agent) ? "terminal" : "monitor-smartphone")}
        <div class="what"><strong title=${session.agent ?? ""}>${clientOf(session.agent)}</strong>
          <span class="faint">since ${when(session.started_at_ms)}${session.country ? ` · ${session.country}` : ""} · ends ${when(session.expires_at_ms)}</span></div>
        ${session.current ? html`<span class="chip working">This one</span>` : nothing}
        <button class="button small" type="button" ?disabled=${this.busy} aria-label=${session.current ? "Sign out here" : `End the session of ${clientOf(session.agent)}`}
          @click=${() => this.end(session)}>${session.current ? "Sign out" : "End"}</button>
      </li>`)}</ul>`;
  }
}

customElements.define("kl-sessions", Sessions);
