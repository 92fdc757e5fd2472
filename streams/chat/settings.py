"""What a room is like: its settings, and the rules its texts are screened by. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.chat.screening import RulesUnfit, ScreeningRules, rules_from
from schemas.chat.titles import most_sealed
from streams.chat.state import Limits
from streams.chat.turn import Turn
from streams.engine import Refuse

_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "access": ("public", "members"),
    "mode": ("open", "followers", "members", "emotes"),
    "report_action": ("flag", "hold"),
}
_LENGTHS: Final = {"title": (1, 200), "topic": (0, 500)}
_NUMBERS: Final = {
    "slow_mode_s": 3600,
    "followers_min_s": 31_536_000,
    "hold_first_messages": 10,
    "report_threshold": 20,
}


def check(settings: Mapping[str, Any]) -> None:
    """Raises Refuse for settings that no room can have."""
    for name, words in _WORDS.items():
        if settings[name] not in words:
            raise Refuse("bad_setting", f"{name}: expected one of {', '.join(words)}.")
    for name, (least, most) in _LENGTHS.items():
        clear, sealed = settings[name], settings[f"{name}_sealed"]
        if sealed is None:
            fits = least <= len(clear) <= most
        else:
            fits = not clear and 0 < len(sealed) <= most_sealed(most)
        if not fits:
            raise Refuse("bad_setting", f"{name}: expected {least} to {most} characters.")
    for name, highest in _NUMBERS.items():
        if not 0 <= settings[name] <= highest:
            raise Refuse("bad_setting", f"{name}: expected a number of 0 to {highest}.")


def limits_of(rules: ScreeningRules, version: int) -> Limits:
    """What of screening rules needs the decider's memory."""
    return {
        "version": version,
        "repeats": rules.repeats.model_dump() if rules.repeats is not None else None,
        "flood": rules.flood.model_dump() if rules.flood is not None else None,
    }


def room_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    """Settings that are not null take the place of those there are; a text's also of its other form."""
    turn.must_moderate(data)
    before = {**dict.fromkeys(f"{name}_sealed" for name in _LENGTHS), **turn.settings}
    after = {name: before[name] if data[name] is None else data[name] for name in before}
    for name in _LENGTHS:
        if data[name] is not None or data[f"{name}_sealed"] is not None:
            after |= {name: data[name] or "", f"{name}_sealed": data[f"{name}_sealed"]}
    check(after)
    if after == before:
        raise Refuse("nothing_to_change", "The room is so already: nothing is left to do.")
    turn.state["settings"] = after  # type: ignore[typeddict-item]
    if not after["hold_first_messages"]:
        turn.state["greeted"] = {}
    elif not before["hold_first_messages"]:
        # Who is in the conversation already is no stranger.
        known = {entry["account_id"]: after["hold_first_messages"] for entry in turn.recent.values()}
        turn.state["greeted"] = known
    turn.say("RoomChanged", actor_id=data["actor_id"], settings=after)


def screening_change_requested(turn: Turn, data: dict[str, Any]) -> None:
    """The next version of the screening rules, if nobody else made it meanwhile."""
    turn.must_moderate(data)
    version = turn.state["limits"]["version"]
    if data["based_on"] != version:
        raise Refuse("rules_changed", f"The rules are at version {version} meanwhile: begin with these.")
    try:
        rules = rules_from(data["rules"])
    except RulesUnfit as bad:
        raise Refuse("bad_rules", str(bad)) from None
    turn.state["limits"] = limits_of(rules, version + 1)
    turn.say("ScreeningChanged", rules=data["rules"], version=version + 1, actor_id=data["actor_id"])
