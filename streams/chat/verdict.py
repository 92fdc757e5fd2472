"""What becomes of a text: what screening found in it, and what the room's own memory adds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from streams.chat import standing
from streams.chat.turn import Turn

FIRST_MESSAGES = "first_messages"
REPEATS = "repeats"


class Verdict(NamedTuple):
    """What is done with it, and the rule that says so; accepted texts have none."""

    action: Literal["accept", "hold", "reject"]
    rule: str = ""
    score: float | None = None


ACCEPTED = Verdict("accept")


def verdict_on(turn: Turn, data: Mapping[str, Any], *, edit: bool) -> Verdict:
    """The hardest that is found wins, and of equals the first. Moderators' texts are not screened."""
    account_id = data["account_id"]
    if turn.moderates(account_id, data["privileged"]):
        return ACCEPTED
    findings = [Verdict(f["action"], f["rule"], f["score"]) for f in data["findings"]]
    repeats = turn.state["limits"]["repeats"]
    if not edit and repeats is not None and standing.repeats(turn, account_id, data["text_hash"]):
        findings.append(Verdict(repeats["action"], REPEATS))
    if not edit and turn.state["greeted"].get(account_id, 0) < turn.settings["hold_first_messages"]:
        findings.append(Verdict("hold", FIRST_MESSAGES))
    for action in ("reject", "hold"):
        for found in findings:
            if found.action == action:
                return found
    return ACCEPTED
