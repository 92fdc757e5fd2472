// What was sent: bytes along the time, and which renditions they were of.
import { html, nothing } from "shared/element.js";
import { bytes } from "shared/format.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import "./chart.js";
import { moment } from "./drawing.js";
import { share, whole } from "./numbers.js";
import { Panel } from "./panel.js";

const KNOWN = ["country", "device"]; // of a request for a segment nothing else is known

class Delivery extends Panel {
  static properties = { ...Panel.properties, asset: {} };

  heading = "Delivered bytes";
  fileName = "delivery";
  charted = true;
  emptyText = "Nothing was sent in this time.";

  ask(group, signal) {
    const { zone, interval } = address;
    return analytics.delivery(address.questionOf(KNOWN, { group_by: group, interval, timezone: zone, asset: this.asset, bots: "" }), signal);
  }

  async read(signal) {
    const { interval } = address;
    const [byTime, byRendition] = await Promise.all([this.ask("time", signal), this.ask("rendition", signal)]);
    return { ...byTime, renditions: byRendition.rows, interval };
  }

  isEmpty(data) {
    return !data.totals.bytes;
  }

  text = (atMs) => moment(atMs, address.zone, this.data.interval);

  sheet(data) {
    return { columns: this.asTable ? ["Time", "Bytes", "Segments"] : ["at", "bytes", "requests"], rows: data.rows.map((row) => [this.asTable ? row.at_ms : new Date(row.at_ms).toISOString(), row.bytes, row.requests]), show: [this.text, bytes, whole] };
  }

  content(data) {
    const unseen = address.filters.filter(([name]) => !KNOWN.includes(name)).length > 0;
    return html`<div class="pad">
      <p class="beside"><span><strong>${bytes(data.totals.bytes)}</strong> <span class="faint">in ${whole(data.totals.requests)} segments, robots included</span></span></p>
      ${unseen ? html`<p class="faint">Only filters by country and device apply here.</p>` : nothing}
      <kl-chart time class="low" .height=${160} label="Delivered bytes by ${data.interval}" .zone=${address.zone} .x=${data.rows.map((row) => row.at_ms / 1000)} .series=${[{ label: "Delivered", fill: true, values: data.rows.map((row) => row.bytes) }]}
        .format=${(value) => bytes(value) || "0"} .xText=${(s) => this.text(s * 1000)}></kl-chart>
      <ul class="parts" aria-label="By rendition">${data.renditions.map((row) => html`<li><span>${row.key || "Other"}</span><progress max=${data.totals.bytes} .value=${row.bytes} aria-hidden="true"></progress><span class="number">${bytes(row.bytes)} <span class="faint">${share(row.bytes / data.totals.bytes)}</span></span></li>`)}</ul></div>`;
  }
}

customElements.define("kl-delivery", Delivery);
