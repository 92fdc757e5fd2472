// A room as its moderators see it: what waits for them, the room itself, and its rules.
import "shared/frame.js";
import "chat/panel.js";
import "./queue.js";
import "./rules.js";
import "./sanctions.js";
import { Part, html, nothing } from "shared/element.js";
import { hasChat } from "chat/api.js";
import { roomName } from "chat/text.js";
import { blank, icon } from "shared/parts.js";
import { forbidden } from "shared/section.js";
import { ready } from "shared/session.js";

const ID = decodeURIComponent(location.pathname.split("/")[2]);
const TABS = [["queue", "Waiting"], ["sanctions", "Sanctions"], ["rules", "Rules"]];

class Moderate extends Part {
  static properties = { begun: { state: true }, tab: { state: true }, store: { state: true }, waiting: { state: true } };

  constructor() {
    super();
    this.tab = TABS.find(([name]) => name === location.hash.slice(1))?.[0] ?? "queue";
    this.waiting = 0;
    ready.then(() => (this.begun = true));
  }

  /** The feed's store tells who we are, and what comes onto the desk. */
  changed(event) {
    const { store } = event.target;
    if (store !== this.store) {
      this.store = store;
      store.desk = (said) => this.querySelector("kl-queue")?.hear(said);
    }
    if (store.settings) document.title = `Moderation: ${roomName(store.settings)} · Kinolog`;
    this.requestUpdate();
  }

  show(tab) {
    this.tab = tab;
    history.replaceState(null, "", `#${tab}`);
  }

  render() {
    if (!hasChat()) return html`<div class="content">${blank({ name: "messages-square", level: 1, title: "There is no chat here", text: "This platform runs without the chat service." })}</div>`;
    const settings = this.store?.settings;
    const known = this.store?.state === "open";
    const moderator = this.store?.you.moderator;
    return html`
      <div class="content moderation">
        <nav class="crumbs" aria-label="Where you are"><a href="/rooms">${icon("arrow-left")}Live chat</a></nav>
        <header class="page-head"><h1>${settings ? roomName(settings) : "Moderation"}</h1><span class="grow"></span>
          <div class="segmented" role="group" aria-label="What to look at">${TABS.map(([name, label]) => html`
            <button type="button" aria-pressed=${this.tab === name ? "true" : "false"} @click=${() => this.show(name)}>${label}${name === "queue" && this.waiting ? html`<span class="number">${this.waiting}</span>` : nothing}</button>`)}</div>
        </header>
        ${known && !moderator ? forbidden("Moderating this room", () => {}) : nothing}
        <div class="desk" ?hidden=${known && !moderator}>
          <div class="column">
            ${moderator ? html`
              <kl-queue ?hidden=${this.tab !== "queue"} .roomId=${ID} @waiting=${(event) => (this.waiting = event.detail)}></kl-queue>
              ${this.tab === "sanctions" ? html`<kl-sanctions .roomId=${ID}></kl-sanctions>` : nothing}
              ${this.tab === "rules" ? html`<kl-rules .roomId=${ID}></kl-rules>` : nothing}` : html`<div class="reading" role="group" aria-busy="true" aria-label="Loading"><span class="skeleton line wide"></span><span class="skeleton line"></span></div>`}
          </div>
          ${this.begun ? html`<kl-chat class="feed" .roomId=${ID} .moderating=${true} heading="The room" @change=${this.changed}></kl-chat>` : nothing}
        </div>
      </div>`;
  }
}

customElements.define("kl-moderate", Moderate);
document.getElementById("main").replaceChildren(document.createElement("kl-moderate"));
