// Why a protected film does not play, and what the viewer can do about it.
import { html, nothing } from "lit";
import { announce } from "shared/announce.js";
import { signInButton, icon } from "shared/parts.js";
import { who } from "shared/rights.js";
import { deviceId, endStream } from "./licences.js";

const AT = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const NEEDS_A_RIGHT = ["no_right", "right_ended"];

/** What a viewer does next, by the code of a denial. Without one, trying again is all there is. */
const REMEDIES = {
  account_stopped: "Whoever runs this platform can switch it on again.",
  device_stopped: "Watch on another device, or ask whoever runs this platform.",
  country_unknown: "Without a VPN or proxy it may be known.",
  anonymiser_denied: "Leave the VPN or proxy, then try again.",
  right_ended: "Rent it once more to go on.",
  device_denied: "Watch on another device.",
  system_denied: "Watch it in an app or browser that it is made for.",
  unenforceable: "Watch it in an app or browser that can keep to it.",
};

const where = (stream, here) => (stream.device_id === here ? "This device" : stream.device_name || "Another device");

/** One film that is in the way: where it plays, since when, and its stop. */
const playing = (stream, again) => html`
  <li><span>${where(stream, deviceId())}<span class="dim"> since <time datetime=${new Date(stream.since_ms).toISOString()}>${AT.format(stream.since_ms)}</time></span></span>
    <button class="button small" type="button" @click=${async (event) => {
      event.currentTarget.disabled = true;
      await endStream(stream.stream_id, stream.device_id).catch(() => {}); // it may have ended by itself
      announce("Stopped there.");
      again();
    }}>Stop it, play here</button></li>`;

/** Over the picture: the server's words, what plays where, and the way on. `again()` asks once more. */
export function denied(problem, again) {
  const { streams = [] } = problem.more ?? {};
  const remedy = REMEDIES[problem.code];
  const stranger = !who() && NEEDS_A_RIGHT.includes(problem.code);
  return html`
    <div class="over denied" role="alert">
      ${icon(problem.passing ? "circle-alert" : "lock")}
      <p>${problem.message}</p>
      ${remedy && !stranger ? html`<p class="dim">${remedy}</p>` : nothing}
      ${streams.length ? html`<ul>${streams.map((stream) => playing(stream, again))}</ul>` : nothing}
      <div class="ways">
        ${stranger ? signInButton({ plain: false, then: again }) : nothing}
        <button class="button" type="button" @click=${again}>${icon("rotate-cw")}Try again</button>
      </div>
    </div>`;
}
