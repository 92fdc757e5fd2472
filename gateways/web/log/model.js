// From a flat list of events to what the page shows: groups in time, runs of one kind, trees of causes. Pure.
import { shortType } from "shared/describe.js";

const GAP_MS = 1000; // a silence this long begins a new group
const GROUP_MS = 5000; // and no group lasts longer
const RUN = 3; // so many of one type in a row become one line
const TWINS = 6; // so many effects of one type under one cause become one line

/** Types of the log by topic, with counts, in order of first appearance. */
export function facets(entries) {
  const topics = new Map();
  for (const entry of entries) {
    const types = topics.get(entry.topic) ?? topics.set(entry.topic, new Map()).get(entry.topic);
    types.set(entry.type, (types.get(entry.type) ?? 0) + 1);
  }
  return topics;
}

/** Entries whose type is not hidden and which contain every word of `query` somewhere. */
export function filtered(entries, hidden, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!hidden.size && !words.length) return entries;
  return entries.filter((entry) => {
    if (hidden.has(entry.type)) return false;
    if (!words.length) return true;
    const text = `${entry.type} ${entry.id} ${entry.source} ${entry.topic} ${JSON.stringify(entry.data)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** `[{at_ms, count, lines: [entry | {run: [entries]}]}]`; opened entries are never folded into a run. */
export function groups(entries, isOpen) {
  const found = [];
  let group = null;
  let last = -Infinity;
  for (const entry of entries) {
    if (!group || entry.at_ms - last > GAP_MS || entry.at_ms - group.at_ms > GROUP_MS) {
      group = { at_ms: entry.at_ms, entries: [] };
      found.push(group);
    }
    group.entries.push(entry);
    last = entry.at_ms;
  }
  return found.map(({ at_ms, entries: all }) => ({ at_ms, count: all.length, lines: runs(all, isOpen) }));
}

function runs(entries, isOpen) {
  const lines = [];
  let run = [];
  const close = () => {
    if (run.length >= RUN) lines.push({ run });
    else lines.push(...run);
    run = [];
  };
  for (const entry of entries) {
    if (isOpen(entry.id)) {
      close();
      lines.push(entry);
    } else {
      if (run.length && run[0].type !== entry.type) close();
      run.push(entry);
    }
  }
  close();
  return lines;
}

/** Trees of `{entry, effects}`; a root is an event whose cause is not among the entries. */
export function trees(entries) {
  const nodes = new Map(entries.map((entry) => [entry.id, { entry, effects: [] }]));
  const roots = [];
  for (const node of nodes.values()) {
    const cause = nodes.get(node.entry.causation_id);
    (cause && cause !== node ? cause.effects : roots).push(node);
  }
  return roots;
}

/** Effects with many of one type gathered: `[node | {twins: [nodes]}]`, in order. */
export function gathered(effects) {
  const byType = Map.groupBy(effects, (node) => shortType(node.entry.type));
  const done = new Set();
  const lines = [];
  for (const node of effects) {
    const type = shortType(node.entry.type);
    const twins = byType.get(type);
    if (twins.length <= TWINS) lines.push(node);
    else if (!done.has(type)) lines.push({ twins });
    done.add(type);
  }
  return lines;
}
