// Name, address and roles.
import { Part, html } from "shared/element.js";
import { toast } from "shared/announce.js";
import { identity } from "shared/identity-api.js";
import { icon, idButton, problemNotice } from "shared/parts.js";
import { ROLES } from "shared/words.js";

class Profile extends Part {
  static properties = { me: {}, busy: { state: true }, problem: { state: true } };

  async save(event) {
    event.preventDefault();
    const name = new FormData(event.target).get("display_name").trim();
    if (this.busy || name === (this.me.display_name ?? "")) return;
    [this.busy, this.problem] = [true, null];
    try {
      const me = await identity.rename(name);
      this.dispatchEvent(new CustomEvent("changed", { detail: me }));
      dispatchEvent(new Event("kinolog-renamed"));
      toast("Name saved");
    } catch (problem) {
      this.problem = problem;
    }
    this.busy = false;
  }

  render() {
    const { me } = this;
    return html`
      <header><h2>Profile</h2><span class="grow"></span>${idButton(me.id, "Account id")}</header>
      <form class="inside fields" @submit=${this.save}>
        <span class="label">Address</span><span class="value">${me.email ?? "none"}</span>
        <span class="label">Roles</span>
        <span class="value chips">${me.roles.length ? me.roles.map((role) => html`<span class="chip" title=${ROLES[role] ?? role}>${role}</span>`) : html`<span class="faint">none: an administrator gives them</span>`}</span>
        <label class="label" for="name">Name</label>
        <span class="with-button">
          <span class="field">${icon("user-round")}<input id="name" name="display_name" maxlength="200" autocomplete="name" .value=${me.display_name ?? ""} placeholder="How others see you"></span>
          <button class="button" type="submit" ?disabled=${this.busy}>${this.busy ? "Saving…" : "Save"}</button>
        </span>
      </form>
      ${this.problem ? html`<div class="inside">${problemNotice(this.problem, { title: "The name was not saved" })}</div>` : ""}`;
  }
}

customElements.define("kl-profile", Profile);
