// Whether what is counted is up to date, and how uploads and encodes go.
import { html, nothing } from "shared/element.js";
import { bytes } from "shared/format.js";
import { icon, when } from "shared/parts.js";
import { may } from "shared/rights.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import { lasting, share, whole } from "./numbers.js";
import { Panel } from "./panel.js";

const TABLES = {
  analytics_views: "Playback sessions", analytics_beats: "What players said", analytics_delivery: "What was sent",
  analytics_steps: "Uploads and encodes", chat_messages: "Chat messages",
};
const DEPENDENCIES = { kafka: "Event log (Kafka)", redis: "Projections (Redis)", clickhouse: "Numbers (ClickHouse)" };
const STEPS = {
  created: "Upload began", uploaded: "Whole file arrived", planned: "Encode planned", playable: "Plays already", ready: "Everything encoded",
  failed: "Failed", deleted: "Deleted", asked: "Asked for one", granted: "Granted", denied: "Denied", sessions: "Pressed play", views: "Saw a first frame", engaged_views: "Played 10 s",
  reached_25: "Played 25 %", reached_50: "Played 50 %", reached_75: "Played 75 %", reached_95: "Played 95 %", finished_views: "Reached the end",
};

const CONSUMERS = {
  analytics: "Measuring sessions, who watches now", history: "Writing into ClickHouse", chat: "Chat", media: "Films", "media-work": "Encoding", engine: "Timers", identity: "Accounts", drm: "Licences",
};

/** One row a consumer, the one that is farthest behind first: `{ consumer, events, oldestMs, topics }`. */
export function consumersOf(backlog) {
  const found = new Map();
  for (const { consumer, topic, events, oldest_ms } of backlog) {
    const one = found.get(consumer) ?? { consumer, events: 0, oldestMs: 0, topics: [] };
    found.set(consumer, one);
    one.events += events;
    if (events) one.topics.push(`${topic}: ${whole(events)}`);
    one.oldestMs = oldest_ms === null || one.oldestMs === null ? null : Math.max(one.oldestMs, oldest_ms);
  }
  return [...found.values()].sort((a, b) => b.events - a.events || a.consumer.localeCompare(b.consumer));
}

class Health extends Panel {
  heading = "Services";
  fileName = "system";
  emptyText = "";

  read(signal) {
    return analytics.system(signal);
  }

  sheet(data) {
    const names = ["name", "rows", "bytes", "newest_at_ms", "appended_at_ms"];
    return { columns: names, rows: data.tables.map((table) => names.map((name) => table[name])) };
  }

  content({ dependencies, clickhouse, tables, encoding, backlog }) {
    const states = { ...dependencies, clickhouse: { ok: clickhouse, error: clickhouse ? "" : "Players still report; numbers come back with it and catch up." } };
    return html`
      <ul class="states">${Object.entries(states).map(([name, state]) => html`
        <li data-ok=${state.ok ? "yes" : "no"}>${icon(state.ok ? "circle-check" : "circle-alert")}<div><strong>${DEPENDENCIES[name] ?? name}</strong><span class="faint">${state.ok ? "answers" : state.error || "does not answer"}</span></div></li>`)}</ul>
      ${encoding ? html`<dl class="quality row">
        ${[["Uploads in 24 hours", whole(encoding.created)], ["Ready in 24 hours", whole(encoding.ready)], ["Failed in 24 hours", whole(encoding.failed)], ["Being encoded now", whole(encoding.working)], ["From file to ready, median", lasting(encoding.encode_median_ms)]].map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>` : nothing}
      ${tables.length ? html`<table class="ranked">
        <thead><tr><th scope="col">Stored</th><th scope="col" class="number">Rows</th><th scope="col" class="number wide">Size</th><th scope="col" class="number">Newest</th><th scope="col" class="number wide">Last written</th></tr></thead>
        <tbody>${tables.map((table) => html`<tr><th scope="row">${TABLES[table.name] ?? table.name}</th><td class="number">${whole(table.rows)}</td><td class="number wide">${bytes(table.bytes ?? NaN) || "–"}</td>
          <td class="number">${table.rows ? when(table.newest_at_ms) : "–"}</td><td class="number wide">${table.rows ? when(table.appended_at_ms) : "–"}</td></tr>`)}</tbody></table>` : nothing}
      ${backlog ? html`<table class="ranked" aria-label="Behind the log">
        <thead><tr><th scope="col">Behind the log</th><th scope="col" class="number">Events</th><th scope="col" class="number">Oldest waits for</th></tr></thead>
        <tbody>${consumersOf(backlog).map((one) => html`<tr title=${one.topics.join("\n") || "Everything is done."}><th scope="row">${CONSUMERS[one.consumer] ?? one.consumer}</th>
          <td class="number">${whole(one.events)}</td><td class="number">${one.events ? lasting(one.oldestMs) || "–" : "–"}</td></tr>`)}</tbody></table>` : nothing}`;
  }
}

class Funnel extends Panel {
  static properties = { ...Panel.properties, name: {}, heading: {} };

  emptyText = "Nothing began in this time.";

  get fileName() {
    return `funnel-${this.name}`;
  }

  read(signal) {
    return analytics.funnel(this.name, this.name === "playback" ? address.question() : address.questionOf([], { bots: "" }), signal);
  }

  isEmpty(data) {
    return !data.steps.some((step) => step.count);
  }

  sheet(data) {
    return { columns: ["step", "count", "median_ms"], rows: [...data.steps, ...data.aside].map((step) => [step.step, step.count, step.median_ms]) };
  }

  content({ steps, aside }) {
    const most = Math.max(1, steps[0].count);
    return html`<ol class="funnel">${steps.map((step) => html`
      <li><span>${STEPS[step.step] ?? step.step}</span><progress max=${most} .value=${step.count} aria-hidden="true"></progress>
        <span class="number"><strong>${whole(step.count)}</strong> <span class="faint">${share(step.count / most)}</span></span>
        <span class="faint took">${step.median_ms === null ? "" : `after ${lasting(step.median_ms)}`}</span></li>`)}</ol>
      ${aside.some((step) => step.count) ? html`<p class="pad faint">${aside.filter((step) => step.count).map((step) => `${STEPS[step.step] ?? step.step}: ${whole(step.count)}`).join(" · ")}</p>` : nothing}`;
  }
}

customElements.define("kl-health", Health);
customElements.define("kl-funnel", Funnel);

export const systemPage = () => html`
  <kl-head heading="System"></kl-head>
  <div class="board">
    ${may("analytics:read") ? html`<kl-health class="whole"></kl-health>` : nothing}
    <kl-funnel class="half" name="upload" heading="Uploads"></kl-funnel>
    <kl-funnel class="half" name="encode" heading="Encodes"></kl-funnel>
    <kl-funnel class="half" name="licence" heading="Licences"></kl-funnel>
    <kl-funnel class="half" name="playback" heading="From play to the end"></kl-funnel>
  </div>`;
