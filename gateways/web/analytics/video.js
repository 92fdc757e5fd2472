// One film: where people stay and leave, how it played, who watched.
import { Part, html, nothing } from "shared/element.js";
import { api } from "shared/api.js";
import { paths } from "shared/asset.js";
import { blank, icon, problemNotice } from "shared/parts.js";
import { mayDo } from "shared/rights.js";
import { ready } from "shared/session.js";
import { address } from "./address.js";
import "./audience.js";
import "./delivery.js";
import "./live.js";
import "./quality.js";
import "./ranked.js";
import "./retention.js";
import "./trend.js";

class Video extends Part {
  static properties = { assetId: {}, asset: { state: true }, problem: { state: true }, place: { state: true } };

  connectedCallback() {
    super.connectedCallback();
    ready.then(() => this.load());
  }

  async load() {
    try {
      this.asset = await api.asset(this.assetId);
      this.problem = null;
      document.title = `${this.asset.title} · Analytics · Kinolog`;
    } catch (problem) {
      this.problem = problem;
    }
  }

  actions() {
    const { asset } = this;
    return asset ? html`
      <a class="button" href=${paths.watch(asset.id)}>${icon("play")}Watch</a>
      <a class="button" href="/analytics/views?${new URLSearchParams({ asset: asset.id })}">${icon("list")}Sessions</a>
      ${mayDo("log:read", asset) ? html`<a class="button" href=${paths.log(asset.id)}>${icon("list-tree")}Events</a>` : nothing}` : nothing;
  }

  render() {
    const { asset, assetId } = this;
    return html`
      <nav class="crumbs" aria-label="Where you are"><a href=${address.link("/analytics")}>${icon("arrow-left")}Analytics</a></nav>
      <kl-head heading=${asset?.title ?? (this.problem ? "Film" : "…")} .actions=${this.actions()}></kl-head>
      ${this.problem ? this.trouble() : html`<div class="board">
        ${asset ? html`
          <div class="twothirds stack"><kl-retention .asset=${asset} .place=${this.place} @moved=${(event) => (this.place = event.detail)}></kl-retention>
            <kl-along .asset=${asset} .place=${this.place} @pick=${(event) => this.querySelector("kl-retention").seek(event.detail)}></kl-along></div>
          <div class="third stack"><kl-live asset=${assetId}></kl-live><kl-quality asset=${assetId}></kl-quality><kl-startup asset=${assetId}></kl-startup></div>` : html`<section class="panel whole" aria-busy="true" aria-label="Film"><div class="screen"><span class="skeleton fill"></span></div></section>`}
        <kl-trend class="whole" asset=${assetId}></kl-trend>
        <kl-ranked class="half" dimensions="country" asset=${assetId}></kl-ranked>
        <kl-ranked class="half" .caption=${"Devices and more"} dimensions="device,os,browser,player" asset=${assetId}></kl-ranked>
        <kl-audience class="half" asset=${assetId}></kl-audience>
        <kl-delivery class="half" asset=${assetId}></kl-delivery>
        <kl-ranked class="half" .caption=${"Where viewers come from"} dimensions="referrer,source" asset=${assetId}></kl-ranked>
        <kl-ranked class="half" dimensions="rendition" asset=${assetId}></kl-ranked>
      </div>`}`;
  }

  trouble() {
    if (this.problem.status === 404 || this.problem.status === 410) {
      return blank({ name: "film", title: "No film lives here", text: "It was deleted, or the address has a typing error.", actions: html`<a class="button primary" href="/analytics">Back to the overview</a>` });
    }
    return problemNotice(this.problem, { title: "The film could not be read", retry: () => this.load() });
  }
}

customElements.define("kl-video", Video);
