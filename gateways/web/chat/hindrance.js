// Why one cannot write just now, as the composer says it.
import { html, nothing } from "shared/element.js";
import { offerSignIn } from "shared/api.js";
import { exact, span, timeOfDay } from "shared/format.js";
import { icon } from "shared/parts.js";
import { follow, followingSays } from "./follow.js";

const DAY_MS = 86_400_000;

const until = (atMs) => (atMs - Date.now() < DAY_MS ? timeOfDay(atMs, { millis: false }).slice(0, 5) : exact(atMs));
const left = (atMs) => span((atMs - Date.now()) / 1000);
const why = ({ untilMs, reason }) => {
  const parts = [untilMs < Infinity ? `Until ${until(untilMs)}` : "", reason ? `Reason: ${reason}` : ""].filter(Boolean);
  return parts.length ? html`<span class="why faint">${parts.join(" · ")}</span>` : nothing;
};

const says = {
  archived: () => html`${icon("archive")}<span>This room is archived. It can be read.</span>`,
  signed_out: () => html`<button class="button primary small" type="button" @click=${offerSignIn}>${icon("log-in")}Sign in to write</button>`,
  may_not_write: () => html`${icon("lock")}<span>Your roles let you read, not write.</span>`,
  read_only: () => html`${icon("megaphone")}<span>Only moderators may write now.</span>`,
  timeout: (barrier) => html`${icon("timer")}<span>You are timed out: you may write again in ${left(barrier.untilMs)}. ${why(barrier)}</span>`,
  ban: (barrier) => html`${icon("ban")}<span>${barrier.untilMs === Infinity
    ? "You may not write here. A moderator can lift this." : `You are banned here: you may write again in ${left(barrier.untilMs)}.`} ${why(barrier)}</span>`,
  members: () => html`${icon("lock")}<span>Only members write here. A moderator can make you one.</span>`,
  follow: (_, store) => html`<span>Only followers write here. ${store.settings.followers_min_s ? followingSays(store.settings) : ""}</span>
    <button class="button primary small" type="button" @click=${() => follow(store, true)}>${icon("user-round-plus")}Follow</button>`,
  follows: (barrier, store) => html`${icon("timer")}<span>You follow this room: you may write in ${left(barrier.untilMs)}. <span class="why faint">${followingSays(store.settings)}</span></span>`,
};

/** Template of what `barrierOf` found. */
export const hindrance = (barrier, store) => says[barrier.code](barrier, store);
