"""Whether an account may write here and now: the room's mode, sanctions, and how fast it writes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.chat.state import MOST_SENT, MOST_SPEAKERS, Sanction, Speaker
from streams.chat.turn import Turn, bounded
from streams.engine import Refuse


def check_may_write(turn: Turn, data: Mapping[str, Any]) -> bool:
    """Whether its author alone is to see what is written. Raises Refuse if it may not be written."""
    turn.must_not_be_archived()
    account_id = data["account_id"]
    if turn.moderates(account_id, data["privileged"]):
        return False
    settings = turn.settings
    if settings["read_only"]:
        raise Refuse("read_only", "Only moderators write in this room: ask one of them, or its owner.")
    sanction = sanction_of(turn, account_id, data.get("device_hash"), data.get("network_hash"))
    if sanction is not None and sanction["kind"] != "shadow":
        raise _refusal(turn, sanction)
    _check_mode(turn, account_id, data["only_emotes"])
    return sanction is not None


def _check_mode(turn: Turn, account_id: str, only_emotes: bool) -> None:
    settings, is_member = turn.settings, account_id in turn.state["members"]
    mode = settings["mode"]
    if settings["access"] == "members" and not is_member:
        raise Refuse("not_a_member", "Only members see this room: ask a moderator to make you one.")
    if mode == "members" and not is_member:
        raise Refuse("members_only", "Only members write in this room: ask a moderator to make you one.")
    if mode == "followers" and not is_member:
        since_ms, least_s = turn.state["followers"].get(account_id), settings["followers_min_s"]
        if since_ms is None:
            later = f", and write {least_s} s later" if least_s else ""
            raise Refuse("followers_only", f"Only followers write in this room: follow it{later}.")
        left_ms = since_ms + least_s * 1000 - turn.now_ms
        if left_ms > 0:
            wait_s = _seconds(left_ms)
            raise Refuse("followers_only", f"You have followed this room too briefly: write in {wait_s} s.")
    if mode == "emotes" and not only_emotes:
        raise Refuse("emotes_only", "Only emoji are written in this room: leave the words out.")


def sanction_of(turn: Turn, account_id: str, device: str | None, network: str | None) -> Sanction | None:
    """What stands against this account, device or network now; a shadow only if nothing harder does."""
    found = None
    for sanctioned, each in turn.state["sanctions"].items():
        if (
            sanctioned == account_id
            or (device is not None and each["device"] == device)
            or (network is not None and each["network"] == network)
        ) and runs(each, turn.now_ms):
            if each["kind"] != "shadow":
                return each
            found = each
    return found


def runs(sanction: Sanction, now_ms: int) -> bool:
    """Whether its time has not passed."""
    return sanction["until_ms"] is None or sanction["until_ms"] > now_ms


def _refusal(turn: Turn, sanction: Sanction) -> Refuse:
    until_ms = sanction["until_ms"]
    if until_ms is None:
        return Refuse("banned", "You may not write in this room: ask one of its moderators.")
    code = "timed_out" if sanction["kind"] == "timeout" else "banned"
    return Refuse(code, f"You may write again in {_seconds(until_ms - turn.now_ms)} s.")


# --- how fast


def check_pace(turn: Turn, account_id: str, *, edit: bool) -> None:
    """Raises Refuse for what comes too soon after what the account wrote before."""
    speaker = turn.state["speakers"].get(account_id)
    if speaker is None:
        return
    slow_ms, last_ms = turn.settings["slow_mode_s"] * 1000, speaker["last_ms"]
    if slow_ms and not edit and last_ms is not None and turn.now_ms - last_ms < slow_ms:
        wait_s = _seconds(last_ms + slow_ms - turn.now_ms)
        raise Refuse("slow_mode", f"Slow mode: you may write again in {wait_s} s.")
    flood = turn.state["limits"]["flood"]
    if flood is None:
        return
    within = [at_ms for at_ms, _ in speaker["sent"] if turn.now_ms - at_ms < flood["within_s"] * 1000]
    if len(within) >= flood["most"]:
        wait_s = _seconds(min(within) + flood["within_s"] * 1000 - turn.now_ms)
        raise Refuse("flood", f"You write too fast: try again in {wait_s} s.")


def repeats(turn: Turn, account_id: str, text_hash: str) -> bool:
    """Whether the account has written the same so often that the room's rules speak of it."""
    rule = turn.state["limits"]["repeats"]
    if rule is None:
        return False
    since_ms = turn.now_ms - rule["within_s"] * 1000
    speaker = turn.state["speakers"].get(account_id)
    sent = speaker["sent"] if speaker is not None else []
    same = [at_ms for at_ms, each in sent if each == text_hash and at_ms > since_ms]
    return len(same) >= int(rule["most"])


def wrote(turn: Turn, data: Mapping[str, Any], text_hash: str) -> None:
    """Remember that the account wrote something. `text_hash` is "" for what only counts as haste."""
    account_id = data["account_id"]
    before = turn.state["speakers"].get(account_id)
    speakers = turn.own("speakers")
    speakers.pop(account_id, None)
    known: Speaker = before or {"sent": [], "last_ms": None, "device": None, "network": None}
    speakers[account_id] = {
        "sent": [*_that_counts(turn, known["sent"]), [turn.now_ms, text_hash]],
        "last_ms": turn.now_ms if text_hash else known["last_ms"],
        "device": data.get("device_hash") or known["device"],
        "network": data.get("network_hash") or known["network"],
    }
    bounded(speakers, MOST_SPEAKERS)


def _that_counts(turn: Turn, sent: list[list[Any]]) -> list[list[Any]]:
    """What of it the room's rules may still ask for, with room for the next."""
    limits = [each for each in (turn.state["limits"]["repeats"], turn.state["limits"]["flood"]) if each]
    longest_ms = max([0, *(each["within_s"] * 1000 for each in limits)])
    most = max([MOST_SENT, *(each["most"] for each in limits)])
    return [each for each in sent if turn.now_ms - each[0] < longest_ms][-most + 1 :]


def _seconds(ms: int) -> int:
    """Rounded up, and never none."""
    return max(1, -(-ms // 1000))
