// The analytics pages: which one the address means.
import "shared/frame.js";
import { Part, html } from "shared/element.js";
import { blank } from "shared/parts.js";
import { lacks, may, rights } from "shared/rights.js";
import { forbidden } from "shared/section.js";
import { hasAnalytics } from "./api.js";
import "./head.js";
import { overview } from "./overview.js";
import "./session.js";
import { sessionsPage } from "./sessions.js";
import { systemPage } from "./system.js";
import "./video.js";

const [, , kind = "", id = ""] = location.pathname.split("/").map(decodeURIComponent);

const PAGES = {
  "": overview,
  videos: () => html`<kl-video .assetId=${id}></kl-video>`,
  views: () => (id ? html`<kl-session .viewId=${id}></kl-session>` : sessionsPage()),
  system: systemPage,
};

class Analytics extends Part {
  constructor() {
    super();
    rights.addEventListener("change", () => this.requestUpdate());
  }

  render() {
    if (!hasAnalytics()) {
      return html`<div class="content">${blank({ level: 1, name: "chart-column", title: "Nothing is counted here", text: "This platform runs without the analytics service. Whoever runs it can start it with `kinolog up`.", actions: html`<a class="button" href="/">Go to the library</a>` })}</div>`;
    }
    if (lacks("analytics:read") && !may("analytics:read:own") && may("session")) {
      return html`<div class="content">${forbidden("Analytics", () => location.reload())}</div>`;
    }
    return html`<div class="content analytics">${PAGES[kind]()}</div>`;
  }
}

customElements.define("kl-analytics", Analytics);
document.getElementById("main").replaceChildren(document.createElement("kl-analytics"));
