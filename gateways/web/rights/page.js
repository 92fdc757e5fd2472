// Rights: who may watch what, by which policy, and what was decided. Which page the address means.
import "shared/frame.js";
import { Part, html, nothing } from "shared/element.js";
import { hasDrm } from "shared/drm-api.js";
import { paths } from "shared/licence-words.js";
import { blank } from "shared/parts.js";
import { may, rights, who } from "shared/rights.js";
import { forbidden } from "shared/section.js";
import { ready } from "shared/session.js";
import "./account.js";
import "./film.js";
import "./licences.js";
import "./policies.js";
import "./policy.js";

const parts = location.pathname.split("/").map(decodeURIComponent);
const [kind, id] = parts[1] === "assets" ? ["film", parts[2]] : [parts[2] ?? "policies", parts[3]];

const PAGES = {
  film: () => html`<kl-film-rights .assetId=${id}></kl-film-rights>`,
  policies: () => (id ? html`<kl-policy .policyId=${id}></kl-policy>` : html`<kl-policies></kl-policies>`),
  licences: () => html`<header class="page-head"><h1>Licences</h1></header><kl-licences filters></kl-licences>`,
  accounts: () => html`<kl-account-rights .accountId=${id}></kl-account-rights>`,
};

class Rights extends Part {
  static properties = { asked: { state: true } };

  constructor() {
    super();
    rights.addEventListener("change", () => this.requestUpdate());
    ready.then(() => (this.asked = true));
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  /** Owners see what concerns their films; everything else is for those who see all. */
  get allowed() {
    return may("drm:read") || (kind in { film: 1, policies: 1 } && may("drm:read:own"));
  }

  tabs() {
    if (!may("drm:read") || kind === "film") return nothing;
    const tab = (name, label, href) => html`<a class="button small ${kind === name ? "" : "plain"}" href=${href} aria-current=${kind === name ? "page" : nothing}>${label}</a>`;
    return html`<nav class="tabs" aria-label="Rights">${tab("policies", "Policies", paths.policies())}${tab("licences", "Licences", paths.licences())}</nav>`;
  }

  render() {
    if (!hasDrm()) return html`<div class="content">${blank({ level: 1, name: "lock-open", title: "No licences are given here", text: "This platform runs without the drm service. Whoever runs it can start it with `kinolog up`.", actions: html`<a class="button" href="/">Go to the library</a>` })}</div>`;
    if (!this.asked || who() === undefined) return html`<div class="content" role="group" aria-busy="true" aria-label="Loading"><span class="skeleton line"></span></div>`;
    if (!this.allowed) return html`<div class="content"><header class="page-head"><h1>Rights</h1></header>${forbidden("This", () => location.reload())}</div>`;
    return html`<div class="content rights">${this.tabs()}${PAGES[kind]()}</div>`;
  }
}

customElements.define("kl-rights", Rights);
document.getElementById("main").replaceChildren(document.createElement("kl-rights"));
