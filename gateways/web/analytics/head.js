// The top of each page: where one is, the time, the zone, the filters, and how fresh the numbers are.
import { Part, html, nothing } from "shared/element.js";
import { exact, iso } from "shared/format.js";
import { poll } from "shared/live.js";
import { icon, problemNotice } from "shared/parts.js";
import { RANGES, address } from "./address.js";
import { freshness } from "./freshness.js";
import { troubles } from "./troubles.js";
import { ONE, nameOf } from "./names.js";
import { dateOf, zones } from "./zones.js";

const REFRESH_MS = 30_000;
const PAGES = [["/analytics", "Overview"], ["/analytics/views", "Sessions"], ["/analytics/system", "System"]];

class Fresh extends Part {
  connectedCallback() {
    super.connectedCallback();
    this.onChange = () => this.requestUpdate();
    freshness.addEventListener("change", this.onChange);
    this.stop = poll(this.onChange, 1000);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    freshness.removeEventListener("change", this.onChange);
    this.stop();
  }

  render() {
    const { asOfMs } = freshness;
    if (!asOfMs) return html`<span class="fresh faint">${icon("clock")}Reading…</span>`;
    const seconds = Math.max(0, Math.round((Date.now() - asOfMs) / 1000));
    const age = seconds < 5 ? "just now" : seconds < 120 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`;
    return html`<span class="fresh ${seconds > 120 ? "old" : "faint"}">${icon(seconds > 120 ? "clock-alert" : "clock")}As of <time datetime=${iso(asOfMs)} title=${exact(asOfMs)}>${age}</time></span>`;
  }
}

class Head extends Part {
  static properties = { heading: {}, timeless: { type: Boolean }, actions: { attribute: false }, custom: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    this.onChange = () => this.requestUpdate();
    address.addEventListener("change", this.onChange);
    troubles.addEventListener("change", this.onChange);
    this.stop = poll(() => address.refresh(), REFRESH_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    address.removeEventListener("change", this.onChange);
    troubles.removeEventListener("change", this.onChange);
    this.stop();
  }

  firstUpdated() {
    requestIdleCallback(() => (this.zones = zones()) && this.requestUpdate(), { timeout: 2000 });
  }

  choose(range) {
    this.custom = false;
    address.set({ range: range === "30d" ? "" : range, from: "", to: "" });
  }

  dates(event) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const [from, to] = [fields.get("from"), fields.get("to")];
    if (from && to) address.set(from <= to ? { range: "", from, to } : { range: "", from: to, to: from });
  }

  filters() {
    return address.filters.map(([name, value]) => html`
      <button class="chip working filter" type="button" aria-label="Take the filter away: ${ONE[name]} ${nameOf(name, value)}" @click=${() => address.set({ [name]: "" })}>${ONE[name]}: ${nameOf(name, value)}${icon("x")}</button>`);
  }

  render() {
    const { range, zone } = address;
    return html`
      <header class="page-head">
        <h1>${this.heading}</h1>
        <nav class="segmented" aria-label="Analytics">${PAGES.map(([path, label]) => html`
          <a href=${address.link(path)} aria-current=${location.pathname === path ? "page" : nothing}>${label}</a>`)}</nav>
        <span class="grow"></span>${this.actions ?? nothing}${this.timeless ? html`<kl-fresh></kl-fresh>` : nothing}
      </header>
      ${this.timeless ? nothing : html`
        <div class="bar">
          <div class="segmented slim" role="group" aria-label="Time">${Object.entries(RANGES).map(([name, [label]]) => html`
            <button type="button" aria-pressed=${range === name && !this.custom ? "true" : "false"} @click=${() => this.choose(name)}>${label}</button>`)}
            <button type="button" aria-pressed=${range === "custom" || this.custom ? "true" : "false"} aria-expanded=${range === "custom" || this.custom ? "true" : "false"} @click=${() => (this.custom = true)}>Dates</button></div>
          ${range === "custom" || this.custom ? this.calendar() : nothing}
          <label class="zone"><span class="visually-hidden">Time zone</span>${icon("globe")}<select .value=${zone} @change=${(event) => address.set({ tz: event.target.value })}>
            ${[...new Set([zone, ...(this.zones ?? [])])].map((name) => html`<option value=${name} ?selected=${name === zone}>${name.replaceAll("_", " ")}</option>`)}</select></label>
          ${this.filters()}
          <span class="grow"></span><kl-fresh></kl-fresh>
        </div>`}
      ${troubles.shared ? html`<div class="shared">${problemNotice(troubles.shared, { title: "Numbers could not be read", retry: () => address.refresh() })}</div>` : nothing}`;
  }

  calendar() {
    const { fromMs, toMs } = address.span();
    const today = dateOf(Date.now(), address.zone);
    const [from, to] = [dateOf(fromMs, address.zone), toMs ? dateOf(toMs - 1, address.zone) : today];
    return html`<form class="dates" @change=${this.dates} @submit=${this.dates}>
      <label><span class="visually-hidden">From</span><input type="date" name="from" max=${today} .value=${from}></label>
      <span class="faint">to</span>
      <label><span class="visually-hidden">To</span><input type="date" name="to" max=${today} .value=${to}></label></form>`;
  }
}

customElements.define("kl-fresh", Fresh);
customElements.define("kl-head", Head);
