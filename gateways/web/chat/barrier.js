// Why somebody may not write in a room now. Pure.

/**
 * `{code, untilMs}` of what stands in the way, null for nothing. `untilMs` is Infinity where no time ends it, and
 * `code` one of archived, signed_out, may_not_write, read_only, timeout, ban, members, follow, follows.
 * `reason` is that of a sanction.
 */
export function barrierOf({ settings, you, sanction }, nowMs) {
  if (settings.archived) return { code: "archived", untilMs: Infinity };
  if (!you.account_id) return { code: "signed_out", untilMs: Infinity };
  if (!you.may_write) return { code: "may_not_write", untilMs: Infinity };
  if (you.moderator) return null;
  if (settings.read_only) return { code: "read_only", untilMs: Infinity };
  const mutedUntilMs = sanction ? (sanction.until_ms ?? Infinity) : 0;
  if (mutedUntilMs > nowMs) return { code: sanction.kind, untilMs: mutedUntilMs, reason: sanction.reason };
  const { member } = you;
  if (member?.kind === "member") return null;
  if (settings.mode === "members") return { code: "members", untilMs: Infinity };
  if (settings.mode !== "followers") return null;
  if (!member) return { code: "follow", untilMs: Infinity };
  const mayFromMs = member.joined_at_ms + settings.followers_min_s * 1000;
  return mayFromMs > nowMs ? { code: "follows", untilMs: mayFromMs } : null;
}
