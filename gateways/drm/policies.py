"""What policies say: listed, read, and changed by who says which version they have seen."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, cast

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateways.core.endpoint import body_of, json_response
from gateways.core.idempotency import scoped_id
from gateways.core.owning import let_in
from gateways.core.principal import principal_of
from gateways.core.problem import Problem
from gateways.drm.licensing import LICENSING, Licensing
from schemas.drm.events import POLICY_CHANGE_REQUESTED
from schemas.drm.views import DEFAULT_RULES, POLICY_REQUESTS, PolicyDocument, System
from schemas.media.protection import DEFAULT_POLICY, LABELS

STRICT: Final = ConfigDict(extra="forbid")
Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Device = Annotated[str, Field(min_length=1, max_length=64)]
Seconds = Annotated[int, Field(ge=1, le=2**31 - 1)]
Instant = Annotated[int, Field(ge=0, le=2**53)]
Hdcp = Literal["HDCP_V1", "HDCP_V2", "HDCP_V2_1", "HDCP_V2_2", "HDCP_V2_3"]


class PolicyRules(BaseModel):
    """What a policy asks for; what is left out, null or empty asks for nothing."""

    model_config = STRICT
    not_before_ms: Instant | None = Field(None, description="no licence before")
    not_after_ms: Instant | None = Field(None, description="no licence after")
    licence_s: Seconds | None = Field(None, description="how long a licence opens the film")
    playback_s: Seconds | None = Field(None, description="how long after its first use")
    renew_every_s: Seconds | None = Field(None, description="how often a player must renew a licence")
    offline: bool = Field(False, description="whether a licence may be kept on the device")
    max_streams: int | None = Field(None, ge=1, le=100, description="of an account at the same time")
    max_devices: int | None = Field(None, ge=1, le=100, description="of an account")
    stream_lease_s: int = Field(60, ge=10, le=3600, description="a stream counts so long after its last beat")
    devices_allowed: list[Device] = Field([], max_length=200, description="only these")
    devices_denied: list[Device] = Field([], max_length=200)
    min_security_level: int | None = Field(
        None, ge=1, le=5, description="of the device, from 1 (software) to 5 (all in hardware)"
    )
    hdcp: dict[str, Hdcp] = Field({}, description=f"version that an output needs, by {', '.join(LABELS)}")
    countries_allowed: list[Country] = Field([], max_length=260, description="only from these")
    countries_denied: list[Country] = Field([], max_length=260)
    deny_anonymisers: bool = Field(False, description="not from networks that hide where they are")
    systems_allowed: list[System] = Field([], max_length=4, description="only by these")

    @model_validator(mode="after")
    def _makes_sense(self) -> PolicyRules:
        if unknown := set(self.hdcp) - set(LABELS):
            raise ValueError(f"hdcp: {', '.join(sorted(unknown))} is none of {', '.join(LABELS)}")
        if (
            self.not_before_ms is not None
            and self.not_after_ms is not None
            and self.not_after_ms <= self.not_before_ms
        ):
            raise ValueError("not_after_ms is not after not_before_ms: nobody could ever watch")
        return self


class PolicyChange(BaseModel):
    """The whole policy as it is to be."""

    model_config = STRICT
    replaces: int = Field(ge=0, le=2**31 - 2, description="the version that was seen; 0: it is a new one")
    rules: PolicyRules


class Policy(BaseModel):
    """A policy's newest version."""

    policy_id: str
    version: int = Field(description="from 1; 0: the default, which nobody has changed")
    rules: PolicyRules
    changed_at_ms: int | None


class Policies(BaseModel):
    """All policies by name."""

    items: list[Policy]


async def listed(request: web.Request) -> web.Response:
    let_in(request)
    licensing = request.app[LICENSING]
    found = await (await licensing.projections.pin(licensing.policies)).documents()
    found.setdefault(DEFAULT_POLICY, {})
    return json_response(Policies(items=[_policy(name, found[name]) for name in sorted(found)]))


async def show(request: web.Request) -> web.Response:
    let_in(request)
    return json_response(await policy(request.app[LICENSING], request.match_info["policy_id"]))


async def change(request: web.Request) -> web.Response:
    """Problem 409 `policy_changed` where somebody else changed it meanwhile."""
    licensing, policy_id = request.app[LICENSING], request.match_info["policy_id"]
    wish = body_of(request, PolicyChange)
    data = {
        "policy_id": policy_id, "rules": wish.rules.model_dump_json(exclude_defaults=True),
        "replaces": wish.replaces, "actor": principal_of(request).actor,
    }  # fmt: skip
    request_id = scoped_id(request, f"policy:{policy_id}:{wish.model_dump_json()}")
    await licensing.decided(
        licensing.policies, POLICY_REQUESTS, policy_id, POLICY_CHANGE_REQUESTED, data, request_id
    )
    return json_response(await policy(licensing, policy_id))


async def policy(licensing: Licensing, policy_id: str) -> Policy:
    """As it stands. Problem 404."""
    document = await (await licensing.projections.pin(licensing.policies)).get(policy_id)
    if document is None and policy_id != DEFAULT_POLICY:
        raise Problem(
            "not-found", f"There is no policy {policy_id!r}; PUT /v1/policies/{policy_id} makes it."
        )
    return _policy(policy_id, document or {})


def rules_of(text: str) -> PolicyRules:
    """Out of the log's JSON, in which what asks for nothing is left out."""
    return PolicyRules.model_construct(**{**DEFAULT_RULES, **orjson.loads(text)})


def _policy(policy_id: str, document: dict[str, Any]) -> Policy:
    if not document:
        return Policy(
            policy_id=policy_id, version=0, rules=PolicyRules.model_validate({}), changed_at_ms=None
        )
    told = cast("PolicyDocument", document)
    return Policy(
        policy_id=policy_id,
        version=told["version"],
        rules=rules_of(told["rules"]),
        changed_at_ms=told["changed_at_ms"],
    )
