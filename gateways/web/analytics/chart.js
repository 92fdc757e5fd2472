// A chart that mouse, finger, keys and screen readers can use: a slider over its points, with what they are in words.
import { Part, html, nothing } from "shared/element.js";
import { library, options } from "./drawing.js";

library(); // it is needed as soon as numbers are there

/**
 * `x`: numbers (seconds since 1970 where `time`); `series`: `[{label, values, told, tone, dash, fill, bars}]`, where
 * `told` is read in place of `values`, and what has no label is drawn only;
 * `format(value, series)` for what is read, `xText(x)` for where; `counts`: values are whole. `mark`: a place on x. Fires "pick" with the x of
 * a click or of Enter, where `picks`.
 */
class Chart extends Part {
  static properties = {
    x: { attribute: false }, series: { attribute: false }, mark: { attribute: false }, zone: {}, label: {},
    time: { type: Boolean }, counts: { type: Boolean }, picks: { type: Boolean }, at: { state: true },
  };

  height = 220;
  format = String;
  xText = String;
  most = undefined;

  connectedCallback() {
    super.connectedCallback();
    this.onTheme = () => requestAnimationFrame(() => this.plot?.redraw(false, true));
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.onTheme);
    addEventListener("kinolog-theme", this.onTheme);
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.scheme.removeEventListener("change", this.onTheme);
    removeEventListener("kinolog-theme", this.onTheme);
    this.sized.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  get room() {
    return Math.max(160, this.clientWidth);
  }

  resize() {
    if (this.plot && this.plot.width !== this.room) this.plot.setSize({ width: this.room, height: this.height });
  }

  updated(changed) {
    if (changed.has("x") || changed.has("series") || changed.has("zone")) this.draw();
    if (changed.has("mark")) this.placeMark();
  }

  /** New numbers move the lines; another shape of chart is made anew. */
  async draw() {
    const uPlot = await library();
    if (!this.isConnected || !this.x?.length) return;
    const data = [this.x, ...this.series.map((one) => one.values)];
    const shape = JSON.stringify([this.zone, this.time, this.counts, this.height, this.most, this.series.map(({ values, told, ...rest }) => rest)]);
    if (this.plot && shape === this.shape) {
      this.plot.setData(data);
    } else {
      this.plot?.destroy();
      this.shape = shape;
      this.plot = new uPlot(options(uPlot, {
        width: this.room, height: this.height, series: this.series, zone: this.zone || "UTC", time: this.time, counts: this.counts, most: this.most,
        format: (value) => this.format(value), xFormat: (value) => this.xText(value),
        onMove: (index) => (this.at = index), onDraw: () => this.placeMark(),
      }), data, this.querySelector(".plot"));
      this.marker = Object.assign(document.createElement("i"), { className: "mark", hidden: true });
      this.plot.over.append(this.marker);
      if (this.picks) this.plot.over.addEventListener("click", () => this.pick());
    }
    this.placeMark();
  }

  placeMark() {
    if (!this.marker) return;
    this.marker.hidden = !Number.isFinite(this.mark);
    if (!this.marker.hidden) this.marker.style.transform = `translateX(${this.plot.valToPos(this.mark, "x")}px)`;
  }

  /** Moves to a point as the mouse would. */
  move(index) {
    if (!this.plot) return;
    const at = Math.max(0, Math.min(this.x.length - 1, index));
    this.plot.setCursor({ left: this.plot.valToPos(this.x[at], "x"), top: 0 });
    this.at = at;
  }

  pick() {
    if (this.at === null || this.at === undefined) return;
    this.dispatchEvent(new CustomEvent("pick", { detail: this.x[this.at] }));
  }

  onKey(event) {
    const { at = null } = this;
    const last = this.x.length - 1;
    const moves = { ArrowRight: at === null ? 0 : at + 1, ArrowLeft: at === null ? last : at - 1, Home: 0, End: last, PageUp: (at ?? 0) + 10, PageDown: (at ?? last) - 10 };
    if (event.key in moves) this.move(moves[event.key]);
    else if (event.key === "Enter" && this.picks) this.pick();
    else return;
    event.preventDefault();
  }

  get read() {
    return this.series.filter((one) => one.label);
  }

  told(one, at) {
    return this.format((one.told ?? one.values)[at], one);
  }

  /** "Tue, 12 Aug: Views 1,203, before 1,100" */
  words(at) {
    const values = this.read.map((one) => `${one.label} ${this.told(one, at)}`);
    return `${this.xText(this.x[at])}: ${values.join(", ")}`;
  }

  render() {
    const last = (this.x?.length ?? 1) - 1;
    const at = this.at !== null && this.at <= last ? this.at ?? null : null;
    return html`
      <div class="readout" aria-hidden="true">${at === null ? nothing : html`<span class="where">${this.xText(this.x[at])}</span>`}
        ${this.read.map((one) => html`<span class="of"><i class="swatch ${one.dash ? "dashed" : ""}" data-tone=${one.tone ?? "--accent"}></i>${one.label}${at === null ? nothing : html` <strong>${this.told(one, at)}</strong>`}</span>`)}</div>
      <div class="plot ${this.picks ? "picks" : ""}" role="slider" tabindex="0" aria-label=${this.label} aria-valuemin="0" aria-valuemax=${last}
        aria-valuenow=${at ?? 0} aria-valuetext=${at === null ? "Arrow keys read the points" : this.words(at)} @keydown=${this.onKey}></div>`;
  }
}

customElements.define("kl-chart", Chart);
