// One's own devices and what plays on them.
import { html } from "shared/element.js";
import { drm } from "shared/drm-api.js";
import { Section } from "shared/section.js";
import { watching } from "shared/watching.js";

class Watching extends Section {
  trouble = "Your devices could not be read";

  read = () => drm.me();

  render() {
    return html`<header><h2>Watching</h2></header><div class="inside watching">${super.render()}</div>`;
  }

  content(mine) {
    return html`
      ${mine.stopped ? html`<p class="warned">Watching is switched off for this account. Whoever runs this platform can switch it on again.</p>` : ""}
      ${watching(this, mine)}`;
  }
}

customElements.define("kl-watching", Watching);
