// One message. Plain elements only: hundreds come in a second.
import { html, nothing } from "lit";
import { exact, iso, timeOfDay } from "shared/format.js";
import { hueOf, nameOf, parts } from "./text.js";

const BADGES = { owner: "Owner", moderator: "Moderator" };

export const badgeOf = (author) => (BADGES[author?.badge] ? html`<span class="badge-of ${author.badge}">${BADGES[author.badge]}</span>` : nothing);

export const said = (text) => parts(text).map((part) =>
  part.href ? html`<a class="text" href=${part.href} target="_blank" rel="noopener noreferrer nofollow ugc">${part.text}</a>`
  : part.mention ? html`<span class="mention">${part.text}</span>` : part.text);

const answered = (message, view) => {
  if (!message.reply_to) return nothing;
  const original = view.find(message.reply_to);
  return html`<span class="answers">${original ? html`<span class="visually-hidden">answers </span>${nameOf(original.author)}: ${original.text}` : "answers an earlier message"}</span>`;
};

const counts = (message, view) => {
  const given = Object.entries(message.reactions ?? {}).filter(([, count]) => count > 0);
  if (!given.length) return nothing;
  return html`<span class="reactions">${given.map(([reaction, count]) => html`
    <button type="button" class="reaction" data-reaction=${reaction} ?disabled=${!view.mayWrite} aria-label="${reaction}, ${count}. Give it too">${reaction} ${count}</button>`)}</span>`;
};

const at = (message) => message.sent_at_ms ?? message.at_ms;

/** `view`: `{me, mayWrite, blocked: Set, find(messageId)}`. Gives the row's class and what stands in it. */
export function rowOf(message, view) {
  const { author } = message;
  const mine = author.id === view.me;
  const tells = Boolean(view.me) && !mine && (message.mentions?.includes(view.me) || view.find(message.reply_to)?.author.id === view.me);
  if (view.blocked.has(author.id)) {
    return { cls: "said blocked", content: html`<span class="faint">A message of somebody you blocked.</span>` };
  }
  return {
    cls: `said ${mine ? "mine" : ""} ${tells ? "to-me" : ""}`,
    content: html`
      ${answered(message, view)}
      <span class="line-of">
        <time datetime=${iso(at(message))} title=${exact(at(message))}>${view.stamp?.(message) ?? timeOfDay(at(message), { millis: false }).slice(0, 5)}</time>
        <b class="who ${hueOf(author.id)}">${nameOf(author)}</b>${badgeOf(author)}
        <span class="words" dir="auto">${said(message.text)}</span>${message.edited_at_ms || message.edits ? html`<span class="faint edited" title=${message.edited_at_ms ? exact(message.edited_at_ms) : nothing}>edited</span>` : nothing}
      </span>
      ${counts(message, view)}
      <button class="more" type="button" tabindex="-1" aria-haspopup="menu" aria-label="More for the message of ${nameOf(author)}"></button>`,
  };
}
