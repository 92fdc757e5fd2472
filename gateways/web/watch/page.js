// Watching one film, as soon as its first seconds are there.
import "shared/frame.js";
import { Part, html, nothing } from "shared/element.js";
import { announce, copy } from "shared/announce.js";
import { api } from "shared/api.js";
import { hasChat } from "chat/api.js";
import { activity, failureOf, isPlayable, isWorking, paths, stateLabel } from "shared/asset.js";
import { span } from "shared/format.js";
import { live } from "shared/live.js";
import { LogStore } from "shared/log-store.js";
import { blank, cells, icon, idButton, problemNotice } from "shared/parts.js";
import { place } from "shared/places.js";
import { mayDo, rights } from "shared/rights.js";
import { ready } from "shared/session.js";
import { visibilityMenu } from "shared/visibility.js";
import { facts, ladder } from "./details.js";
import { onlyDash, opensHere, playedAs, playsHere, suits } from "./kinds.js";
import { eventsPanel } from "./events-panel.js";

const ID = decodeURIComponent(location.pathname.split("/")[2]);

class Watch extends Part {
  static properties = { asset: { state: true }, problem: { state: true }, progress: { state: true }, kind: { state: true } };

  constructor() {
    super();
    this.kind = new URLSearchParams(location.search).get("player"); // null: what suits the film
    this.log = new LogStore(ID);
    this.log.addEventListener("change", () => this.requestUpdate());
    rights.addEventListener("change", () => this.readLog());
    ready.then(() => this.load());
  }

  async load() {
    this.problem = null;
    try {
      this.take(await api.asset(ID));
    } catch (problem) {
      this.problem = problem;
      return;
    }
    this.readLog();
    if (this.unfinished) this.follow();
  }

  /** The film may be for everybody, its events are not: who may not read them is not asked to sign in for them. */
  readLog() {
    this.requestUpdate();
    if (this.reading || !this.mayReadLog) return;
    this.reading = true;
    this.log.start();
  }

  get mayReadLog() {
    return Boolean(this.asset) && mayDo("log:read", this.asset);
  }

  get talks() {
    return Boolean(this.asset) && hasChat() && isPlayable(this.asset);
  }

  /** Something about the asset may still change; preview pictures may come after it is ready. */
  get unfinished() {
    return isWorking(this.asset) || (this.asset.state === "ready" && !this.asset.links.storyboard);
  }

  follow() {
    this.unfollow?.();
    this.unfollow = live(api.eventsPath(ID), {
      asset: (asset) => this.take(asset),
      progress: (progress) => (this.progress = progress),
    });
  }

  take(asset) {
    const before = this.asset?.state;
    this.asset = asset;
    document.title = `${asset.title} · Kinolog`;
    if (before && before !== asset.state) announce(asset.state === "playable" ? "The film plays now." : stateLabel(asset));
    if (playsHere(asset)) {
      this.kind ??= suits(asset);
      import("./player.js");
    }
    if (this.talks) import("chat/film-chat.js");
    if (!this.unfinished) this.unfollow?.();
  }

  choose(kind) {
    this.kind = kind;
    const query = kind === suits(this.asset) ? "" : `?player=${kind}`;
    history.replaceState(null, "", location.pathname + query);
  }

  render() {
    const { asset } = this;
    if (this.problem) return html`<div class="content">${this.trouble()}</div>`;
    return html`
      <div class="content watch">
        <nav class="crumbs" aria-label="Where you are"><a href="/">${icon("arrow-left")}Library</a></nav>
        <div class="split ${this.mayReadLog || this.talks || !asset ? "" : "alone"}">
          <div class="column">
            ${this.screen()}
            ${asset ? this.heading() : html`<div class="heading"><span class="skeleton line wide"></span></div>`}
            ${asset ? facts(asset) : nothing}
            ${asset ? ladder(asset) : nothing}
          </div>
          ${this.talks ? html`<div class="beside"><kl-film-chat .assetId=${asset.id}></kl-film-chat>${this.mayReadLog ? eventsPanel(asset, this.log) : nothing}</div>`
            : this.mayReadLog ? eventsPanel(asset, this.log) : nothing}
        </div>
      </div>`;
  }

  screen() {
    const { asset } = this;
    if (!asset) return html`<div class="stage"><span class="skeleton fill"></span></div>`;
    if (playsHere(asset)) {
      return html`<kl-player .asset=${asset} .kind=${playedAs(asset, this.kind)}></kl-player>${this.encoding()}`;
    }
    if (asset.state === "failed") {
      return html`<div class="stage failed">${blank({
        name: "circle-alert", title: "This film could not be processed",
        text: failureOf(asset),
        actions: html`<a class="button" href=${paths.log(asset.id)}>${icon("list-tree")}Why?</a><a class="button plain" href="/">Back to the library</a>`,
      })}<p class="trace faint">${asset.failure?.code ? html`<code>${asset.failure.code}</code>` : nothing} ${idButton(asset.failure?.trace_id ?? asset.id, asset.failure?.trace_id ? "Trace id" : "Asset id")}</p></div>`;
    }
    if (asset.state === "deleted") {
      return html`<div class="stage">${blank({ name: "trash-2", title: "This film was deleted", text: "Its events are still on the log.", actions: html`<a class="button" href="/">Back to the library</a>` })}</div>`;
    }
    if (isPlayable(asset) && !opensHere(asset)) {
      return html`<div class="stage">${blank({ name: "lock", title: "This film does not open here", text: `It is protected for ${asset.protection.systems.join(", ")}: watch it in an app that has that.`, actions: html`<a class="button" href="/">Back to the library</a>` })}</div>`;
    }
    const progress = { ...asset.progress, ...this.progress };
    return html`<div class="stage preparing">
      <div><h2>${activity({ ...asset, progress })}…</h2><p class="quiet">It starts here by itself, ${asset.state === "playable" ? "once every chunk is encoded" : "about a second after the file is checked"}.</p>
        <progress max="100" value=${progress.percent || nothing} aria-label="Processing"></progress></div></div>`;
  }

  encoding() {
    const { asset } = this;
    if (asset.state !== "playable") return nothing;
    const progress = { ...asset.progress, ...this.progress };
    return html`<div class="encoding"><span>${activity({ ...asset, progress })}</span>
      ${cells(progress.chunks_done, progress.chunks_total, progress.work?.length ?? 0)}
      <span class="faint">${Math.floor(progress.percent ?? 0)} %${progress.eta_s > 0 ? ` · ${span(progress.eta_s)} left` : ""}</span>
      <progress class="visually-hidden" max="100" .value=${progress.percent ?? 0} aria-label="Processing"></progress></div>`;
  }

  heading() {
    const { asset } = this;
    const engine = (kind, label, obstacle) => html`
      <button type="button" aria-pressed=${playedAs(asset, this.kind) === kind} ?disabled=${Boolean(obstacle)}
        title=${obstacle || `Play as ${label}`} @click=${() => this.choose(kind)}>${label}</button>`;
    return html`
      <header class="heading">
        <h1>${asset.title}</h1>
        ${isWorking(asset) ? html`<span class="chip working"><span class="pulse"></span>${stateLabel(asset)}</span>` : nothing}
        ${asset.state === "failed" ? html`<span class="chip failed">Failed</span>` : nothing}
        <span class="grow"></span>
        ${playsHere(asset) ? html`
          <div class="segmented" role="group" aria-label="Protocol">${engine("hls", "HLS", onlyDash(asset) && "Players in browsers do not open HLS that is encrypted by cbcs")}${engine("dash", "DASH", asset.state !== "ready" && "DASH is there once every chunk is encoded")}</div>
          <button class="button square" type="button" title="Statistics" aria-label="Statistics" @click=${() => this.renderRoot.querySelector("kl-player")?.toggleStats()}>${icon("gauge")}</button>` : nothing}
        ${visibilityMenu(asset, (changed) => this.take(changed))}
        <button class="button square" type="button" title="Copy link" aria-label="Copy link" @click=${() => copy(location.origin + paths.watch(asset.id), "Link")}>${icon("link")}</button>
        ${place("analytics") !== null && isPlayable(asset) && mayDo("analytics:read", asset) ? html`<a class="button square" href=${paths.numbers(asset.id)} title="Analytics" aria-label="Analytics">${icon("chart-column")}</a>` : nothing}
        ${asset.state === "failed" || !this.mayReadLog ? nothing : html`<a class="button" href=${paths.log(asset.id)}>${icon("list-tree")}Why?</a>`}
      </header>`;
  }

  trouble() {
    if (this.problem.status === 404 || this.problem.status === 410) {
      return blank({ name: "film", level: 1, title: "No film lives here", text: "It was deleted, or the address has a typing error.", actions: html`<a class="button primary" href="/">Go to the library</a>` });
    }
    return problemNotice(this.problem, { title: "The film could not be read", retry: () => this.load() });
  }
}

customElements.define("kl-watch", Watch);
document.getElementById("main").replaceChildren(document.createElement("kl-watch"));
