// The rooms there are: those of films, and free ones.
import "shared/frame.js";
import { Part, html, nothing, repeat } from "shared/element.js";
import { chat, hasChat } from "chat/api.js";
import { changesOf, textFields } from "chat/settings.js";
import { roomName } from "chat/text.js";
import { dialogActions, dialogForm, openDialog } from "shared/dialog.js";
import { count } from "shared/format.js";
import { blank, icon, problemNotice, when } from "shared/parts.js";
import { may, rights } from "shared/rights.js";
import { ready } from "shared/session.js";

const NEW = { title: "", topic: "", access: "public", mode: "open" };
const MODES = { followers: "Followers write", members: "Members write", emotes: "Emoji only" };

const chips = ({ settings }) => html`
  ${settings.access === "members" ? html`<span class="chip">${icon("lock")}Members</span>` : nothing}
  ${MODES[settings.mode] ? html`<span class="chip">${MODES[settings.mode]}</span>` : nothing}
  ${settings.slow_mode_s ? html`<span class="chip">${icon("timer")}Slow mode</span>` : nothing}
  ${settings.archived ? html`<span class="chip">${icon("archive")}Archived</span>` : settings.read_only ? html`<span class="chip">Read only</span>` : nothing}`;

const roomRow = (room) => html`
  <li class="line" data-id=${room.id}>
    ${icon(room.asset_id ? "clapperboard" : "messages-square")}
    <div class="what"><strong><a class="stretched" href=${room.asset_id ? `/watch/${encodeURIComponent(room.asset_id)}` : `/rooms/${room.id}`}>${roomName(room.settings)}</a></strong>
      ${room.settings.topic ? html`<span class="faint">${room.settings.topic}</span>` : nothing}</div>
    <span class="chips">${chips(room)}</span>
    <span class="faint numbers">${count(room.message_count, "message")}</span>
    <span class="faint since">${when(room.updated_at_ms)}</span>
    ${room.may_moderate ? html`<a class="icon-button above" href="/rooms/${room.id}/moderate" aria-label="Moderate ${roomName(room.settings)}" title="Moderate">${icon("shield")}</a>` : html`<span></span>`}
  </li>`;

class Rooms extends Part {
  static properties = { items: { state: true }, cursor: { state: true }, problem: { state: true }, busy: { state: true } };

  constructor() {
    super();
    rights.addEventListener("change", () => this.requestUpdate());
    addEventListener("kinolog-session", () => this.load());
    ready.then(() => this.load());
  }

  async load(cursor = "") {
    if (!hasChat()) return;
    [this.busy, this.problem] = [true, null];
    try {
      const page = await chat.rooms(cursor);
      this.items = [...(cursor ? this.items : []), ...page.items];
      this.cursor = page.next_cursor;
    } catch (problem) {
      this.problem = problem;
    }
    this.busy = false;
  }

  async open() {
    const room = await openDialog("New room", (ask) => dialogForm(
      (fields) => ask.run(() => chat.open({ ...NEW, ...wishOf(fields) })),
      html`${textFields(NEW)}${dialogActions(ask, { label: "Open the room", busy: "Opening…" })}`));
    if (room?.id) location.assign(`/rooms/${room.id}`);
  }

  render() {
    return html`
      <div class="content">
        <header class="page-head"><h1>Live chat</h1><span class="grow"></span>
          ${may("rooms:write") && hasChat() ? html`<button class="button primary" type="button" @click=${this.open}>${icon("message-square-plus")}New room</button>` : nothing}</header>
        ${this.problem ? problemNotice(this.problem, { title: "The rooms could not be read", retry: () => this.load() }) : nothing}
        ${this.list()}
        ${this.cursor && !this.problem ? html`<div class="more"><button class="button" type="button" ?disabled=${this.busy} @click=${() => this.load(this.cursor)}>${this.busy ? "Reading…" : "Show more"}</button></div>` : nothing}
      </div>`;
  }

  list() {
    if (!hasChat()) return blank({ name: "messages-square", title: "There is no chat here", text: "This platform runs without the chat service. Whoever runs it can start it with `kinolog up`." });
    if (this.items === undefined) return this.problem ? nothing : html`<ul class="rooms panel" aria-busy="true" aria-label="Loading">${[1, 2, 3, 4].map(() => html`<li class="line" aria-hidden="true"><div class="what"><span class="skeleton line"></span></div></li>`)}</ul>`;
    if (this.items.length) return html`<ul class="rooms panel" aria-label="Rooms">${repeat(this.items, (room) => room.id, roomRow)}</ul>`;
    return blank({
      name: "messages-square", title: "No room is open yet",
      text: "Each film gets a room when the first person watches it. Rooms about anything else are opened here.",
      actions: may("rooms:write") ? html`<button class="button primary" type="button" @click=${this.open}>${icon("message-square-plus")}New room</button>` : html`<a class="button" href="/">Go to the library</a>`,
    });
  }
}

const wishOf = (fields) => {
  const { title, topic, access, mode } = changesOf(fields, {});
  return { title, topic, access, mode };
};

customElements.define("kl-rooms", Rooms);
document.getElementById("main").replaceChildren(document.createElement("kl-rooms"));
