"""What the identity service says and hears, as pydantic models: the API's contract."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from gateways.core.reasons import Reason

AuditAct = Literal[
    "account.open", "link.issue", "account.change", "account.erase", "signing.rotate",
    "asset.change", "asset.protect", "asset.delete", "asset.transfer",
    "chat.sanction", "chat.purge", "chat.remove", "chat.review", "chat.pin", "chat.room", "chat.screening",
    "chat.moderators", "chat.members",
    "drm.policy", "drm.access", "drm.stop", "drm.right", "drm.device", "drm.stream",
]  # fmt: skip
Films = Literal["delete", "transfer"]
AccountState = Literal["invited", "active", "disabled", "erased"]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Email = Annotated[str, Field(max_length=320, description="one e-mail address")]
Roles = Annotated[list[str], Field(max_length=16, description="names of roles")]


class Strict(BaseModel):
    """Input: an unknown field is an error, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid")


class SignIn(Strict):
    """An address and its password."""

    email: Email
    password: SecretStr = Field(max_length=1024)
    cookie: bool = Field(
        default=False, description="true: the session stands in a cookie (browsers); false: tokens (programs)"
    )


class Refresh(Strict):
    """A refresh token. It works once; where the answer was lost, the same request has the same new refresh
    token for 10 s, as long as that one is unused. Later, or after that, it ends the login session."""

    refresh_token: SecretStr = Field(max_length=512)


class Tokens(BaseModel):
    """A login session. Without a cookie, with its tokens."""

    account_id: str
    sid: str
    roles: list[str]
    permissions: list[str]
    expires_at_ms: int = Field(description="when the login session ends by itself")
    access_token: str | None = Field(description="send it as 'Authorization: Bearer'; null with a cookie")
    access_expires_at_ms: int | None
    refresh_token: str | None = Field(description="gives the next pair, once; null with a cookie")


class LoginSession(BaseModel):
    """One of one's own login sessions."""

    sid: str
    current: bool = Field(description="whether this request stands on it")
    started_at_ms: int
    expires_at_ms: int
    agent: str | None = Field(description="the client's User-Agent")
    country: str | None


class LoginSessions(BaseModel):
    """Those that run, newest first."""

    items: list[LoginSession]


class User(BaseModel):
    """An account as administrators see it."""

    id: str
    state: AccountState
    roles: list[str]
    email: str | None
    display_name: str | None
    created_at_ms: int
    updated_at_ms: int
    session_count: int
    api_key_count: int


class Me(User):
    """One's own account."""

    permissions: list[str] = Field(description="what this credential may do")


class UserPage(BaseModel):
    """Accounts, newest first."""

    items: list[User]
    next_cursor: str | None = Field(description="null on the last page")


class UsersQuery(Strict):
    """Of the list of accounts."""

    limit: int = Field(default=50, ge=1, le=200, description="items on a page")
    cursor: str | None = Field(default=None, max_length=512, description="`next_cursor` of the page before")


class Profile(Strict):
    """What the owner may change."""

    display_name: Line | None = Field(description="1 to 200 characters; null: none")


class PasswordChange(Strict):
    """The old password proves that it is you."""

    current_password: SecretStr = Field(max_length=1024)
    new_password: SecretStr = Field(max_length=1024, description="10 to 256 characters")


class NewUser(Strict):
    """An account that is active at once."""

    email: Email
    password: SecretStr = Field(max_length=1024, description="10 to 256 characters")
    display_name: Line | None = None
    roles: Roles
    reason: Reason


class Invitation(Strict):
    """An account that its owner activates by a link."""

    email: Email
    display_name: Line | None = None
    roles: Roles
    reason: Reason


class LinkWish(Strict):
    """Why a link is given out."""

    reason: Reason


class OneTimeLink(BaseModel):
    """A one-time link: shown once, works once."""

    account_id: str
    token: str = Field(description="POST /v1/one-time-links/redeem takes it")
    expires_at_ms: int


class Redemption(Strict):
    """Sets the password."""

    token: SecretStr = Field(max_length=512)
    password: SecretStr = Field(max_length=1024, description="10 to 256 characters")
    display_name: Line | None = None


class Redeemed(BaseModel):
    """The account may sign in with the new password."""

    account_id: str


class UserChange(Strict):
    """What is to be other; what is left out stays."""

    roles: Roles | None = None
    disabled: bool | None = Field(default=None, description="true ends its login sessions too")
    reason: Reason


class OwnErasureQuery(Strict):
    """Of one's own erasure."""

    reason: Reason
    films: Films = Field(
        default="delete", description="what becomes of the films: delete, or transfer (to the administrator)"
    )


class ErasureQuery(Strict):
    """Of somebody's erasure."""

    reason: Reason
    films: Films = Field(
        default="delete", description="what becomes of the films: delete, or transfer (to heir_id)"
    )
    heir_id: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{32}$",
        description="the account that gets transferred films",
    )  # fmt: skip


class ErasureAccepted(BaseModel):
    """The account may do nothing any more; what is known of the person is being forgotten."""

    account_id: str
    request_id: str


class NewApiKey(Strict):
    """An API key for one's own account."""

    name: Line
    scopes: list[str] = Field(min_length=1, max_length=64, description="permissions")
    expires_at_ms: int | None = Field(
        default=None, ge=0, le=2**53, description="milliseconds since 1970; null: until it is revoked"
    )


class Rotation(Strict):
    """How long both keys work."""

    overlap_s: int = Field(default=86_400, ge=0, le=30 * 86_400)


class ApiKey(BaseModel):
    """An API key, without its secret."""

    id: str
    name: str | None
    prefix: str
    scopes: list[str]
    created_at_ms: int
    expires_at_ms: int | None
    last_used_at_ms: int | None = Field(description="to about an hour")
    replaced_by: str | None
    ends_at_ms: int | None = Field(description="of a replaced key: until when it works")


class NewApiKeyMade(ApiKey):
    """The one time that the key is shown."""

    api_key: str


class ApiKeys(BaseModel):
    """One's own, newest first."""

    items: list[ApiKey]


class SigningRotation(Strict):
    """A new key pair for session tokens."""

    at_once: bool = Field(default=False, description="true: refuse every token signed so far, from now on")
    reason: Reason


class SigningKeyMade(BaseModel):
    """The new key pair."""

    kid: str
    signs_from_ms: int


class Jwks(BaseModel):
    """RFC 7517, 5."""

    keys: list[dict[str, str]]


class AuditQuery(Strict):
    """Of the audit."""

    limit: int = Field(default=50, ge=1, le=200, description="items on a page")
    cursor: str | None = Field(default=None, max_length=512, description="`next_cursor` of the page before")
    actor: str | None = Field(default=None, max_length=64, description="only of this actor")
    account_id: str | None = Field(
        default=None, max_length=64, description="only about this account, its films or its messages"
    )
    act: AuditAct | None = Field(default=None, description="only of this kind")
    since_ms: int = Field(default=0, ge=0, le=2**53, description="not before; milliseconds since 1970")
    until_ms: int = Field(default=2**53, ge=0, le=2**53, description="before")


class AuditEntry(BaseModel):
    """What somebody did with more rights than an owner has."""

    id: str = Field(description="ce_id of the request")
    at_ms: int
    actor: str = Field(
        description="an account's id; administrator: the administrator's key; kinolog: itself; a hash for "
        "somebody of another issuer"
    )
    act: str
    account_id: str | None = Field(
        description="the account that it was done to, or whose thing it was; null where "
        "several are, and where the request names none (chat.review, a message unpinned)"
    )
    account_ids: list[str] | None = Field(description="of several accounts: all of them")
    asset_id: str | None = Field(description="the film that it was done to")
    room_id: str | None = Field(description="the chat room that it was done in")
    result: Literal["done", "refused", "open"]
    code: str | None = Field(description="why it was refused")
    reason: str | None = Field(
        description="as the actor wrote it, in chat a short code; null if none, or if the person was erased"
    )
    roles: list[str] | None = Field(description="the roles that were given, where roles were")
    disabled: bool | None
    visibility: str | None = Field(description="who may see the film from then on, where that was changed")
    title: str | None = Field(description="the film's title from then on, where that was changed")
    films: Films | None = Field(description="of an erasure: what becomes of the films")
    heir_id: str | None = Field(description="who gets the films; null with transfer: the administrator")
    sanction: Literal["timeout", "ban", "shadow", "lift"] | None = Field(description="of chat.sanction")
    on: bool | None = Field(
        description="whether a message was pinned or let through, somebody became a moderator or member, or "
        "licences were switched off; false: the contrary"
    )
    policy_id: str | None = Field(description="the policy that was changed, or that a film was given")
    device_id: str | None = Field(description="whose licences were switched, or that was forgotten")
    right: Literal["bought", "rented", "member", "none"] | None = Field(description="of drm.right")
    access: str | None = Field(description="of drm.access: who may watch the film from then on")
    settings: list[str] | None = Field(description="of chat.room: names of the settings that were changed")


class AuditPage(BaseModel):
    """Newest first."""

    items: list[AuditEntry]
    names: dict[str, str] = Field(
        description="of accounts in the entries, by id: their name, else their address; for callers who may "
        "see accounts. Erased ones have none"
    )
    next_cursor: str | None = Field(description="null on the last page")
