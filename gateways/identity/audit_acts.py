"""Which requests on the log are acts of privileged people, as SQL of the history, and how the audit tells it.

What is asked of an account is privileged when its actor is another one; what is asked of a film says so
itself. What is asked in a chat room is, when the gate knew that the actor moderates it (every room, or as its
owner) and the actor does not own it: the room's first event tells whose it is, and its film's when it changed
hands. In rooms of others that leaves out what people do to nobody but themselves (they take away what they
wrote, they follow), not what gives them something (they become members, they lift a ban of their own).

Where in doubt there is one too many: acts of a new room's owner, until the history has heard whose it is. Who
owned a film once counts as its room's owner, which lets nobody act unseen: films pass on only when their
owners are erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from gateways.identity.models import AuditEntry

Result = Literal["done", "refused", "open"]
ACTS: Final = {
    "kinolog.identity.AddressClaimed": "account.open",
    "kinolog.identity.LinkRequested": "link.issue",
    "kinolog.identity.AccountChangeRequested": "account.change",
    "kinolog.identity.ErasureRequested": "account.erase",
    "kinolog.identity.SigningKeyProposed": "signing.rotate",
    "kinolog.media.AssetChangeRequested": "asset.change",
    "kinolog.media.ProtectionRequested": "asset.protect",
    "kinolog.media.DeletionRequested": "asset.delete",
    "kinolog.media.TransferRequested": "asset.transfer",
    "kinolog.chat.SanctionRequested": "chat.sanction",
    "kinolog.chat.PurgeRequested": "chat.purge",
    "kinolog.chat.RemovalRequested": "chat.remove",
    "kinolog.chat.ReviewDecided": "chat.review",
    "kinolog.chat.PinRequested": "chat.pin",
    "kinolog.chat.RoomChangeRequested": "chat.room",
    "kinolog.chat.ScreeningChangeRequested": "chat.screening",
    "kinolog.chat.ModeratorChangeRequested": "chat.moderators",
    "kinolog.chat.MembersChangeRequested": "chat.members",
    "kinolog.drm.PolicyChangeRequested": "drm.policy",
    "kinolog.drm.AccessChangeRequested": "drm.access",
    "kinolog.drm.StopRequested": "drm.stop",
    "kinolog.drm.RightChangeRequested": "drm.right",
    "kinolog.drm.DeviceRemovalRequested": "drm.device",
    "kinolog.drm.PlaybackStopped": "drm.stream",
}
OUTCOMES: Final = (
    "identity.account.events", "identity.address.events", "identity.signing.events", "media.asset.events",
    "chat.room.events", "drm.account.events", "drm.policy.events", "drm.asset.events",
)  # fmt: skip
_NO_SETTINGS: Final = {"room_id", "actor_id", "privileged"}

ACTOR: Final = (
    "if(startsWith(type, 'kinolog.chat.'), "
    "JSONExtractString(data, 'actor_id'), JSONExtractString(data, 'actor'))"
)
CONCERNED: Final = (  # ids of accounts; empty ones are none
    "arrayConcat([JSONExtractString(data, 'account_id'), JSONExtractString(data, 'owner_id'), "
    "JSONExtractString(data, 'message', 'account_id')], JSONExtract(data, 'account_ids', 'Array(String)'), "
    "arrayMap(message -> JSONExtractString(message, 'account_id'), JSONExtractArrayRaw(data, 'messages')))"
)


def privileged(table: str) -> str:
    """The condition on rows of the history's table."""
    owners = (
        "SELECT if(type = 'kinolog.chat.RoomCreated', key, concat('a-', key)), "  # noqa: S608  # our own name
        "if(JSONExtractString(data, 'owner_id') = '', 'administrator', JSONExtractString(data, 'owner_id')) "
        f"FROM {table} WHERE topic IN ('chat.room.events', 'media.asset.events') "
        "AND type IN ('kinolog.chat.RoomCreated', 'kinolog.media.AssetTransferred')"
    )
    own = (
        "JSONExtractString(data, 'kind') = 'follower' "
        "OR (type IN ('kinolog.chat.RemovalRequested', 'kinolog.chat.PurgeRequested') "
        f"AND arrayAll(one -> one = '' OR one = JSONExtractString(data, 'actor_id'), {CONCERNED}))"
    )
    return (
        "multiIf(startsWith(type, 'kinolog.media.') OR type = 'kinolog.drm.AccessChangeRequested', "
        "JSONExtractBool(data, 'privileged'), "
        "startsWith(type, 'kinolog.chat.'), JSONExtractBool(data, 'privileged') "
        f"AND (key, JSONExtractString(data, 'actor_id')) NOT IN ({owners}) AND NOT ({own}), "
        "JSONExtractString(data, 'actor') != JSONExtractString(data, 'account_id'))"
    )


def entry(
    row: Mapping[str, Any],
    data: Mapping[str, Any],
    result: tuple[Result, str | None],
    reason: str | None,
    title: str | None,
) -> AuditEntry:
    """One request as the audit tells it. `reason` and `title`: those that were sealed, opened. Pure."""
    accounts = _accounts(data)
    return AuditEntry(
        id=str(row["id"]),
        at_ms=int(row["first_ms"]),
        actor=data["actor_id"] if "actor_id" in data else data["actor"],
        act=ACTS[str(row["act"])],
        account_id=accounts[0] if len(accounts) == 1 else None,
        account_ids=accounts if len(accounts) > 1 else None,
        asset_id=data.get("asset_id"),
        room_id=data.get("room_id"),
        result=result[0],
        code=result[1],
        reason=reason or (data.get("reason") if "room_id" in data else None) or None,
        roles=data.get("roles"),
        disabled=data.get("disabled"),
        visibility=data.get("visibility"),
        title=title,
        films=data.get("films"),
        heir_id=data.get("heir_id"),
        sanction=data["kind"] if row["act"] == "kinolog.chat.SanctionRequested" else None,
        on=next((data[name] for name in ("pinned", "approved", "added", "stopped") if name in data), None),
        policy_id=data.get("policy_id"),
        device_id=data.get("device_id") or None,
        right=data.get("kind") if row["act"] == "kinolog.drm.RightChangeRequested" else None,
        access=data.get("access"),
        settings=_settings(data) if row["act"] == "kinolog.chat.RoomChangeRequested" else None,
    )


def _accounts(data: Mapping[str, Any]) -> list[str]:
    """Whom it was done to, or whose thing it was; each once."""
    told = [data.get("account_id", data.get("owner_id")), *data.get("account_ids", ())]
    messages = [*data.get("messages", ()), data.get("message") or {}]
    return list(dict.fromkeys(id for id in (*told, *(m.get("account_id") for m in messages)) if id))


def _settings(data: Mapping[str, Any]) -> list[str]:
    """Names of the room's settings that were to be others."""
    told = (name.removesuffix("_sealed") for name, value in data.items() if value is not None)
    return sorted(set(told) - _NO_SETTINGS)
