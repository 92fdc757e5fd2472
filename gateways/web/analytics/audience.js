// How many watched at once.
import { html } from "shared/element.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import "./chart.js";
import { moment } from "./drawing.js";
import { whole } from "./numbers.js";
import { Panel } from "./panel.js";

class Audience extends Panel {
  static properties = { ...Panel.properties, asset: {} };

  heading = "Watching at once";
  fileName = "concurrency";
  charted = true;

  read(signal) {
    return analytics.concurrency(address.question({ asset: this.asset, interval: address.interval, timezone: address.zone }), signal);
  }

  isEmpty(data) {
    return !data.peak?.viewers;
  }

  text = (atMs) => moment(atMs, address.zone, "minute");

  sheet(data) {
    return { columns: this.asTable ? ["Time", "Viewers"] : ["at", "viewers"], rows: data.points.map((point) => [this.asTable ? point.at_ms : new Date(point.at_ms).toISOString(), point.viewers]), show: [this.text, whole] };
  }

  content(data) {
    return html`<div class="pad">
      <p class="beside"><span><strong>${whole(data.peak.viewers)}</strong> <span class="faint">at most, ${this.text(data.peak.at_ms)}</span></span></p>
      <kl-chart time counts label="Viewers at once" .zone=${address.zone} .x=${data.points.map((point) => point.at_ms / 1000)} .series=${[{ label: "Viewers", fill: true, values: data.points.map((point) => point.viewers), width: 1.5 }]}
        .format=${whole} .xText=${(s) => this.text(s * 1000)}></kl-chart></div>`;
  }
}

customElements.define("kl-audience", Audience);
