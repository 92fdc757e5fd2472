// Screening rules as the API has them, and as a form shows them. Pure.

export const FEATURES = {
  caps: ["Capitals", "share of the letters, 0-1", 1],
  emoji: ["Emoji", "share of what is visible, 0-1", 1],
  emotes_only: ["Nothing but emoji", "1", 1],
  length: ["Length", "characters", 500],
  links: ["Links", "in one message", 1000],
  mentions: ["Mentions", "in one message", 1000],
  run: ["One character in a row", "times", 1000],
};

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const number = (text) => (text === null || text.trim() === "" ? null : Number(text));

/** `*word*` is looked for inside of longer words, too. */
const term = (action) => (line) =>
  line.length > 2 && line.startsWith("*") && line.endsWith("*")
    ? { text: line.slice(1, -1), action, whole_word: false }
    : { text: line, action, whole_word: true };

export const termLines = (rules, action) => rules.terms
  .filter((one) => one.action === action).map(({ text, whole_word: whole }) => (whole ? text : `*${text}*`)).join("\n");

/** The rules that a form (FormData) says. */
export function rulesOf(fields) {
  const get = (name) => fields.get(name) ?? "";
  const checks = {};
  const weights = {};
  for (const feature of Object.keys(FEATURES)) {
    const at = number(get(`check-${feature}`));
    if (at !== null) checks[feature] = { at, action: get(`check-${feature}-action`) };
    const weight = number(get(`weight-${feature}`));
    if (weight) weights[feature] = weight;
  }
  const most = { repeats: number(get("repeats-most")), flood: number(get("flood-most")) };
  return {
    terms: [...lines(get("terms-hold")).map(term("hold")), ...lines(get("terms-reject")).map(term("reject"))],
    links: { policy: get("links-policy"), allowed: lines(get("links-allowed")), denied: lines(get("links-denied")), action: get("links-action") },
    checks,
    score: fields.has("score") ? { weights, hold_at: number(get("hold-at")), reject_at: number(get("reject-at")) } : null,
    repeats: most.repeats === null ? null : { most: most.repeats, within_s: number(get("repeats-within")), action: get("repeats-action") },
    flood: most.flood === null ? null : { most: most.flood, within_s: number(get("flood-within")) },
  };
}
