// What plays on an account now, and the devices it was watched on: one's own, or somebody's.
import { html, nothing } from "shared/element.js";
import { announce } from "shared/announce.js";
import { dialogActions, dialogForm, openDialog, reasonField, reasonOf } from "shared/dialog.js";
import { drm } from "shared/drm-api.js";
import { shortId } from "shared/format.js";
import { icon, when } from "shared/parts.js";
import { may } from "shared/rights.js";

const nameOf = (device) => device.name || `Device ${shortId(device.device_id)}`;
const filmOf = ({ title, asset_id }) => title || `Film ${shortId(asset_id)}`;

/** Asks before licences are switched off or on; `run(reason)` does it. Resolves to whether it was done. */
export const askSwitch = (label, says, off, run) => openDialog(label, (ask) => dialogForm(
  (fields) => ask.run(() => run(reasonOf(fields))),
  html`<p class="quiet">${says}</p>${reasonField}
    ${dialogActions(ask, { label: off ? "Switch off" : "Switch on", busy: "Switching…", danger: off })}`));

const askForget = (device, own, run) => openDialog(`Remove ${nameOf(device)}?`, (ask) => dialogForm(
  () => ask.run(run),
  html`<p class="quiet">What plays on it ends, and it no longer counts among ${own ? "your" : "the account’s"} devices. It is there again as soon as somebody watches on it.</p>
    ${dialogActions(ask, { label: "Remove", busy: "Removing…", danger: true })}`));

/**
 * The two lists. `section` is the Section that shows them: its `act(work)` does something and reads anew.
 * Without `accountId` they are one's own.
 */
export function watching(section, { streams, devices }, accountId = null) {
  const own = accountId === null;
  const end = async (stream) => {
    await section.act(() => (own ? drm.endOwnStream(stream.stream_id) : drm.endStream(accountId, stream.stream_id)));
    if (!section.problem) announce(`${filmOf(stream)} is stopped.`);
  };
  const forget = async (device) => {
    if (!(await askForget(device, own, () => (own ? drm.forgetOwnDevice(device.device_id) : drm.forgetDevice(accountId, device.device_id))))) return;
    announce(`${nameOf(device)} is removed.`);
    section.reload();
  };
  const turn = async (device) => {
    const off = !device.stopped;
    const says = off ? "What plays on it ends, and it gets no licence until somebody switches it on." : "It gets licences again.";
    if (await askSwitch(`Switch ${nameOf(device)} ${off ? "off" : "on"}?`, says, off, (reason) => drm.stopDevice(accountId, device.device_id, off, reason))) section.reload();
  };
  const acts = own || may("drm:stop");
  return html`
    <h3>Playing now</h3>
    ${streams.length ? html`<ul class="lines playing" aria-label="Playing now">${streams.map((stream) => html`
      <li class="line">${icon("circle-play")}
        <div class="what"><strong>${filmOf(stream)}</strong><span class="faint">on ${stream.device_name || `device ${shortId(stream.device_id)}`} · since ${when(stream.since_ms)}</span></div>
        ${acts ? html`<button class="button small" type="button" ?disabled=${section.busy} aria-label="Stop ${filmOf(stream)}" @click=${() => end(stream)}>Stop</button>` : nothing}
      </li>`)}</ul>` : html`<p class="quiet">No protected film plays.</p>`}
    <h3>Devices</h3>
    ${devices.length ? html`<ul class="lines devices" aria-label="Devices">${devices.map((device) => html`
      <li class="line">${icon("monitor-smartphone")}
        <div class="what"><strong>${nameOf(device)}</strong><span class="faint">since ${when(device.since_ms)}</span></div>
        ${device.stopped ? html`<span class="chip failed">Switched off</span>` : nothing}
        ${acts ? html`<span class="buttons">
          ${own ? nothing : html`<button class="button small" type="button" aria-label="Switch ${device.stopped ? "on" : "off"} ${nameOf(device)}" @click=${() => turn(device)}>${device.stopped ? "Switch on" : "Switch off"}</button>`}
          <button class="button small" type="button" aria-label="Remove ${nameOf(device)}" @click=${() => forget(device)}>Remove</button></span>` : nothing}
      </li>`)}</ul>` : html`<p class="quiet">No device yet: one is added when a protected film is first watched on it.</p>`}`;
}
