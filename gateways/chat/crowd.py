"""Who belongs to a room, over HTTP: its moderators, members and followers."""

from __future__ import annotations

import orjson
from aiohttp import web

from gateways.chat.acting import decided_act
from gateways.chat.context import Chat, chat_of
from gateways.chat.desk_models import Member, Members
from gateways.chat.models import Done, Person
from gateways.chat.opening import badge_of
from gateways.chat.rooms import account_id_in, known
from gateways.core.endpoint import json_response
from gateways.core.problem import Problem
from gateways.core.projections import in_time
from schemas.chat.views import MemberView, RoomDocument, members_suffix


async def members(request: web.Request) -> web.Response:
    """All of them whose accounts are not erased."""
    chat, room = chat_of(request), await known(request)
    view = await chat.projections.pin(chat.rooms)
    where = f"{view.tag_of(room['room_id'])}:{members_suffix(room['room_id'])}"
    raw = await in_time(chat.redis.hgetall(where))
    found: dict[str, MemberView] = {
        account_id.decode(): orjson.loads(each) for account_id, each in raw.items()
    }
    names = await chat.opener.people.there(found)
    items = [as_member(room, account_id, name, found[account_id]) for account_id, name in names.items()]
    items.sort(key=lambda member: (member.kind != "member", -member.joined_at_ms))
    return json_response(Members(items=items))


async def member_of(chat: Chat, room: RoomDocument, account_id: str) -> MemberView | None:
    """Whether, and since when, an account belongs to the room. Raises RedisError."""
    view = await chat.projections.pin(chat.rooms)
    where = f"{view.tag_of(room['room_id'])}:{members_suffix(room['room_id'])}"
    raw = await in_time(chat.redis.hget(where, account_id))
    found: MemberView | None = None if raw is None else orjson.loads(raw)
    return found


def as_member(room: RoomDocument, account_id: str, name: str | None, view: MemberView) -> Member:
    """A member as moderators see it."""
    person = Person(id=account_id, name=name, badge=badge_of(room, account_id))
    return Member(account=person, kind=view["kind"], joined_at_ms=view["joined_at_ms"])


async def require_account(chat: Chat, account_id: str, *, or_foreign: bool = False) -> None:
    """Problem 404 if there is no such account, or no more. Raises RedisError.

    `or_foreign`: an unknown id may be somebody of another issuer, who moderates without an account here;
    members and those who write all have one.
    """
    state = await chat.opener.people.state(account_id)
    if state == "erased" or (state is None and not or_foreign):
        detail = "There is no such account, or it was erased: give the id of an account that there is."
        raise Problem("not-found", detail, code="account_unknown")


async def add_member(request: web.Request) -> web.Response:
    """Make an account a member."""
    return await _member(request, added=True)


async def remove_member(request: web.Request) -> web.Response:
    """An account is neither member nor follower any more."""
    return await _member(request, added=False)


async def add_moderator(request: web.Request) -> web.Response:
    """The room's owner makes an account a moderator."""
    return await _moderator(request, added=True)


async def remove_moderator(request: web.Request) -> web.Response:
    """The room's owner takes that back."""
    return await _moderator(request, added=False)


async def _member(request: web.Request, *, added: bool) -> web.Response:
    room, account_id = await known(request), account_id_in(request)
    if added:
        await require_account(chat_of(request), account_id)
    data = {"account_ids": [account_id], "kind": "member", "added": added}
    await decided_act(request, room, "MembersChangeRequested", data, f"member {account_id} {added}")
    return json_response(Done(id=account_id))


async def _moderator(request: web.Request, *, added: bool) -> web.Response:
    room, account_id = await known(request), account_id_in(request)
    if added:
        await require_account(chat_of(request), account_id, or_foreign=chat_of(request).foreign)
    data = {"account_id": account_id, "added": added}
    await decided_act(request, room, "ModeratorChangeRequested", data, f"moderator {account_id} {added}")
    return json_response(Done(id=account_id))
