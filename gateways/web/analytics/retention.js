// How many still watch at each second of a film: the film's scrubber. A click shows what is there.
import { html, nothing } from "shared/element.js";
import { clock } from "shared/format.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import "./chart.js";
import { lasting, share, whole } from "./numbers.js";
import { Panel } from "./panel.js";
import "./screen.js";

export const placeText = (s) => clock(s * 1000) || "0:00";

const greatest = (values) => values.reduce((best, value, at) => (value > values[best] ? at : best), 0);

class Retention extends Panel {
  static properties = { ...Panel.properties, asset: { attribute: false }, place: { type: Number } };

  heading = "Retention";
  fileName = "retention";
  charted = true;
  emptyText = "Nobody has watched this film in this time. Its curve is drawn with the first view.";

  read(signal) {
    return analytics.retention(this.asset.id, address.question(), signal);
  }

  get screen() {
    return this.querySelector("kl-screen");
  }

  seek(seconds) {
    this.place = seconds;
    this.screen?.seek(seconds);
    this.dispatchEvent(new CustomEvent("moved", { detail: seconds }));
  }

  moved(seconds) {
    this.place = seconds;
    this.dispatchEvent(new CustomEvent("moved", { detail: seconds }));
  }

  isEmpty(data) {
    return !data.plays.some(Boolean);
  }

  sheet(data) {
    const at = (index) => (index * data.step_ms) / 1000;
    return {
      columns: this.asTable ? ["Place", "Sessions", "Plays", "Skipped", "Replayed"] : ["second", "unique", "plays", "skipped", "replayed"],
      rows: data.plays.map((plays, index) => [at(index), data.unique[index], plays, data.skipped[index], data.replayed[index]]), show: [placeText],
    };
  }

  render() {
    const playable = ["ready", "playable"].includes(this.asset.state);
    return html`${playable ? html`<kl-screen .asset=${this.asset} @moved=${(event) => this.moved(event.detail)}></kl-screen>` : nothing}${super.render()}`;
  }

  content(data) {
    const { views, step_ms: step } = data;
    const of = (values) => values.map((value) => (views ? value / views : 0));
    const [skip, replay] = [greatest(data.skipped), greatest(data.replayed)];
    const jump = (at, label, count) => (count > 0 ? html`<button class="button small" type="button" @click=${() => this.seek((at * step) / 1000)}>${label} <strong>${placeText((at * step) / 1000)}</strong></button>` : nothing);
    return html`<div class="pad">
      <p class="beside"><span><strong>${whole(views)}</strong> <span class="faint">${views === 1 ? "view" : "views"}</span></span><span><strong>${lasting(data.average_ms)}</strong> <span class="faint">played in a view</span></span>
        ${jump(replay, "Most replayed at", data.replayed[replay])}${jump(skip, "Most skipped at", data.skipped[skip])}</p>
      <kl-chart picks label="Retention along the film; Enter shows the place" .x=${data.plays.map((_, at) => (at * step) / 1000)} .mark=${this.place} .format=${share} .xText=${placeText}
        .series=${[{ label: "Watched by", values: of(data.unique), fill: true }, { label: "Played", values: of(data.plays), tone: "--warn", width: 1.5 }]} @pick=${(event) => this.seek(event.detail)}></kl-chart></div>`;
  }
}

/** How much is said in the film's chat, along the film. */
class Along extends Panel {
  static properties = { ...Panel.properties, asset: { attribute: false }, place: { type: Number } };

  heading = "Chat along the film";
  fileName = "chat";
  charted = true;
  emptyText = "Nothing is said in this film's chat yet.";

  get step() {
    return Math.max(1000, Math.ceil(this.asset.duration_ms / 120_000) * 1000);
  }

  read(signal) {
    return analytics.chat(this.asset.id, new URLSearchParams({ step_ms: this.step }), signal);
  }

  isEmpty(data) {
    return !data.total;
  }

  sheet(data) {
    return { columns: this.asTable ? ["Place", "Messages", "People"] : ["second", "messages", "people"], rows: data.messages.map((count, at) => [(at * data.step_ms) / 1000, count, data.people[at]]), show: [placeText] };
  }

  content(data) {
    const steps = Math.max(data.messages.length, Math.ceil(this.asset.duration_ms / data.step_ms));
    const padded = Array.from({ length: steps }, (_, at) => data.messages[at] ?? 0);
    return html`<div class="pad"><p class="beside"><span><strong>${whole(data.total)}</strong> <span class="faint">${data.total === 1 ? "message" : "messages"}, ever</span></span></p>
      <kl-chart picks counts class="low" .height=${120} label="Messages along the film; Enter shows the place" .x=${padded.map((_, at) => (at * data.step_ms) / 1000)} .mark=${this.place} .format=${whole} .xText=${placeText}
        .series=${[{ label: "Messages", bars: true, values: padded }]} @pick=${(event) => this.dispatchEvent(new CustomEvent("pick", { detail: event.detail }))}></kl-chart></div>`;
  }
}

customElements.define("kl-retention", Retention);
customElements.define("kl-along", Along);
