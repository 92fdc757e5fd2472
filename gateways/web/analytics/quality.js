// Quality of experience: how playback felt, beside the time before, and how startup times are spread.
import { html } from "shared/element.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import "./chart.js";
import { MEASURES, change, lasting, share, whole } from "./numbers.js";
import { Panel } from "./panel.js";

const FACTS = ["startup_median_ms", "startup_p95_ms", "stalled_share", "stalled_views_rate", "stalls_per_hour", "bitrate_kbps", "failure_rate", "exit_rate"];

class Quality extends Panel {
  static properties = { ...Panel.properties, asset: {} };

  heading = "Quality of experience";
  fileName = "quality";

  read(signal) {
    return analytics.metrics(address.question({ metrics: ["sessions", ...FACTS].join(","), compare: "previous", timezone: address.zone, asset: this.asset }), signal);
  }

  isEmpty(data) {
    return !data.totals.sessions;
  }

  sheet(data) {
    return { columns: ["measure", "value", "previous"], rows: FACTS.map((name) => [name, data.totals[name], data.previous?.totals[name]]) };
  }

  content(data) {
    return html`<dl class="quality">${FACTS.map((name) => {
      const { label, format, good, about } = MEASURES[name];
      const moved = change(data.totals[name], data.previous?.totals[name], good);
      return html`<div title=${about}><dt>${label}</dt><dd>${format(data.totals[name])} <span class="moved ${moved?.tone ?? ""}">${moved?.text ?? ""}</span></dd></div>`;
    })}</dl>`;
  }
}

class Startup extends Panel {
  static properties = { ...Panel.properties, asset: {} };

  heading = "Startup time";
  fileName = "startup";
  charted = true;
  emptyText = "No session showed a first frame in this time.";

  read(signal) {
    return analytics.startup(address.question({ asset: this.asset }), signal);
  }

  isEmpty(data) {
    return data.buckets.every(({ count }) => !count);
  }

  sheet(data) {
    return { columns: this.asTable ? ["Up to", "Sessions"] : ["upto_ms", "sessions"], rows: data.buckets.map(({ upto_ms: upto, count }) => [upto, count]), show: [this.upto, whole] };
  }

  upto = (ms) => (ms === null ? "longer" : lasting(ms));

  content(data) {
    const { buckets } = data;
    const all = buckets.reduce((sum, { count }) => sum + count, 0);
    return html`<div class="pad">
      <p class="beside"><span><strong>${lasting(data.median_ms)}</strong> <span class="faint">median</span></span><span><strong>${lasting(data.p95_ms)}</strong> <span class="faint">95 % start within</span></span></p>
      <kl-chart counts class="low" .height=${160} label="Sessions by startup time" .x=${buckets.map((_, at) => at)} .series=${[{ label: "Sessions", bars: true, values: buckets.map(({ count }) => count) }]}
        .format=${(value, one) => (one ? `${whole(value)} (${share(value / all)})` : whole(value))} .xText=${(at) => (Number.isInteger(at) && buckets[at] ? this.upto(buckets[at].upto_ms) : "")}></kl-chart></div>`;
  }
}

customElements.define("kl-quality", Quality);
customElements.define("kl-startup", Startup);
