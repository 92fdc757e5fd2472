// One room of its own.
import "shared/frame.js";
import "chat/panel.js";
import { Part, html } from "shared/element.js";
import { hasChat } from "chat/api.js";
import { roomName } from "chat/text.js";
import { blank, icon } from "shared/parts.js";
import { ready } from "shared/session.js";

const ID = decodeURIComponent(location.pathname.split("/")[2]);

class RoomPage extends Part {
  static properties = { begun: { state: true } };

  constructor() {
    super();
    ready.then(() => (this.begun = true));
  }

  named(event) {
    const settings = event.target.store?.settings;
    if (settings) document.title = `${roomName(settings)} · Kinolog`;
  }

  render() {
    return html`
      <div class="content one-room">
        <nav class="crumbs" aria-label="Where you are"><a href="/rooms">${icon("arrow-left")}Live chat</a></nav>
        ${hasChat() ? this.begun ? html`<kl-chat .roomId=${ID} .level=${1} @change=${this.named}></kl-chat>` : html`<div class="panel chat"></div>`
          : blank({ name: "messages-square", level: 1, title: "There is no chat here", text: "This platform runs without the chat service." })}
      </div>`;
  }
}

customElements.define("kl-room", RoomPage);
document.getElementById("main").replaceChildren(document.createElement("kl-room"));
