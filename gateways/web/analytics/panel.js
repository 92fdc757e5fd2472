// A panel: it reads its own numbers, keeps the old ones until new ones are there, and has them as a table and a file.
import { Part, html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { icon, problemNotice } from "shared/parts.js";
import { ready } from "shared/session.js";
import { address } from "./address.js";
import { csvOf, save } from "./csv.js";
import { freshness } from "./freshness.js";
import { troubles } from "./troubles.js";

/**
 * Subclasses have `heading`, `read(signal)` (resolves to the data) and `content(data)`, a `fileName`; most also `isEmpty(data)`
 * with `emptyText`, and `sheet(data)`: `{columns: [names], rows: [[raw values]], show: [formats]}`. A chart shows
 * its sheet as a table on demand (`charted`). `tools()` stand in the head.
 */
export class Panel extends Part {
  static properties = { data: { state: true }, problem: { state: true }, busy: { state: true }, asTable: { state: true } };

  charted = false;
  emptyText = "Nothing was watched in this time.";

  connectedCallback() {
    super.connectedCallback();
    this.onChange = () => this.reload();
    this.onTroubles = () => this.requestUpdate();
    troubles.addEventListener("change", this.onTroubles);
    address.addEventListener("change", this.onChange);
    address.addEventListener("refresh", this.onChange);
    addEventListener("kinolog-session", this.onChange);
    ready.then(this.onChange);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    address.removeEventListener("change", this.onChange);
    address.removeEventListener("refresh", this.onChange);
    removeEventListener("kinolog-session", this.onChange);
    this.asking?.abort();
    freshness.tell(this, null);
    troubles.removeEventListener("change", this.onTroubles);
    troubles.tell(this, null);
  }

  /** Reads anew; an older question that still waits is given up. */
  async reload() {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.busy = true;
    try {
      const data = await this.read(asking.signal);
      if (asking !== this.asking) return;
      [this.data, this.problem] = [data, null];
      freshness.tell(this, data?.as_of_ms);
    } catch (problem) {
      if (asking !== this.asking || problem.name === "AbortError") return;
      this.problem = problem;
    }
    troubles.tell(this, this.problem);
    this.busy = false;
  }

  isEmpty() {
    return false;
  }

  tools() {
    return nothing;
  }

  async export() {
    const { columns, rows } = await this.everything();
    save(`kinolog-${this.fileName}`, csvOf(columns, rows));
    announce("The file is saved.");
  }

  /** What is exported: more than what is shown, where a list is shortened. */
  async everything() {
    return this.sheet(this.data);
  }

  render() {
    const full = this.data !== undefined && !this.isEmpty(this.data);
    return html`
      <section class="panel numbers" aria-label=${this.heading} aria-busy=${this.data === undefined && !this.problem ? "true" : nothing}>
        <header><h2>${this.heading}</h2><span class="grow"></span>${this.tools()}
          ${full && this.charted ? html`<button class="icon-button" type="button" aria-pressed=${this.asTable ? "true" : "false"} aria-label="${this.heading} as a table" title="As a table" @click=${() => (this.asTable = !this.asTable)}>${icon("table-2")}</button>` : nothing}
          ${full && this.sheet ? html`<button class="icon-button" type="button" aria-label="Export ${this.heading} as CSV" title="Export as CSV" @click=${this.export}>${icon("download")}</button>` : nothing}
        </header>
        ${this.problem ? this.trouble() : nothing}
        ${full ? (this.asTable ? this.table(this.data) : this.content(this.data)) : this.data !== undefined ? this.blank() : this.problem ? nothing : this.skeleton()}
      </section>`;
  }

  trouble() {
    const old = this.data !== undefined;
    if (troubles.isShared(this.problem)) return html`<p class="pad quiet none">${old ? "These numbers are old: newer ones could not be read." : "These numbers could not be read."}</p>`;
    return html`<div class="pad">${problemNotice(this.problem, { title: old ? "These numbers are old: newer ones could not be read" : "These numbers could not be read", retry: () => this.reload() })}</div>`;
  }

  blank() {
    return html`<p class="pad quiet none">${this.emptyText}</p>`;
  }

  skeleton() {
    return html`<div class="pad reading" role="group" aria-label="Loading">${[1, 2, 3].map(() => html`<span class="skeleton line"></span>`)}</div>`;
  }

  table(data) {
    const { columns, rows, show = [] } = this.sheet(data);
    return html`
      <div class="scrolls" tabindex="0" role="region" aria-label="${this.heading}, table"><table class="sheet">
        <thead><tr>${columns.map((name, at) => html`<th scope="col" class=${at ? "number" : ""}>${name}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr>${row.map((value, at) => (at ? html`<td class="number">${(show[at] ?? String)(value)}</td>` : html`<th scope="row">${(show[at] ?? String)(value)}</th>`))}</tr>`)}</tbody>
      </table></div>`;
  }
}
