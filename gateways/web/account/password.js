// Another password; the old one proves that it is you.
import { Part, html } from "shared/element.js";
import { toast } from "shared/announce.js";
import { identity } from "shared/identity-api.js";
import { icon, problemNotice } from "shared/parts.js";

class Password extends Part {
  static properties = { busy: { state: true }, problem: { state: true } };

  async save(event) {
    event.preventDefault();
    const form = event.target;
    const fields = new FormData(form);
    if (this.busy) return;
    [this.busy, this.problem] = [true, null];
    try {
      await identity.changePassword(fields.get("current"), fields.get("fresh"));
      form.reset();
      toast("Password changed; your other sessions have ended");
      dispatchEvent(new Event("kinolog-sessions-ended"));
    } catch (problem) {
      this.problem = problem;
    }
    this.busy = false;
  }

  field(name, label, autocomplete) {
    return html`<label class="label" for=${name}>${label}</label>
      <span class="field">${icon("lock-keyhole")}<input id=${name} name=${name} type="password" autocomplete=${autocomplete} required minlength=${name === "fresh" ? 10 : 1} maxlength="256"></span>`;
  }

  render() {
    return html`
      <header><h2>Password</h2></header>
      <form class="inside fields" @submit=${this.save}>
        ${this.field("current", "Current password", "current-password")}
        ${this.field("fresh", "New password", "new-password")}
        <span></span>
        <span class="with-button end"><span class="faint">At least 10 characters. All other sessions end.</span>
          <button class="button" type="submit" ?disabled=${this.busy}>${this.busy ? "Changing…" : "Change the password"}</button></span>
      </form>
      ${this.problem ? html`<div class="inside">${problemNotice(this.problem, { title: "The password was not changed" })}</div>` : ""}`;
  }
}

customElements.define("kl-password", Password);
