// Who moderates a room and who is a member, inside its settings.
import { Part, html, nothing } from "shared/element.js";
import { icon, problemNotice } from "shared/parts.js";
import { shortId } from "shared/format.js";
import { chat } from "./api.js";

const ACCOUNT = "[0-9a-f]{32}";

/** Moderators are account ids, members come with their name. */
const idOf = (one) => one.account?.id ?? one;
const nameOf = (one) => one.account?.name ?? shortId(idOf(one));

class Roster extends Part {
  static properties = { room: { attribute: false }, moderators: { state: true }, members: { state: true }, problem: { state: true } };

  firstUpdated() {
    this.moderators = this.room.moderators;
    this.read();
  }

  async read() {
    try {
      this.members = (await chat.members(this.room.id)).items;
    } catch (problem) {
      this.problem = problem;
    }
  }

  async act(work) {
    this.problem = null;
    try {
      await work();
      this.moderators = (await chat.room(this.room.id)).moderators;
      await this.read();
    } catch (problem) {
      this.problem = problem;
    }
  }

  add(event, add) {
    event.preventDefault();
    const field = event.currentTarget.parentElement.querySelector("input");
    if (!field.value || !field.reportValidity()) return;
    const { value } = field;
    field.value = "";
    this.act(() => add(this.room.id, value));
  }

  list(title, people, { add, drop }, id) {
    return html`
      <details class="more-settings"><summary>${title} <span class="faint">${people?.length ?? ""}</span></summary>
        <ul class="roster">${(people ?? []).map((one) => html`<li><span class="grow" title=${idOf(one)}>${nameOf(one)}${one.kind === "follower" ? html` <span class="faint">follower</span>` : nothing}</span>
          <button class="icon-button" type="button" aria-label="Remove ${nameOf(one)}" @click=${() => this.act(() => drop(this.room.id, idOf(one)))}>${icon("x")}</button></li>`)}</ul>
        ${people?.length === 0 ? html`<p class="quiet">Nobody yet.</p>` : nothing}
        <div class="field add"><label class="visually-hidden" for=${id}>Account id</label>
          <input id=${id} pattern=${ACCOUNT} maxlength="32" placeholder="Account id" autocomplete="off" spellcheck="false">
          <button class="button small plain" type="button" @click=${(event) => this.add(event, add)}>Add</button></div>
      </details>`;
  }

  render() {
    return html`
      ${this.list("Moderators", this.moderators, { add: chat.addModerator, drop: chat.dropModerator }, "add-moderator")}
      ${this.list("Members", this.members, { add: chat.addMember, drop: chat.dropMember }, "add-member")}
      ${this.problem ? problemNotice(this.problem) : nothing}`;
  }
}

customElements.define("kl-roster", Roster);
