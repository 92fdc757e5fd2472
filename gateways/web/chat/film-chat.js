// The chat beside a film: its room, opened by the first who comes.
import { Part, html } from "shared/element.js";
import { problemNotice } from "shared/parts.js";
import { chat } from "./api.js";
import "./panel.js";

class FilmChat extends Part {
  static properties = { assetId: {}, roomId: { state: true }, problem: { state: true } };

  firstUpdated() {
    this.find();
  }

  async find() {
    this.problem = null;
    try {
      this.roomId = (await chat.ofAsset(this.assetId)).id;
    } catch (problem) {
      this.problem = problem;
    }
  }

  render() {
    if (this.problem) return problemNotice(this.problem, { title: "The chat could not be opened", retry: () => this.find() });
    return this.roomId ? html`<kl-chat .roomId=${this.roomId} heading="Chat" .video=${() => document.querySelector("kl-player")?.video}></kl-chat>`
      : html`<section class="chat panel" aria-busy="true" aria-label="Chat"><div class="loading">${[1, 2, 3, 4].map(() => html`<span class="skeleton line wide"></span>`)}</div></section>`;
  }
}

customElements.define("kl-film-chat", FilmChat);
