// The first page in the morning: what is watched now, how the time went, and who, where and how well.
import { html } from "shared/element.js";
import "./audience.js";
import "./delivery.js";
import "./live.js";
import "./quality.js";
import "./ranked.js";
import "./trend.js";

export const overview = () => html`
  <kl-head heading="Analytics"></kl-head>
  <div class="board">
    <kl-trend class="whole"></kl-trend>
    <kl-live class="third"></kl-live>
    <kl-ranked class="twothirds" dimensions="asset"></kl-ranked>
    <kl-ranked class="half" dimensions="country"></kl-ranked>
    <kl-ranked class="half" .caption=${"Devices and more"} dimensions="device,os,browser,player"></kl-ranked>
    <kl-quality class="half"></kl-quality>
    <kl-startup class="half"></kl-startup>
    <kl-audience class="half"></kl-audience>
    <kl-delivery class="half"></kl-delivery>
    <kl-ranked class="half" .caption=${"Where viewers come from"} dimensions="referrer,source"></kl-ranked>
    <kl-ranked class="half" dimensions="rendition"></kl-ranked>
  </div>`;
