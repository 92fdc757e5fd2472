"""A room's screening rules over HTTP: read, replaced, and tried on what was sent before."""

from __future__ import annotations

from aiohttp import web

from gateways.chat.acting import decided_act
from gateways.chat.context import Chat, chat_of
from gateways.chat.desk_models import Screening, ScreeningChange, ScreeningQuery, Trial
from gateways.chat.models import Done
from gateways.chat.rooms import known
from gateways.chat.trial import tried
from gateways.core.endpoint import body_of, json_response, query_of
from gateways.core.problem import Problem
from gateways.core.projections import in_time
from schemas.chat.screening import DEFAULT_RULES_TEXT, RulesUnfit, ScreeningRules, rules_from, rules_text
from schemas.chat.views import RoomDocument, screening_suffix


async def read(request: web.Request) -> web.Response:
    """Those that apply now, or one of the versions before."""
    chat, room, query = chat_of(request), await known(request), query_of(request, ScreeningQuery)
    version = room["rules_version"] if query.version is None else query.version
    document = await _document(chat, room, version)
    if document is None:
        raise Problem("not-found", f"There is no version {version} of this room's rules any more, or yet.")
    return json_response(Screening(version=version, newest=room["rules_version"], rules=rules_from(document)))


async def replace(request: web.Request) -> web.Response:
    """The next version."""
    room, body = await known(request), body_of(request, ScreeningChange)
    data = {"rules": _text(body.rules), "based_on": body.based_on}
    await decided_act(request, room, "ScreeningChangeRequested", data, "")
    return json_response(Done(id=room["room_id"]))


async def trial(request: web.Request) -> web.Response:
    """What other rules would have held, rejected or let through of what was sent before."""
    chat, room, body = chat_of(request), await known(request), body_of(request, Trial)
    return json_response(await tried(chat, room, _text(body.rules), body.from_ms, body.to_ms, body.most))


async def _document(chat: Chat, room: RoomDocument, version: int) -> str | None:
    if version == 0:
        return DEFAULT_RULES_TEXT
    view = await chat.projections.pin(chat.desk)
    where = f"{view.tag_of(room['room_id'])}:{screening_suffix(room['room_id'])}"
    raw = await in_time(chat.redis.hget(where, str(version)))
    return None if raw is None else raw.decode()


def _text(rules: ScreeningRules) -> str:
    try:
        return rules_text(rules)
    except RulesUnfit as unfit:
        raise Problem("validation", str(unfit)) from unfit
