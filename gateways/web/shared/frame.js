// The frame of every page: the bar with its entries, the theme, the list of keys.
import { Part, html, nothing } from "shared/element.js";
import { toast } from "shared/announce.js";
import { openKeys } from "shared/keys-dialog.js";
import { shortcut } from "shared/keys.js";
import { hasDrm } from "shared/drm-api.js";
import { paths } from "shared/licence-words.js";
import { icon } from "shared/parts.js";
import { library, place } from "shared/places.js";
import { may, rights } from "shared/rights.js";
import { accountEntry } from "shared/account-menu.js";

const THEMES = { system: ["sun-moon", "Theme: system"], light: ["sun", "Theme: light"], dark: ["moon", "Theme: dark"] };

const ROOMS = { rooms: "page", room: "true", moderate: "true" };

class Frame extends Part {
  static properties = { theme: { state: true } };

  constructor() {
    super();
    this.theme = localStorage.getItem("kinolog.theme") ?? "system";
    rights.addEventListener("change", () => this.requestUpdate());
    shortcut({ keys: "?", label: "Show this list", run: openKeys });
    shortcut({ keys: "g", label: "Go to the library", run: () => location.assign(library()) });
    shortcut({ keys: "t", label: "Change the theme", run: () => this.nextTheme() });
  }

  createRenderRoot() {
    this.replaceChildren();
    return this;
  }

  nextTheme() {
    const names = Object.keys(THEMES);
    this.theme = names[(names.indexOf(this.theme) + 1) % names.length];
    localStorage.setItem("kinolog.theme", this.theme);
    dispatchEvent(new Event("kinolog-theme"));
    toast(THEMES[this.theme][1]);
  }

  render() {
    const { page } = document.body.dataset;
    const current = page === "library" ? "page" : ["watch", "log"].includes(page) ? "true" : nothing;
    const [themeIcon, themeLabel] = THEMES[this.theme] ?? THEMES.system;
    return html`
      <nav class="side" aria-label="Main">
        <a class="brand" href=${library()} aria-label="Kinolog, library"><img src="/web/shared/mark.svg" alt=""></a>
        <a class="entry" href=${library()} aria-current=${current}>${icon("clapperboard")}Library</a>
        ${place("chat") === null ? nothing : html`<a class="entry" href=${place("streaming", "/rooms") ?? "/rooms"} aria-current=${ROOMS[page] ?? nothing}>${icon("messages-square")}Live chat</a>`}
        ${place("analytics") !== null && (may("analytics:read") || may("analytics:read:own")) ? html`<a class="entry" href=${place("streaming", "/analytics") ?? "/analytics"} aria-current=${page === "analytics" ? "page" : nothing}>${icon("chart-column")}Analytics</a>` : nothing}
        ${hasDrm() && may("drm:read") ? html`<a class="entry" href=${paths.policies()} aria-current=${page === "rights" ? "page" : nothing}>${icon("lock-keyhole")}Rights</a>` : nothing}
        <a class="entry" href="/docs">${icon("braces")}API</a>
        <span class="spacer"></span>
        <button class="entry wide-only" type="button" @click=${openKeys}>${icon("keyboard")}Keys</button>
        <button class="entry" type="button" aria-label=${themeLabel} title=${themeLabel} @click=${this.nextTheme}>${icon(themeIcon)}Theme</button>
        ${accountEntry()}
      </nav>`;
  }
}

customElements.define("kl-frame", Frame);
