"""What owners, shops and operators call: policies, films, accounts, the licence log and the trial."""

from __future__ import annotations

from typing import Final

from gateways.core.idempotency import HEADERS as IDEMPOTENT
from gateways.core.permissions import DRM_POLICIES, DRM_READ, DRM_RIGHTS, DRM_STOP, SESSION
from gateways.core.routes import Route
from gateways.drm import acts, films, licence_log, naming, policies, policy_history, trial, viewers
from schemas.media.protection import POLICY_PATTERN

ACCOUNT: Final = r"/v1/accounts/{account_id:[A-Za-z0-9._:-]{1,64}}"
DEVICE: Final = f"/devices/{{device_id:{naming.DEVICE}}}"
STREAM: Final = f"/streams/{{stream_id:{naming.STREAM}}}"
FILM: Final = r"/v1/films/{asset_id:[A-Za-z0-9_-]{1,64}}"
POLICY: Final = f"/v1/policies/{{policy_id:{POLICY_PATTERN}}}"
RIGHT: Final = r"/rights/{asset_id:[A-Za-z0-9_*-]{1,64}}"
_CHANGE: Final = ("malformed-request", "not-found", "conflict", "validation", "unavailable")

ADMINISTRATION_ROUTES: Final = (
    Route(
        method="GET", path="/v1/policies", handler=policies.listed, permission=DRM_READ, owned=True,
        response=policies.Policies, summary="All policies", tag="policies",
    ),
    Route(
        method="GET", path=POLICY, handler=policies.show, permission=DRM_READ, owned=True,
        response=policies.Policy, summary="A policy", tag="policies", problems=("not-found",),
    ),
    Route(
        method="GET", path=f"{POLICY}/versions", handler=policy_history.versions, permission=DRM_READ,
        owned=True, query=policy_history.VersionsQuery, response=policy_history.PolicyVersions,
        summary="What a policy said before, and who wrote it", tag="policies",
        problems=("not-found", "unavailable"),
    ),
    Route(
        method="PUT", path=POLICY, handler=policies.change, permission=DRM_POLICIES,
        body=policies.PolicyChange, response=policies.Policy, summary="Make or change a policy",
        headers=IDEMPOTENT, tag="policies", problems=_CHANGE,
    ),
    Route(
        method="GET", path=FILM, handler=films.show, permission=DRM_READ, owned=True,
        response=films.FilmAccess, summary="A protected film: keys' ids, access and policy", tag="films",
        problems=("not-found",),
    ),
    Route(
        method="PATCH", path=FILM, handler=films.change, permission=DRM_POLICIES, owned=True,
        body=films.AccessChange, response=films.FilmAccess, headers=IDEMPOTENT,
        summary="Say who may watch a film, by which policy", tag="films", problems=_CHANGE,
    ),
    Route(
        method="PUT", path=f"{FILM}/stop", handler=films.switch, permission=DRM_STOP, owned=True,
        body=films.FilmStop, response=films.FilmAccess, summary="Switch licences of a film off or on",
        headers=IDEMPOTENT, tag="films", problems=_CHANGE,
    ),
    Route(
        method="GET", path="/v1/me", handler=viewers.mine, permission=SESSION,
        response=viewers.ViewerAccount, summary="One's own rights, devices and streams", tag="accounts",
        problems=("forbidden",),
    ),
    Route(
        method="DELETE", path=f"/v1/me{DEVICE}", handler=acts.forget_own_device, permission=SESSION,
        response=viewers.ViewerAccount, summary="Forget a device of one's own", tag="accounts",
        problems=("forbidden", *_CHANGE), headers=IDEMPOTENT,
    ),
    Route(
        method="DELETE", path=f"/v1/me{STREAM}", handler=acts.end_own_stream, permission=SESSION,
        response=viewers.ViewerAccount, summary="End what plays on a device of one's own", tag="accounts",
        problems=("forbidden", *_CHANGE), headers=IDEMPOTENT,
    ),
    Route(
        method="GET", path=ACCOUNT, handler=viewers.theirs, permission=DRM_READ,
        response=viewers.ViewerAccount, summary="An account's rights, devices and streams", tag="accounts",
        problems=("not-found",),
    ),
    Route(
        method="PUT", path=f"{ACCOUNT}{RIGHT}", handler=acts.give_right, permission=DRM_RIGHTS,
        body=acts.RightGiven, response=viewers.ViewerAccount, summary="Give a right to a film",
        tag="accounts", problems=_CHANGE, headers=IDEMPOTENT,
    ),
    Route(
        method="DELETE", path=f"{ACCOUNT}{RIGHT}", handler=acts.take_right, permission=DRM_RIGHTS,
        response=viewers.ViewerAccount, summary="Take a right to a film back", tag="accounts",
        problems=_CHANGE, headers=IDEMPOTENT,
    ),
    Route(
        method="PUT", path=f"{ACCOUNT}/stop", handler=acts.switch_account, permission=DRM_STOP,
        body=acts.Stopping, response=viewers.ViewerAccount, summary="Switch an account's licences off or on",
        tag="accounts", problems=_CHANGE, headers=IDEMPOTENT,
    ),
    Route(
        method="PUT", path=f"{ACCOUNT}{DEVICE}/stop", handler=acts.switch_device, permission=DRM_STOP,
        body=acts.Stopping, response=viewers.ViewerAccount, summary="Switch a device's licences off or on",
        tag="accounts", problems=_CHANGE, headers=IDEMPOTENT,
    ),
    Route(
        method="DELETE", path=f"{ACCOUNT}{DEVICE}", handler=acts.forget_device, permission=DRM_STOP,
        response=viewers.ViewerAccount, summary="Forget a device", tag="accounts", problems=_CHANGE,
        headers=IDEMPOTENT,
    ),
    Route(
        method="DELETE", path=f"{ACCOUNT}{STREAM}", handler=acts.end_stream, permission=DRM_STOP,
        response=viewers.ViewerAccount, summary="End what plays on a device", tag="accounts",
        problems=_CHANGE, headers=IDEMPOTENT,
    ),
    Route(
        method="GET", path="/v1/licences", handler=licence_log.show, permission=DRM_READ, owned=True,
        query=licence_log.LogQuery, response=licence_log.LicenceLog, tag="licences",
        summary="Licences that were granted or denied, with the reason",
        problems=("validation", "unavailable"),
    ),
    Route(
        method="POST", path="/v1/decisions", handler=trial.show, permission=DRM_READ, body=trial.Trial,
        response=trial.Decision, summary="Would this viewer get a licence, and if not, why?", tag="licences",
        problems=_CHANGE,
    ),
)  # fmt: skip
