"""Every route of the identity service, in one list."""

from __future__ import annotations

from typing import Final

from gateways.core.idempotency import HEADERS as IDEMPOTENT
from gateways.core.permissions import (
    ACCOUNT_SELF,
    AUDIT_READ,
    PUBLIC,
    SESSION,
    SIGNING_ROTATE,
    USERS_READ,
    USERS_WRITE,
)
from gateways.core.rates import SIGN_IN
from gateways.core.routes import Route
from gateways.core.signing_in import SESSION_ROUTES
from gateways.identity import audit, keys, links, me, models, sessions, signing, users
from gateways.web.routes import page_routes

_SESSION: Final = "/v1/sessions/{sid:[0-9a-f]{32}}"
_KEY: Final = "/v1/api-keys/{key_id:[0-9a-f]{16}}"
_USER: Final = "/v1/users/{account_id:[0-9a-f]{32}}"
_CHANGE: Final = ("conflict", "unavailable")
_MISSING: Final = ("not-found", "unavailable")

_SESSIONS: Final = (
    Route(
        method="POST", path="/v1/sessions", handler=sessions.sign_in, permission=PUBLIC, status=201,
        summary="Sign in with an address and a password", body=models.SignIn, response=models.Tokens,
        problems=("bad-credential", "too-many-requests", "overloaded", *_CHANGE), tag="sessions",
        timeout_s=20.0, limits=SIGN_IN,
    ),
    Route(
        method="POST", path="/v1/sessions/refresh", handler=sessions.refresh, permission=PUBLIC,
        summary="The next access and refresh token", body=models.Refresh, response=models.Tokens,
        problems=("bad-credential", *_CHANGE), tag="sessions", limits=SIGN_IN,
    ),
    Route(
        method="GET", path="/v1/sessions", handler=sessions.list_sessions, permission=ACCOUNT_SELF,
        summary="One's own login sessions", response=models.LoginSessions, max_body_bytes=0,
        problems=_MISSING, tag="sessions",
    ),
    Route(
        method="DELETE", path="/v1/sessions", handler=sessions.end_others, permission=ACCOUNT_SELF,
        status=204, summary="End all login sessions but this one", max_body_bytes=0, problems=_CHANGE,
        headers=IDEMPOTENT, tag="sessions",
    ),
    Route(
        method="DELETE", path="/v1/sessions/current", handler=sessions.sign_out, permission=SESSION,
        status=204, summary="Sign out", max_body_bytes=0, problems=_CHANGE, headers=IDEMPOTENT,
        tag="sessions",
    ),
    Route(
        method="DELETE", path=_SESSION, handler=sessions.end_one, permission=ACCOUNT_SELF, status=204,
        summary="End one of one's own login sessions", max_body_bytes=0, problems=("not-found", *_CHANGE),
        headers=IDEMPOTENT, tag="sessions",
    ),
)  # fmt: skip

_ME: Final = (
    Route(
        method="GET", path="/v1/me", handler=me.show, permission=ACCOUNT_SELF, summary="One's own account",
        response=models.Me, max_body_bytes=0, problems=_MISSING, tag="me",
    ),
    Route(
        method="PATCH", path="/v1/me", handler=me.change_profile, permission=ACCOUNT_SELF,
        summary="Change one's name", body=models.Profile, response=models.Me,
        problems=("not-found", *_CHANGE), headers=IDEMPOTENT, tag="me",
    ),
    Route(
        method="POST", path="/v1/me/password", handler=me.change_password, permission=ACCOUNT_SELF,
        status=204, summary="Change the password; ends all other login sessions", body=models.PasswordChange,
        problems=("not-found", "too-many-requests", "overloaded", *_CHANGE), headers=IDEMPOTENT, tag="me",
        timeout_s=20.0, limits=SIGN_IN,
    ),
    Route(
        method="DELETE", path="/v1/me", handler=me.erase, permission=ACCOUNT_SELF, status=202,
        summary="Have everything personal forgotten, for ever; shortly after signing in",
        query=models.OwnErasureQuery, response=models.ErasureAccepted, max_body_bytes=0,
        problems=("not-found", *_CHANGE), headers=IDEMPOTENT, tag="me",
    ),
)  # fmt: skip

_KEYS: Final = (
    Route(
        method="POST", path="/v1/api-keys", handler=keys.create, permission=ACCOUNT_SELF, status=201,
        summary="Make an API key; it is shown once", body=models.NewApiKey, response=models.NewApiKeyMade,
        problems=("not-found", "idempotency-key-reused", *_CHANGE), headers=IDEMPOTENT, tag="api-keys",
    ),
    Route(
        method="GET", path="/v1/api-keys", handler=keys.list_keys, permission=ACCOUNT_SELF,
        summary="One's own API keys", response=models.ApiKeys, max_body_bytes=0, problems=_MISSING,
        tag="api-keys",
    ),
    Route(
        method="DELETE", path=_KEY, handler=keys.revoke, permission=ACCOUNT_SELF, status=204,
        summary="Revoke an API key", max_body_bytes=0, problems=("not-found", *_CHANGE),
        headers=IDEMPOTENT, tag="api-keys",
    ),
    Route(
        method="POST", path=f"{_KEY}/rotate", handler=keys.rotate, permission=ACCOUNT_SELF, status=201,
        summary="Put a new API key in place of one; both work for a while", body=models.Rotation,
        response=models.NewApiKeyMade, problems=("not-found", "idempotency-key-reused", *_CHANGE),
        headers=IDEMPOTENT, tag="api-keys",
    ),
)  # fmt: skip

_USERS: Final = (
    Route(
        method="GET", path="/v1/users", handler=users.list_users, permission=USERS_READ,
        summary="Accounts, newest first", query=models.UsersQuery, response=models.UserPage,
        max_body_bytes=0, problems=("unavailable",), tag="users",
    ),
    Route(
        method="POST", path="/v1/users", handler=users.create, permission=USERS_WRITE, status=201,
        summary="Open an account with a password", body=models.NewUser, response=models.User,
        problems=("overloaded", "idempotency-key-reused", *_CHANGE), headers=IDEMPOTENT, tag="users",
        timeout_s=20.0,
    ),
    Route(
        method="POST", path="/v1/invitations", handler=users.invite, permission=USERS_WRITE, status=201,
        summary="Open an account by a one-time link", body=models.Invitation, response=models.OneTimeLink,
        problems=("idempotency-key-reused", *_CHANGE), headers=IDEMPOTENT, tag="users", timeout_s=20.0,
    ),
    Route(
        method="GET", path=_USER, handler=users.show, permission=USERS_READ, summary="One account",
        response=models.User, max_body_bytes=0, problems=_MISSING, tag="users",
    ),
    Route(
        method="PATCH", path=_USER, handler=users.change, permission=USERS_WRITE,
        summary="Change roles, disable, enable", body=models.UserChange, response=models.User,
        problems=("not-found", *_CHANGE), headers=IDEMPOTENT, tag="users",
    ),
    Route(
        method="DELETE", path=_USER, handler=users.erase, permission=USERS_WRITE, status=202,
        summary="Have everything personal of an account forgotten, for ever", query=models.ErasureQuery,
        response=models.ErasureAccepted, max_body_bytes=0, problems=("not-found", *_CHANGE),
        headers=IDEMPOTENT, tag="users",
    ),
    Route(
        method="POST", path=f"{_USER}/reset-link", handler=users.reset_link, permission=USERS_WRITE,
        status=201, summary="A one-time link that sets a password", body=models.LinkWish,
        response=models.OneTimeLink, problems=("not-found", "idempotency-key-reused", *_CHANGE),
        headers=IDEMPOTENT, tag="users",
    ),
    Route(
        method="POST", path="/v1/one-time-links/redeem", handler=links.redeem, permission=PUBLIC, status=201,
        summary="Set a password with a one-time link", body=models.Redemption, response=models.Redeemed,
        problems=("bad-credential", "overloaded", *_CHANGE), tag="users", timeout_s=20.0, limits=SIGN_IN,
    ),
)  # fmt: skip

ROUTES: Final[tuple[Route, ...]] = (
    *SESSION_ROUTES,
    *_SESSIONS,
    *_ME,
    *_KEYS,
    *_USERS,
    Route(
        method="GET", path="/v1/audit", handler=audit.show, permission=AUDIT_READ,
        summary="What privileged people did", query=models.AuditQuery, response=models.AuditPage,
        max_body_bytes=0, problems=("unavailable",), tag="audit",
    ),
    Route(
        method="GET", path="/.well-known/jwks.json", handler=signing.jwks, permission=PUBLIC,
        summary="Public keys of session tokens", response=models.Jwks, max_body_bytes=0,
        problems=("unavailable",), tag="signing",
    ),
    Route(
        method="POST", path="/v1/signing-keys", handler=signing.rotate, permission=SIGNING_ROTATE, status=201,
        summary="A new key for session tokens", body=models.SigningRotation, response=models.SigningKeyMade,
        problems=_CHANGE, headers=IDEMPOTENT, tag="signing",
    ),
    *page_routes("identity"),
)  # fmt: skip
