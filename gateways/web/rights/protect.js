// Protecting a film that is finished: asked for here, followed until it is done.
import { Part, html, nothing } from "shared/element.js";
import { announce, toast } from "shared/announce.js";
import { api } from "shared/api.js";
import { isWorking } from "shared/asset.js";
import { dialogActions, dialogForm, openDialog, reasonField, reasonOf } from "shared/dialog.js";
import { live } from "shared/live.js";
import { icon } from "shared/parts.js";
import { isWhole, mayProtect, policyIds, protectionFields, protectionOf, wishFrom } from "shared/protection.js";
import { isOthers } from "shared/rights.js";

async function askProtection(asset) {
  const [policies, wish] = [await policyIds(), wishFrom(asset.protection)];
  return openDialog(asset.protection ? "Protect it otherwise" : "Protect this film", (ask) => dialogForm(
    (fields) => ask.run(() => api.protect(asset.id, { ...protectionOf(wish), reason: reasonOf(fields) })),
    html`
      <p class="quiet">The film is encoded again, encrypted, from the file that was uploaded. It plays as it does now until all of that is there.</p>
      ${protectionFields(wish, { policies, optional: false, draw: () => ask.draw() })}
      ${isOthers(asset) ? reasonField : nothing}
      ${dialogActions(ask, { label: "Protect", busy: "Asking…", blocked: !isWhole(wish) })}`));
}

/** Fires "protected" when the film has come under new keys. */
class Protect extends Part {
  static properties = { assetId: {}, asset: { state: true } };

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this.unfollow = live(api.eventsPath(this.assetId), { asset: (asset) => this.take(asset) });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.unfollow?.();
  }

  take(asset) {
    const before = this.asset;
    this.asset = asset;
    if (!before?.protecting || asset.protecting) return;
    if (asset.protection?.version !== before.protecting.version) return announce("The film was not protected.");
    toast("The film is protected");
    this.dispatchEvent(new Event("protected"));
  }

  async ask() {
    const answer = await askProtection(this.asset);
    if (answer?.asset) this.take(answer.asset);
  }

  render() {
    const { asset } = this;
    if (!asset) return nothing;
    if (asset.protecting) return this.progress(asset.protecting);
    const failure = asset.protection_failure;
    return html`
      ${failure ? html`<p class="warned" role="alert">It was not protected the last time that was asked for. ${failure.sentence}</p>` : nothing}
      ${isWorking(asset) ? html`<p class="quiet">It can be protected ${asset.protection ? "otherwise " : ""}once it is finished.</p>` : nothing}
      ${asset.state === "ready" && mayProtect(asset) ? html`<button class="button ${asset.protection ? "small" : "primary"}" type="button" @click=${this.ask}>
        ${icon("lock")}${asset.protection ? "Protect it otherwise…" : "Protect this film…"}</button>` : nothing}`;
  }

  progress({ scheme, percent }) {
    return html`
      <div class="protecting">
        <p><strong>Being encrypted by ${scheme}</strong> <span class="faint">${percent} % of it is encoded again</span></p>
        <progress max="100" .value=${percent} aria-label="Protection"></progress>
        <p class="quiet">Until all of it is there the film plays as before.</p>
      </div>`;
  }
}

customElements.define("kl-protect", Protect);
