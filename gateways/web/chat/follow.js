// Following a room, and no more.
import { toast } from "shared/announce.js";
import { html, nothing } from "shared/element.js";
import { span } from "shared/format.js";
import { icon } from "shared/parts.js";
import { chat } from "./api.js";

/** Where only followers write: for how long one must have followed. Empty elsewhere. */
export function followingSays(settings) {
  if (settings?.mode !== "followers") return "";
  return settings.followers_min_s ? `Who has followed for ${span(settings.followers_min_s)} may write.` : "Who follows may write.";
}

const belongs = (store, on) => store.become({ you: { ...store.you, member: on ? { kind: "follower", joined_at_ms: Date.now() } : null } });

/** Follows the room of `store`, or stops; a refusal is said. */
export async function follow(store, on) {
  try {
    await (on ? chat.follow(store.roomId) : chat.unfollow(store.roomId));
    belongs(store, on);
    toast(on ? `You follow this room. ${followingSays(store.settings)}`.trim() : "You no longer follow this room");
  } catch (problem) {
    if (problem.code === "nothing_to_change") belongs(store, on); // another page of ours was faster
    else toast(problem.message);
  }
}

/** Moderators write anyway, and members belong here already: neither has to follow. */
export function followButton(store) {
  const { you, settings } = store;
  if (!you.may_write || you.moderator || settings?.archived) return nothing;
  if (you.member?.kind === "member") return html`<span class="chip" title="You are a member of this room">Member</span>`;
  const on = Boolean(you.member);
  const label = on ? "Following" : "Follow";
  return html`<button class="button small follow ${on ? "on" : ""}" type="button" aria-pressed=${on ? "true" : "false"} title=${`${label}. ${followingSays(settings)}`.trim()}
    @click=${() => follow(store, !on)}>${icon(on ? "user-round-check" : "user-round-plus")}<span>${label}</span></button>`;
}
