"""Which sessions are asked about: filters as the query says them, and as ClickHouse is asked.

Values are always bound by the server, never pasted into a text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateways.analytics.periods import DAY_MS, Span, bad
from gateways.core.owning import require_owner
from gateways.core.permissions import ANALYTICS_READ
from gateways.core.principal import principal_of

DIMENSIONS: Final = ("asset", "owner", "country", "device", "os", "browser", "player", "referrer", "source")
COLUMNS: Final = {name: f"{name}_id" if name in ("asset", "owner") else name for name in DIMENSIONS}
MOST_VALUES: Final = 50
MOST_CHARS: Final = 100
MOST_ENCODED: Final = 6000  # ClickHouse is asked by a URL
Listed = Annotated[str, Field(max_length=400, description="one value, or some with commas between them")]
Bots = Literal["exclude", "include", "only"]


class Filters(BaseModel):
    """What every question about sessions takes. An unknown name is an error: it would ask for more."""

    model_config = ConfigDict(extra="forbid")

    from_: str = Field("", alias="from", description="RFC 3339 with its offset, or ms; default: 30 days ago")
    to: str = Field("", description="until before; default: now")
    asset: Listed = ""
    owner: Listed = ""
    country: Listed = ""
    device: Listed = ""
    os: Listed = ""
    browser: Listed = ""
    player: Listed = ""
    referrer: Listed = ""
    source: Listed = ""
    bots: Bots = "exclude"


F = TypeVar("F", bound=Filters)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which sessions are asked about: `among` but for robots, of whom `kept` says which are meant.

    Both name parameters of `parameters`.
    """

    among: str
    kept: str
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """Both together."""
        return f"{self.among} AND {self.kept}"

    def within(self, span: Span, *, before_days: int = 0, started: bool = True) -> Chosen:
        """Those that began in `span`, by whole seconds. With `before_days` the time is left to the asker, and
        days are taken from that many earlier; without `started` it is asked of the column `at_ms`.
        """
        day = "day BETWEEN {first_day:Date} AND {last_day:Date}"
        if before_days:
            exactly = ""
        elif started:
            exactly = "started_s >= {from_s:UInt32} AND started_s < {to_s:UInt32} AND "
        else:
            exactly = "at_ms >= {from_ms:Int64} AND at_ms < {to_ms:Int64} AND "
        return replace(
            self,
            among=f"{day} AND {exactly}{self.among}",
            parameters={
                **self.parameters,
                "first_day": day_of(span.from_ms - before_days * DAY_MS), "last_day": day_of(span.to_ms - 1),
                "from_ms": span.from_ms, "to_ms": span.to_ms,
                "from_s": span.from_ms // 1000, "to_s": span.to_ms // 1000,
            },
        )  # fmt: skip


def day_of(at_ms: int) -> str:
    """The UTC day, as ClickHouse reads it."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat()


def chosen(filters: Filters, *, known: bool = True) -> Chosen:
    """The sessions of these filters; `known`: of films that there are only. Raises a Problem 400."""
    parts, parameters = [], {}
    for name, column in COLUMNS.items():
        text = getattr(filters, name)
        if not text:
            continue
        parameters[name] = _values(name, text)
        parts.append(f"{column} IN {{{name}:Array(String)}}")
    if len(urlencode(parameters)) > MOST_ENCODED:
        raise bad("The filters name too many values: ask with fewer of them.")
    kept = {"exclude": "NOT bot", "only": "bot", "include": "1"}[filters.bots]
    return Chosen(" AND ".join([*parts, "known" if known else "1"]), kept, parameters)


def _values(name: str, text: str) -> list[str]:
    values = sorted(set(text.split(",")))
    if len(values) > MOST_VALUES or any(
        len(value) > MOST_CHARS or not value.isprintable() for value in values
    ):
        raise bad(f"{name}: send at most {MOST_VALUES} values of at most {MOST_CHARS} readable characters.")
    return values


def own_only(request: web.Request, filters: F) -> F:
    """The filters that the caller may ask with: who may see their own numbers only asks for these.

    Raises a Problem 403 if they asked for somebody else's.
    """
    principal = principal_of(request)
    if principal.may(ANALYTICS_READ):
        return filters
    require_owner(request, filters.owner or principal.owner_id)
    return filters.model_copy(update={"owner": principal.owner_id})
