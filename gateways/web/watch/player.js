// The player: media-chrome's controls around a <video>, with one of two engines behind it.
import { Part, html, nothing } from "shared/element.js";
import { icon } from "shared/parts.js";
import { reportBeats } from "./beats.js";
import { denied } from "./denial.js";
import { manifestOf } from "./kinds.js";
import { Licences } from "./licences.js";
import { shortcutsOf } from "./player-keys.js";
import { Renditions } from "./renditions.js";
import { statsPanel } from "./stats.js";

const CONTROLS = [
  "media-controller", "media-control-bar", "media-play-button", "media-seek-backward-button", "media-seek-forward-button",
  "media-mute-button", "media-volume-range", "media-time-range", "media-time-display", "media-pip-button",
  "media-fullscreen-button", "media-loading-indicator", "media-preview-thumbnail", "media-preview-time-display",
  "menu/media-chrome-menu-item", "menu/media-rendition-menu-button", "menu/media-rendition-menu", "menu/media-playback-rate-menu-button", "menu/media-playback-rate-menu",
];
const ENGINES = {
  hls: () => import("./engine-hls.js").then((module) => module.startHls),
  dash: () => import("./engine-dash.js").then((module) => module.startDash),
};
const STATS_MS = 500;

class Player extends Part {
  static properties = {
    asset: { attribute: false },
    kind: {},
    problem: { state: true },
    denial: { state: true },
    showStats: { state: true },
  };

  constructor() {
    super();
    this.video = document.createElement("video");
    Object.assign(this.video, { slot: "media", playsInline: true, preload: "auto", tabIndex: -1 });
    this.video.setAttribute("aria-label", "Film");
    this.video.videoRenditions = new Renditions();
    this.video.videoRenditions.onSelect = (rung) => this.engine?.select(rung);
    this.controls = Promise.all(CONTROLS.map((name) => import(`media-chrome/${name}.js`)));
    this.removeKeys = shortcutsOf(this);
  }

  get controller() {
    return this.renderRoot.querySelector("media-controller");
  }

  firstUpdated() {
    this.controller.append(this.video);
  }

  updated(changed) {
    if (this.asset && changed.has("kind")) this.restart();
    if (changed.has("asset")) this.addStoryboard();
  }

  /** Starts the chosen engine anew, at the place and in the state (playing or not) the old one had. */
  async restart() {
    const turn = (this.turn = Symbol("turn"));
    const { paused, ended } = this.video;
    const currentTime = this.heldAt || this.video.currentTime;
    this.heldAt = 0;
    [this.problem, this.denial] = [null, null];
    await this.controls;
    await Promise.all([this.stopping, this.engine?.stop()]);
    this.engine = null;
    if (turn !== this.turn) return;
    this.video.videoRenditions.fill([]);
    this.startedAt = performance.now();
    this.beats ??= reportBeats(this);
    this.firstFrameMs = null;
    this.video.requestVideoFrameCallback?.(() => {
      this.firstFrameMs = performance.now() - this.startedAt;
    });
    try {
      const start = await ENGINES[this.kind]();
      if (this.asset.protection) this.licences ??= new Licences(this.asset.id, this.video, (problem) => this.deny(problem));
      const engine = await start(this.video, manifestOf(this.asset, this.kind), {
        licences: this.licences,
        onRungs: (rungs) => this.video.videoRenditions.fill(rungs),
        onProblem: (sentence, code) => this.fail(sentence, code),
      });
      if (turn !== this.turn || this.denial) return void engine.stop();
      this.engine = engine;
      if (currentTime > 0 && !ended) this.video.currentTime = currentTime;
      if (!paused || !this.played) this.play();
      this.played = true;
    } catch (error) {
      this.fail(error.message, "engine");
    }
  }

  fail(sentence, code) {
    this.problem = sentence;
    this.beats?.error(code);
  }

  /** The film stops, whatever of it is buffered, and says why. */
  deny(problem) {
    [this.denial, this.licences] = [problem, null];
    this.beats?.error(`licence-${problem.code || problem.status}`);
    [this.heldAt, this.played] = [this.video.currentTime, false]; // where it goes on, once it may
    this.video.pause();
    this.stopping = this.engine?.stop();
    this.engine = null;
  }

  play() {
    // browsers may refuse to start with sound: then the poster and the play button stay, and that is fine
    this.video.play().catch(() => this.beats?.idle());
  }

  addStoryboard() {
    const source = this.asset?.links.storyboard;
    if (!source || this.video.querySelector("track")) return;
    const track = document.createElement("track");
    Object.assign(track, { kind: "metadata", label: "thumbnails", src: source, default: true });
    this.video.append(track);
  }

  toggleStats() {
    this.showStats = !this.showStats;
    clearInterval(this.statsTimer);
    if (this.showStats) this.statsTimer = setInterval(() => this.requestUpdate(), STATS_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.statsTimer);
    this.removeKeys();
    this.engine?.stop();
    this.licences?.stop();
    this.beats?.stop();
    this.beats = null;
  }

  render() {
    this.video.poster = this.asset?.links.poster ?? "";
    return html`
      <div class="stage">
        <media-controller nohotkeys breakpoints="sm:420 md:640">
          <media-loading-indicator slot="centered-chrome" noautohide loadingdelay="300"></media-loading-indicator>
          <media-playback-rate-menu hidden anchor="auto" rates="0.5 0.75 1 1.25 1.5 2"></media-playback-rate-menu>
          <media-rendition-menu hidden anchor="auto"></media-rendition-menu>
          <div class="shade"></div>
          <media-time-range>
            <media-preview-thumbnail slot="preview"></media-preview-thumbnail>
            <media-preview-time-display slot="preview"></media-preview-time-display>
          </media-time-range>
          <media-control-bar>
            <media-play-button></media-play-button>
            <media-seek-backward-button seekoffset="10"></media-seek-backward-button>
            <media-seek-forward-button seekoffset="10"></media-seek-forward-button>
            <media-mute-button></media-mute-button>
            <media-volume-range></media-volume-range>
            <media-time-display showduration></media-time-display>
            <span class="grow"></span>
            <media-playback-rate-menu-button></media-playback-rate-menu-button>
            <media-rendition-menu-button></media-rendition-menu-button>
            <media-pip-button></media-pip-button>
            <media-fullscreen-button></media-fullscreen-button>
          </media-control-bar>
        </media-controller>
        ${this.showStats ? statsPanel(this) : nothing}
        ${this.denial ? denied(this.denial, () => this.restart()) : this.problem ? html`
          <div class="over" role="alert">${icon("circle-alert")}<p>${this.problem}</p>
            <button class="button" type="button" @click=${this.restart}>${icon("rotate-cw")}Try again</button></div>` : nothing}
      </div>`;
  }
}

customElements.define("kl-player", Player);
