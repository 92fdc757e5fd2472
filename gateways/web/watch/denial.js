// Why a protected film does not play, and what the viewer can do about it.
import { html, nothing } from "lit";
import { announce } from "shared/announce.js";
import { exact, iso } from "shared/format.js";
import { icon, signInButton } from "shared/parts.js";
import { who } from "shared/rights.js";
import { deviceId, endStream, forgetDevice } from "./licences.js";

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const since = (atMs) => (new Date(atMs).toDateString() === new Date().toDateString() ? TIME : DAY).format(atMs);
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

/** One device that is in the way: its name, since when, and how to be rid of it. */
function inTheWay(each, { label, told, rid, again }) {
  const name = each.device_id === deviceId() ? "This browser" : each.device_name || "A device without a name";
  const act = async (event) => {
    event.currentTarget.disabled = true;
    await rid(each).catch(() => {}); // it may have ended by itself
    announce(told);
    again();
  };
  return html`
    <li><span>${name}<span class="dim"> since <time datetime=${iso(each.since_ms)} title=${exact(each.since_ms)}>${since(each.since_ms)}</time></span></span>
      <button class="button small" type="button" aria-label="${label}: ${name}" @click=${act}>${label}</button></li>`;
}

/** What of a denial can be put out of the way from here; of a guest's devices none, for they have no account. */
function obstacles({ code, more = {} }, again) {
  if (code === "too_many_streams") {
    const rid = (stream) => endStream(stream.stream_id, stream.device_id);
    return (more.streams ?? []).map((each) => inTheWay(each, { label: "Stop it, play here", told: "Stopped there.", rid, again }));
  }
  if (code !== "too_many_devices" || !who()) return [];
  const rid = (device) => forgetDevice(device.device_id);
  return (more.devices ?? []).map((each) => inTheWay(each, { label: "Forget it, play here", told: "Forgotten.", rid, again }));
}

/** Over the picture: the server's words, what is in the way, and the way on. `again()` asks once more. */
export function denied(problem, again) {
  const rows = obstacles(problem, again);
  const remedy = REMEDIES[problem.more?.why || problem.code];
  const stranger = !who() && NEEDS_A_RIGHT.includes(problem.code);
  // the rows tell the names and times that follow the colon, in the viewer's own time
  const words = rows.length ? problem.message.replace(/:.*$/s, ":") : problem.message;
  return html`
    <div class="over denied" role="alert">
      ${icon(problem.passing ? "circle-alert" : "lock")}
      <p>${words}</p>
      ${remedy && !stranger ? html`<p class="dim">${remedy}</p>` : nothing}
      ${rows.length ? html`<ul>${rows}</ul>` : nothing}
      <div class="ways">
        ${stranger ? signInButton({ plain: false, then: again }) : nothing}
        <button class="button small" type="button" @click=${again}>${problem.code === "stream_ended" ? html`${icon("play")}Play on` : html`${icon("rotate-cw")}Try again`}</button>
      </div>
    </div>`;
}
