"""Given/when/then for the DRM domain: requests made of few words, and a story that folds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas.drm.views import DEFAULT_RULES, AccountDocument
from schemas.event import Event
from schemas.wire import codec
from streams.drm.projections import accounts, licences
from streams.drm.rules import decide
from streams.drm.state import State
from streams.engine import Refuse

ACCOUNT = "a" * 32
FILM, OTHER_FILM = "film-1", "film-2"
TV, PHONE, TABLET = "tv", "phone", "tablet"
START_MS = 1_000_000_000
LEASE_MS = DEFAULT_RULES["stream_lease_s"] * 1000


def stream_of(device: str, film: str = FILM, number: int = 0) -> str:
    return f"{device}/{film}/{number}"


def event(name: str, at_ms: int, id: str = "", **data: Any) -> Event:
    """One request of the domain."""
    full = name if "." in name else f"kinolog.drm.{name}"
    if full.startswith("kinolog.drm."):
        data = {"account_id": ACCOUNT, **data}
    codec().encode(full, data)  # an event that does not fit its schema fails here as it would on the log
    return Event(type=full, key=ACCOUNT, data=data, id=id or f"{name}@{at_ms}", at_ms=at_ms)


def asked(
    device: str = TV, film: str = FILM, *, at_ms: int = START_MS, token: str = "", number: int = 0,
    rules: dict[str, Any] | None = None, **more: Any,
) -> Event:  # fmt: skip
    """A request for a licence; `token` is by default one of its own."""
    stream = stream_of(device, film, number)
    data: dict[str, Any] = {
        "jti_hash": token or f"t{at_ms}{stream}", "asset_id": film, "device_id": device,
        "stream_id": stream, "system": "clearkey", "policy_id": "", "policy_version": 0, "country": "",
        "geo_db": "", "challenge_hash": "c", "device_name_sealed": None, "kids": ["k1", "k2"],
        "access": "free", "privileged": False, "asset_stopped": False, "anonymiser": None,
        "security_level": None, "offline": False, "enforces": [], "systems": [], "trial": False,
        "rules": {**DEFAULT_RULES, **(rules or {})},
    }  # fmt: skip
    request_id = more.pop("id", f"{stream}@{at_ms}")
    return event("LicenceRequested", at_ms, request_id, **{**data, **more})


def beat(stream_id: str, at_ms: int) -> Event:
    return event("PlaybackBeat", at_ms, stream_id=stream_id)


def stopped(stream_id: str, at_ms: int = START_MS, reason: str = "stopped") -> Event:
    return event("PlaybackStopped", at_ms, stream_id=stream_id, reason=reason, actor=ACCOUNT)


def right(kind: str, film: str = FILM, *, until_ms: int | None = None, at_ms: int = START_MS) -> Event:
    return event(
        "RightChangeRequested", at_ms, asset_id=film, kind=kind, until_ms=until_ms, reference="", actor="shop"
    )


def switched(device: str = "", *, off: bool = True, at_ms: int = START_MS) -> Event:
    return event("StopRequested", at_ms, device_id=device, stopped=off, actor="operator")


def left(at_ms: int = START_MS) -> Event:
    return event("AccountLeft", at_ms)


def timer(due_at_ms: int, at_ms: int) -> Event:
    data = {"timer_id": f"drm:{ACCOUNT}", "due_at_ms": due_at_ms, "note": ""}
    return event("kinolog.engine.TimerDue", at_ms, **data)


@dataclass
class Story:
    """Folds requests as the engine would: what is said has offsets, and is projected."""

    state: State | None = None
    document: AccountDocument | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    offset: int = 0

    def tell(self, request: Event) -> list[Event]:
        """What a request led to, in order; a refusal is one event."""
        try:
            self.state, outs = decide(self.state, request)
        except Refuse as refusal:
            data = {
                "request_id": request.id, "request_type": request.type, "code": refusal.code,
                "detail": refusal.detail,
            }  # fmt: skip
            return [Event("kinolog.engine.RequestRefused", ACCOUNT, data, at_ms=request.at_ms)]
        said = []
        for out in outs:
            codec().encode(out.type, out.data)
            made = Event(
                out.type, out.key, out.data, id=f"o{self.offset}", at_ms=request.at_ms, topic=out.topic,
                offset=self.offset,
            )  # fmt: skip
            self.offset += 1
            said.append(made)
            if out.type.startswith("kinolog.drm."):
                self.document, _ = accounts(self.document, made)
                self.rows += licences(made)
        return said

    def outcome(self, request: Event) -> str:
        """`granted`, `again` or the code of the refusal; other requests: the last type said, in short."""
        said = self.tell(request)
        names = {event.type.rpartition(".")[2]: event for event in said}
        if "RequestRefused" in names:
            return str(names["RequestRefused"].data["code"])
        if "LicenceGranted" in names:
            return "granted"
        return "again" if "LicenceRepeated" in names else [*names][-1] if names else ""


def names(said: list[Event]) -> list[str]:
    return [event.type.rpartition(".")[2] for event in said]
