// Pieces of the chat panel: what stands around the messages.
import { html, nothing } from "shared/element.js";
import { icon, problemNotice } from "shared/parts.js";
import { followButton } from "./follow.js";
import { here } from "./presence.js";
import { openSettings } from "./settings.js";
import { nameOf, roomName } from "./text.js";
import { turn } from "./when.js";

export function header(panel) {
  const { store, replaying, roomId } = panel;
  const title = panel.heading ?? (store?.settings ? roomName(store.settings) : "Live chat");
  const way = (to, label) => html`<button type="button" aria-pressed=${replaying === to ? "true" : "false"} @click=${() => turn(panel, to)}>${label}</button>`;
  return html`
    <header>
      ${panel.level === 1 ? html`<h1 id="chat-title">${title}</h1>` : html`<h2 id="chat-title">${title}</h2>`}
      ${store ? here(store.signals) : nothing}
      <span class="grow"></span>
      ${store?.state === "open" ? followButton(store) : nothing}
      ${panel.video ? html`<div class="segmented slim" role="group" aria-label="Which chat">${way(false, "Live")}${way(true, "Replay")}</div>` : nothing}
      <button class="icon-button" type="button" aria-label="Search" title="Search" aria-expanded=${panel.searching ? "true" : "false"} @click=${() => (panel.searching = !panel.searching)}>${icon("search")}</button>
      ${store?.you.moderator ? html`
        ${panel.moderating ? nothing : html`<a class="icon-button" href="/rooms/${encodeURIComponent(roomId)}/moderate" aria-label="Moderate" title="Moderate">${icon("shield")}</a>`}
        <button class="icon-button" type="button" aria-label="Room settings" title="Room settings" @click=${() => openSettings(roomId)}>${icon("settings")}</button>` : nothing}
    </header>`;
}

/** The newest pinned message whose text is known. */
export function pins({ replaying, store, list }) {
  const pinned = replaying ? [] : (store?.pinned ?? []).map((pin) => ({ ...list.known.get(pin.message_id), ...pin }));
  const pin = pinned.filter(({ text }) => text).at(-1);
  return pin ? html`<p class="pinned">${icon("pin")}<span class="grow"><span class="visually-hidden">Pinned: </span><b>${nameOf(pin.author)}</b> ${pin.text}</span></p>` : nothing;
}

export function state(panel) {
  const { store, replay, replaying, trouble } = panel;
  if (replaying) return replay?.problem ? problemNotice(replay.problem, { title: "The replay could not be read", retry: () => replay.again() }) : nothing;
  if (store?.problem) return problemNotice(store.problem);
  if (trouble) return problemNotice(trouble.problem, trouble);
  if (store?.state === "waiting") return html`<p class="banner" role="status">${icon("wifi-off")}Not connected. Trying again…</p>`;
  return store?.notice ? html`<p class="banner" role="status">${icon("info")}<span class="grow">${store.notice}</span>
    <button class="icon-button" type="button" aria-label="Close the notice" @click=${() => store.tell("")}>${icon("x")}</button></p>` : nothing;
}

export function empty({ store, list, replay, replaying }) {
  if (!list || list.oldest || store?.outbox.entries.length || store?.problem) return nothing;
  if (replaying) return replay?.problem ? nothing : html`<p class="nothing quiet">${replay?.loading ? "Reading what was said…" : "Nobody said anything around here in the film."}</p>`;
  if (store?.state !== "open") return html`<div class="loading" role="group" aria-busy="true" aria-label="Loading">${[1, 2, 3, 4].map((at) => html`<span class="skeleton line ${at % 2 ? "wide" : ""}"></span>`)}</div>`;
  return html`<div class="nothing quiet">${icon("message-circle", "big")}<p>Nobody has written yet.${store.you.may_write ? " Say hello." : ""}</p></div>`;
}
