// Who may not write in a room, why, and until when.
import { html, repeat } from "shared/element.js";
import { chat } from "chat/api.js";
import { moderate } from "chat/moderation.js";
import { nameOf } from "chat/text.js";
import { blank, when } from "shared/parts.js";
import { Section } from "shared/section.js";

const KINDS = { timeout: "Timed out", ban: "Banned", shadow: "Hidden from others" };

class Sanctions extends Section {
  static properties = { roomId: {} };

  trouble = "The sanctions could not be read";

  async read() {
    return (await chat.sanctions(this.roomId)).items;
  }

  content(items) {
    const now = items.filter(({ until_ms: until }) => !until || until > Date.now());
    if (!now.length) return blank({ name: "shield-check", title: "Everybody may write", text: "Time-outs and bans are given in the menu of a message." });
    return html`<section class="panel"><header><h2>Who may not write</h2></header><ul class="padded">${repeat(now, ({ account }) => account.id, (sanction) => html`
      <li class="line"><div class="what"><strong>${nameOf(sanction.account)}</strong>
        <span class="faint">${KINDS[sanction.kind] ?? sanction.kind} ${when(sanction.at_ms)}, ${sanction.until_ms ? html`until ${when(sanction.until_ms)}` : "until somebody lifts it"}${sanction.reason ? `: ${sanction.reason}` : ""}</span></div>
        <button class="button small" type="button" ?disabled=${this.busy} aria-label="Lift it for ${nameOf(sanction.account)}" @click=${() => this.act(() => moderate("lift", this.roomId, sanction.account))}>Lift it</button></li>`)}</ul></section>`;
  }
}

customElements.define("kl-sanctions", Sanctions);
