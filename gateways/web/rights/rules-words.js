// What a policy's rules say: for people to read, and as fields of a form.
import { exact, span } from "shared/format.js";
import { LABELS, SYSTEMS } from "shared/licence-words.js";

/** The rules of a policy that nobody has written. */
export const NOTHING = { stream_lease_s: 60 };

const DAY_S = 86_400;
const PLAYER = "Widevine holds players to it, PlayReady and FairPlay as they are set up here. Clear Key cannot: with this rule it gives no licence.";
const SERVER = "Decided here at each licence: it holds for every system.";

export const HDCP = { HDCP_V1: "1", HDCP_V2: "2.0", HDCP_V2_1: "2.1", HDCP_V2_2: "2.2", HDCP_V2_3: "2.3" };

/** Groups of rules. A rule: its kind, label, unit, what it does, and who sees to it. */
export const GROUPS = [
  ["When", {
    not_before_ms: { kind: "instant", label: "Not before", unit: "your time", says: "No licence before this moment. Empty: at once.", by: SERVER },
    not_after_ms: { kind: "instant", label: "Not after", unit: "your time", says: "No licence from this moment on. Empty: for ever.", by: SERVER },
  }],
  ["How much at once", {
    max_streams: { kind: "number", label: "Films at once", unit: "streams", max: 100, says: "How many films an account may play at the same time. Empty: any number.", by: SERVER },
    max_devices: { kind: "number", label: "Devices", unit: "devices", max: 100, says: "How many devices an account may watch on. Empty: any number.", by: SERVER },
    stream_lease_s: { kind: "number", label: "A silent stream counts for", unit: "seconds", min: 10, max: 3600, required: true, says: "How long a film still counts as playing after its player was last heard, 10 to 3600.", by: SERVER },
  }],
  ["Where", {
    countries_allowed: { kind: "countries", label: "Only from", unit: "countries", says: "Two letters each, such as AT DE. Empty: from everywhere. A network whose country is not known gets no licence.", by: SERVER },
    countries_denied: { kind: "countries", label: "Not from", unit: "countries", says: "Two letters each. A network whose country is not known gets no licence.", by: SERVER },
    deny_anonymisers: { kind: "yes", label: "No VPNs and proxies", says: "No licence through a network that hides where it is, nor through one of which nothing is known.", by: SERVER },
  }],
  ["On what", {
    systems_allowed: { kind: "systems", label: "Only by these systems", says: "None chosen: by all for which the film is protected.", by: SERVER },
    devices_allowed: { kind: "words", label: "Only these devices", unit: "device ids", says: "Separated by spaces. Empty: all.", by: SERVER },
    devices_denied: { kind: "words", label: "Not these devices", unit: "device ids", says: "Separated by spaces.", by: SERVER },
  }],
  ["What players are held to", {
    licence_s: { kind: "number", label: "A licence opens the film for", unit: "seconds", says: "Afterwards the player asks again. Empty: as long as its session.", by: PLAYER },
    playback_s: { kind: "number", label: "After the first play, for", unit: "seconds", says: "Such as 172800 for two days after a rental was begun. Empty: no bound.", by: PLAYER },
    renew_every_s: { kind: "number", label: "Renewed every", unit: "seconds", says: "How often a player has to ask whether it may go on. Empty: never.", by: PLAYER },
    offline: { kind: "yes", label: "May be kept on a device", says: "Players may ask for a licence to watch without a network.", by: "Who asks for one by Clear Key gets none: it cannot keep to its end." },
    min_security_level: { kind: "number", label: "Least security of the device", unit: "level 1 to 5", max: 5, says: "From 1 (software) to 5 (all in hardware). Empty: any.", by: PLAYER },
    hdcp: { kind: "hdcp", label: "Copy protection of screens", unit: "HDCP version", says: "What an output has to keep to, for each kind of key.", by: PLAYER },
  }],
];
export const RULES = Object.assign({}, ...GROUPS.map(([, rules]) => rules));

const seconds = (value) => (value >= 2 * DAY_S && value % DAY_S === 0 ? `${value / DAY_S} days` : span(value));
const many = (value, one) => `${value} ${one}${value === 1 ? "" : "s"}`;

/** A rule that asks for something, in a sentence. */
const WORDS = {
  not_before_ms: (at) => `Not before ${exact(at)}.`,
  not_after_ms: (at) => `Not after ${exact(at)}.`,
  max_streams: (most) => `At most ${many(most, "film")} at once.`,
  max_devices: (most) => `At most ${many(most, "device")}.`,
  countries_allowed: (list) => `Only from ${list.join(", ")}.`,
  countries_denied: (list) => `Not from ${list.join(", ")}.`,
  deny_anonymisers: () => "No VPNs and proxies.",
  systems_allowed: (list) => `Only by ${list.map((name) => SYSTEMS[name] ?? name).join(", ")}.`,
  devices_allowed: (list) => `Only on ${many(list.length, "device")}.`,
  devices_denied: (list) => `Not on ${many(list.length, "device")}.`,
  licence_s: (value) => `A licence opens the film for ${seconds(value)}.`,
  playback_s: (value) => `For ${seconds(value)} after the first play.`,
  renew_every_s: (value) => `Renewed every ${seconds(value)}.`,
  offline: () => "May be kept on a device.",
  min_security_level: (level) => `Device security ${level} or more.`,
  hdcp: (labels) => `${Object.entries(labels).map(([label, version]) => `${LABELS[label] ?? label}: HDCP ${HDCP[version] ?? version}`).join("; ")}.`,
};
const asks = (value) => value !== null && value !== undefined && value !== false && !(typeof value === "object" && Object.keys(value).length === 0);

/** What a policy asks for, a sentence a rule. */
export const sentences = (rules) => Object.keys(WORDS).filter((name) => asks(rules[name])).map((name) => WORDS[name](rules[name]));

const said = (name, rules) => (asks(rules[name]) ? (WORDS[name]?.(rules[name]) ?? `${RULES[name].label} ${rules[name]} ${RULES[name].unit}.`) : "");
const same = (one, other) => JSON.stringify(asks(one) ? one : null) === JSON.stringify(asks(other) ? other : null);

/** What a version changed of the one before: for each rule what it `was` and what it is `now`, empty where it asks for nothing. */
export const changes = (before, after) => Object.keys(RULES).filter((name) => !same(before[name], after[name])).map((name) => ({ was: said(name, before), now: said(name, after) }));

/** Rules that Clear Key cannot keep: with one of them it gives no licence. */
export const beyondClearKey = (rules) => Object.keys(RULES).filter((name) => RULES[name].by === PLAYER && asks(rules[name])).map((name) => RULES[name].label);

const words = (text) => text.split(/[\s,]+/).filter(Boolean);
const READ = {
  number: (text) => (text === "" ? null : Number(text)),
  instant: (text) => (text === "" ? null : new Date(text).getTime()),
  countries: (text) => words(text.toUpperCase()),
  words,
};

/** The rules that a form says. */
export function rulesOf(fields) {
  return Object.fromEntries(Object.entries(RULES).map(([name, { kind }]) => {
    if (kind === "yes") return [name, fields.has(name)];
    if (kind === "systems") return [name, fields.getAll(name)];
    if (kind === "hdcp") return [name, Object.fromEntries(Object.keys(LABELS).map((label) => [label, fields.get(`hdcp-${label}`)]).filter(([, version]) => version))];
    return [name, READ[kind](fields.get(name).trim())];
  }));
}

/** A moment as an input of the kind datetime-local has it. */
export const localOf = (atMs) => (atMs === null || atMs === undefined ? "" : new Date(atMs - new Date(atMs).getTimezoneOffset() * 60_000).toISOString().slice(0, 16));
