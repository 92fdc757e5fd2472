// The chat beside a film: its room, opened by the first who comes.
import { Part, html, nothing } from "shared/element.js";
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
    return this.roomId ? html`<kl-chat .roomId=${this.roomId} heading="Chat" .video=${() => document.querySelector("kl-player")?.video}></kl-chat>` : nothing;
  }
}

customElements.define("kl-film-chat", FilmChat);
