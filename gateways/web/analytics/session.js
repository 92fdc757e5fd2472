// One playback session: whether it counts and why, what its player said, and what was decided on each word.
import { Part, html, nothing } from "shared/element.js";
import { svg } from "lit";
import { bitrate, clock, count, elapsed, timeOfDay } from "shared/format.js";
import { paths } from "shared/asset.js";
import { blank, icon, idButton, problemNotice, when } from "shared/parts.js";
import { poll } from "shared/live.js";
import { ready } from "shared/session.js";
import { address } from "./address.js";
import { analytics } from "./api.js";
import { csvOf, save } from "./csv.js";
import { STATES, decided, doneOf, kindOf } from "./decisions.js";
import { freshness } from "./freshness.js";
import { nameOf, titleOf } from "./names.js";
import { lasting, whole } from "./numbers.js";
import { isKnown, verdict } from "./sessions.js";

const REFRESH_MS = 5000;
const FIELDS = ["sn", "at_ms", "ts_ms", "received_at_ms", "kind", "state", "playhead_ms", "rate", "rendition", "bitrate_kbps", "error", "decided"];

const fact = (name, value) => (value ? html`<div><dt>${name}</dt><dd>${value}</dd></div>` : nothing);

/** The session's time in colours: what it did between one beat and the next. */
function strip(beats) {
  const [first, last] = [beats[0]?.at_ms, beats.at(-1)?.at_ms];
  if (!(last > first)) return nothing;
  const x = (at) => ((at - first) / (last - first)) * 1000;
  const parts = beats.slice(0, -1).map((beat, at) => ({ state: beat.state, from: x(beat.at_ms), to: x(beats[at + 1].at_ms) })).filter(({ from, to }) => to > from);
  const seen = [...new Set(parts.map(({ state }) => state))];
  return html`<div class="pad"><svg class="strip" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label="States from the first beat to the last, ${elapsed(last - first)}">
      ${parts.map(({ state, from, to }) => svg`<rect data-state=${state} x=${from} y="0" width=${to - from} height="24"><title>${STATES[state] ?? state}</title></rect>`)}</svg>
    <p class="readout">${seen.map((state) => html`<span class="of"><i class="swatch" data-state=${state}></i>${STATES[state] ?? state}</span>`)}<span class="grow"></span><span class="faint">${elapsed(last - first)}</span></p></div>`;
}

class Session extends Part {
  static properties = { viewId: {}, data: { state: true }, problem: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    ready.then(() => this.load());
    this.stop = poll(() => Date.now() - (this.data?.view.last_at_ms ?? 0) < 120_000 && this.load(), REFRESH_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
  }

  async load() {
    try {
      this.data = await analytics.view(this.viewId);
      this.problem = null;
      freshness.tell(this, Date.now());
      this.film = isKnown(this.data.view) ? await titleOf(this.data.view.asset_id) : undefined;
      this.requestUpdate();
    } catch (problem) {
      this.problem = problem;
    }
  }

  export() {
    save(`kinolog-session-${this.viewId}`, csvOf(FIELDS, this.data.beats.map((beat) => FIELDS.map((name) => (Array.isArray(beat[name]) ? beat[name].join(" ") : beat[name])))));
  }

  render() {
    const { data, problem } = this;
    return html`
      <nav class="crumbs" aria-label="Where you are"><a href=${address.link("/analytics/views")}>${icon("arrow-left")}Sessions</a></nav>
      <kl-head timeless heading="Playback session"></kl-head>
      ${problem ? (problem.status === 404 ? blank({ name: "search-x", title: "No such session", text: problem.message, actions: html`<a class="button primary" href="/analytics/views">To the sessions</a>` }) : problemNotice(problem, { title: "The session could not be read", retry: () => this.load() })) : nothing}
      ${data ? html`<div class="board">${this.why(data)}${this.facts(data.view)}${this.beats(data)}</div>` : problem ? nothing : html`<section class="panel" aria-busy="true" aria-label="Session"><div class="pad"><span class="skeleton line"></span></div></section>`}`;
  }

  why({ view, counted, reasons }) {
    const ask = counted ? (!view.engaged ? "Counted as a view, but not as an engaged one" : "Counted as a view, and as an engaged one") : "Why was this view not counted?";
    const sure = counted ? "A first frame was shown." : "";
    return html`<section class="panel whole why ${counted ? "" : "not"}" aria-label="Decision">
      <div class="pad"><h2>${icon(counted ? "circle-check" : "circle-help")}${ask}</h2>
        ${reasons.length ? html`<ul>${reasons.map(({ sentence }) => html`<li>${sentence}</li>`)}</ul>` : html`<p>${sure || "The service gives no reason."}</p>`}
        ${view.failed ? html`<p>It failed${view.error ? html`: <code>${view.error}</code>` : nothing}.</p>` : nothing}
        ${view.exited_before_start ? html`<p>The viewer left before the first frame.</p>` : nothing}</div></section>`;
  }

  facts(view) {
    return html`<section class="panel whole" aria-label="Facts"><dl class="facts pad">
      ${fact("Film", isKnown(view) ? html`<a class="text" href=${address.link(paths.numbers(view.asset_id))}>${this.film ?? view.asset_id}</a>` : view.asset_id)}
      ${fact("Decision", verdict(view))}
      ${fact("Began", when(view.started_at_ms))}
      ${fact("State", STATES[view.state] ?? view.state)}
      ${fact("Startup", lasting(view.startup_ms))}
      ${fact("Watched", lasting(view.watched_ms))}
      ${fact("Playing", lasting(view.playing_ms))}
      ${fact("Of the film", doneOf(view))}
      ${fact("Stalled", view.stalls ? `${lasting(view.stalled_ms)}, ${count(view.stalls, "time")}` : "never")}
      ${fact("Seeks", whole(view.seeks))}
      ${fact("Changes of rendition", whole(view.switches))}
      ${fact("Frames dropped", whole(view.dropped_frames))}
      ${fact("Country", nameOf("country", view.country))}
      ${fact("Device", [nameOf("device", view.device), view.os, view.browser].filter(Boolean).join(", "))}
      ${fact("Player", [view.player, nameOf("source", view.source)].filter(Boolean).join(", "))}
      ${fact("Came from", nameOf("referrer", view.referrer))}
      ${fact("Gaps", view.gaps ? whole(view.gaps) : "")}
      ${fact("Id", idButton(view.view_id, "Session id"))}</dl></section>`;
  }

  beats({ beats, repeated, more, view }) {
    if (!beats.length) return html`<section class="panel whole" aria-label="Beats"><header><h2>Beats</h2></header><p class="pad quiet none">${view.source === "cmcd1" ? "This player spoke with its requests for segments only (CMCD 1): there are no beats of it." : "Its beats are not kept any more."}</p></section>`;
    return html`<section class="panel whole numbers" aria-label="Beats">
      <header><h2>Beats</h2><span class="faint">${whole(beats.length)}${more ? " and more" : ""}${repeated ? `, ${whole(repeated)} came again and changed nothing` : ""}</span><span class="grow"></span>
        <button class="icon-button" type="button" aria-label="Export Beats as CSV" title="Export as CSV" @click=${this.export}>${icon("download")}</button></header>
      ${strip(beats)}
      <div class="scrolls" tabindex="0" role="region" aria-label="Beats, table"><table class="sheet beats">
        <thead><tr>${["No.", "At", "What", "State", "Place", "Rendition", "Decided"].map((name, at) => html`<th scope="col" class=${at ? "" : "number"}>${name}</th>`)}</tr></thead>
        <tbody>${beats.map((beat) => this.beat(beat))}</tbody></table></div></section>`;
  }

  beat(beat) {
    const late = beat.received_at_ms - beat.at_ms;
    return html`<tr>
      <td class="number">${beat.sn}</td><td class="mono" title="Received ${elapsed(Math.max(0, late))} later; by the player's clock ${timeOfDay(beat.ts_ms)}">${timeOfDay(beat.at_ms)}</td>
      <td>${kindOf(beat)}${beat.error ? html` <code>${beat.error}</code>` : nothing}</td>
      <td><span class="of"><i class="swatch" data-state=${beat.state}></i>${STATES[beat.state] ?? beat.state}${beat.rate === 1 ? nothing : html` <span class="faint">${beat.rate}×</span>`}</span></td>
      <td class="mono">${beat.playhead_ms === null ? "" : clock(beat.playhead_ms) || "0:00"}</td>
      <td>${[beat.rendition, beat.bitrate_kbps ? bitrate(beat.bitrate_kbps * 1000) : ""].filter(Boolean).join(" · ")}</td>
      <td>${beat.decided.length ? beat.decided.map((code) => html`<span class="chip warn" title=${decided(code)[1]}>${decided(code)[0]}</span> `) : html`<span class="faint">taken</span>`}</td></tr>`;
  }
}

customElements.define("kl-session", Session);
