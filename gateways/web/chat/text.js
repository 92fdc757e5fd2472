// A message's text in parts: links, mentions, and what is between. Pure; everything stays text.

const FOUND = /(https?:\/\/[^\s<>"'`]+)|(?<![\p{L}\p{N}_@.])(@[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]*[\p{L}\p{N}_])?)/giu;
const TRAILING = /[.,;:!?…)\]}]+$/u;

function linkOf(text) {
  try {
    const url = new URL(text);
    return url.hostname ? url.href : null;
  } catch {
    return null;
  }
}

/** `[{text}, {text, href}, {text, mention: true}, …]` */
export function parts(text) {
  const found = [];
  let at = 0;
  const plain = (end) => end > at && found.push({ text: text.slice(at, end) });
  for (const match of text.matchAll(FOUND)) {
    const [whole, link] = match;
    if (link === undefined) {
      plain(match.index);
      found.push({ text: whole, mention: true });
      at = match.index + whole.length;
      continue;
    }
    const shown = link.replace(TRAILING, "");
    const href = linkOf(shown);
    if (!href) continue;
    plain(match.index);
    found.push({ text: shown, href });
    at = match.index + shown.length;
  }
  plain(text.length);
  return found;
}

/** Account ids of those whom a text speaks to, out of `people` (account id -> name); names may hold spaces. */
export function mentioned(text, people) {
  const said = text.toLocaleLowerCase();
  return [...people].filter(([, name]) => {
    const at = name ? said.indexOf(`@${name.toLocaleLowerCase()}`) : -1;
    return at >= 0 && !/[\p{L}\p{N}_]/u.test(said[at + name.length + 1] ?? "");
  }).map(([accountId]) => accountId).slice(0, 20);
}

const HUES = 8;

/** One of HUES classes for a name, always the same for an account. */
export function hueOf(accountId) {
  let sum = 0x811c9dc5; // FNV-1a
  for (const letter of accountId ?? "") sum = Math.imul(sum ^ letter.codePointAt(0), 0x01000193);
  return `hue-${(sum >>> 16) % HUES}`;
}

/** What stands beside the names of some. */
export const BADGES = { owner: "Owner", moderator: "Moderator" };

export const nameOf = (author) => author?.name || "Somebody";

/** What a room is called; what nobody can read any more is empty. */
export const roomName = (settings) => settings.title || "Untitled room";

/** A text in parts, those that are one of the `words` with `mark`. Letters count alike, large or small. */
export function marked(text, words) {
  const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean).toSorted((one, other) => other.length - one.length);
  const lower = text.toLocaleLowerCase();
  if (!wanted.length || lower.length !== text.length) return [{ text }];
  const found = [];
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const word = wanted.find((each) => lower.startsWith(each, at));
    if (!word) at += 1;
    else {
      if (at > from) found.push({ text: text.slice(from, at) });
      found.push({ text: text.slice(at, at + word.length), mark: true });
      from = at += word.length;
    }
  }
  if (from < text.length) found.push({ text: text.slice(from) });
  return found;
}
