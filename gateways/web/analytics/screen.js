// The film above its curve. Nothing of it is loaded before somebody wants to see a place.
import { Part, html, nothing } from "shared/element.js";
import { clock } from "shared/format.js";
import { icon } from "shared/parts.js";

/** Fires "moved" with the place in seconds. `seek(s)` shows a place; the film keeps playing, or stays still. */
class Screen extends Part {
  static properties = { asset: { attribute: false }, paused: { state: true }, at: { state: true }, problem: { state: true } };

  constructor() {
    super();
    [this.paused, this.at] = [true, 0];
    this.video = Object.assign(document.createElement("video"), { playsInline: true, preload: "none" });
    this.video.setAttribute("aria-label", "Film");
    for (const name of ["play", "pause", "ended"]) this.video.addEventListener(name, () => (this.paused = this.video.paused));
    for (const name of ["timeupdate", "seeking"]) this.video.addEventListener(name, () => this.told());
    this.video.addEventListener("click", () => this.toggle());
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.engine?.then((engine) => engine?.stop());
  }

  told() {
    this.at = this.video.currentTime;
    this.dispatchEvent(new CustomEvent("moved", { detail: this.at }));
  }

  /** Resolves when the film's first part is known. Playing here is looking things up: it reports no beats. */
  start() {
    this.engine ??= this.load();
    return this.engine;
  }

  async load() {
    const ready = new Promise((resolve) => this.video.addEventListener("loadedmetadata", resolve, { once: true }));
    try {
      const { startHls } = await import("../watch/engine-hls.js");
      const engine = await startHls(this.video, this.asset.links.hls, { onRungs: () => {}, onProblem: (sentence) => (this.problem = sentence) });
      await ready;
      return engine;
    } catch (error) {
      this.problem = error.message;
      return null;
    }
  }

  async seek(seconds) {
    if (await this.start()) this.video.currentTime = seconds;
  }

  async toggle() {
    if (!(await this.start())) return;
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  render() {
    this.video.poster = this.asset.links.poster ?? "";
    const label = this.paused ? "Play" : "Pause";
    return html`
      <div class="screen">${this.video}${this.problem ? html`<p class="over" role="alert">${this.problem}</p>` : nothing}</div>
      <div class="controls">
        <button class="icon-button" type="button" aria-label=${label} title=${label} @click=${this.toggle}>${icon(this.paused ? "play" : "pause")}</button>
        <span class="mono">${clock(this.at * 1000) || "0:00"} / ${clock(this.asset.duration_ms)}</span>
      </div>`;
  }
}

customElements.define("kl-screen", Screen);
