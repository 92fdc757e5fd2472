// One message as elements, made by hand: hundreds come in a second, and a template a row costs more than the row.
import { exact, iso, timeOfDay } from "shared/format.js";
import { BADGES, hueOf, nameOf, parts } from "./text.js";

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

function linkTo(href, text) {
  const link = make("a", "text", text);
  Object.assign(link, { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" });
  return link;
}

const wordsOf = (text) => parts(text).map((part) =>
  part.href ? linkTo(part.href, part.text) : part.mention ? make("span", "mention", part.text) : part.text);

function answered(messageId, view) {
  const original = view.find(messageId);
  if (!original) return make("span", "answers", "answers an earlier message");
  return make("span", "answers", make("span", "visually-hidden", "answers "), `${nameOf(original.author)}: ${original.text}`);
}

function counted(given, view) {
  return make("span", "reactions", ...given.map(([reaction, count]) => {
    const button = make("button", "reaction", `${reaction} ${count}`);
    Object.assign(button, { type: "button", disabled: !view.mayWrite, ariaLabel: `${reaction}, ${count}. Give it too` });
    button.dataset.reaction = reaction;
    return button;
  }));
}

function timeOf(message, view) {
  const atMs = message.sent_at_ms ?? message.at_ms;
  const time = make("time", "", view.stamp?.(message) ?? timeOfDay(atMs, { millis: false }).slice(0, 5));
  Object.assign(time, { dateTime: iso(atMs), title: exact(atMs) });
  return time;
}

function lineOf(message, view) {
  const { author } = message;
  const line = make("span", "line-of", timeOf(message, view), make("b", `who ${hueOf(author.id)}`, nameOf(author)));
  if (BADGES[author.badge]) line.append(make("span", `badge-of ${author.badge}`, BADGES[author.badge]));
  const words = make("span", "words", ...wordsOf(message.text));
  words.dir = "auto";
  line.append(words);
  if (message.edited_at_ms || message.edits) {
    const edited = make("span", "faint edited", "edited");
    if (message.edited_at_ms) edited.title = exact(message.edited_at_ms);
    line.append(edited);
  }
  return line;
}

function moreOf(author) {
  const more = make("button", "more");
  Object.assign(more, { type: "button", tabIndex: -1, ariaHasPopup: "menu", ariaLabel: `More for the message of ${nameOf(author)}` });
  return more;
}

/** Draws `message` into `item` (an <li>). `view`: `{me, mayWrite, blocked: Set, find(messageId), stamp?(message)}`. */
export function drawRow(item, message, view) {
  const { author } = message;
  if (view.blocked.has(author.id)) {
    item.className = "said blocked";
    item.replaceChildren(make("span", "faint", "A message of somebody you blocked."));
    return;
  }
  const mine = author.id === view.me;
  const tells = Boolean(view.me) && !mine && (message.mentions?.includes(view.me) || (message.reply_to && view.find(message.reply_to)?.author.id === view.me));
  item.className = `said${mine ? " mine" : ""}${tells ? " to-me" : ""}`;
  const given = Object.entries(message.reactions ?? {}).filter(([, count]) => count > 0);
  item.replaceChildren(
    ...(message.reply_to ? [answered(message.reply_to, view)] : []),
    lineOf(message, view),
    ...(given.length ? [counted(given, view)] : []),
    moreOf(author),
  );
}
