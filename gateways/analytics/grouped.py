"""Measures of sessions, grouped: the text that ClickHouse is asked, and rows as answers have them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal, get_args

from gateways.analytics.filters import COLUMNS, Chosen
from gateways.analytics.measures import MEASURES, OF_RENDITION, Measure
from gateways.analytics.periods import bad

Group = Literal[
    "none", "time", "asset", "owner", "country", "device", "os", "browser", "player", "referrer", "source",
    "rendition",
]  # fmt: skip
GROUPS: Final = get_args(Group)
Row = dict[str, Any]
_OF_FEW: Final = frozenset(("time", "country", "device", "os", "browser", "source"))
"""Groups so few that their states are added up for the totals; of many, asking once more costs less."""


def measures_of(names: Sequence[str], group: str) -> dict[str, Measure]:
    """The measures of these names. Raises a Problem 400 for what there is not."""
    known = OF_RENDITION if group == "rendition" else MEASURES
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        beside = " by rendition" if group == "rendition" else ""
        raise bad(f"metrics: {', '.join(unknown)[:200] or 'none'}; there are{beside} {', '.join(known)}.")
    return {name: known[name] for name in names}


def grouped_sql(
    measures: Mapping[str, Measure],
    group: str,
    chosen: Chosen,
    *,
    edges: Sequence[int] = (),
    order: str = "",
    limit: int = 0,
) -> str:
    """One row a group, and with `rolled(group)` one more, which is of all: `all_of_it` is 1 there.

    Columns: key, all_of_it, and each measure's name with `m_` before it (columns of the table have the same
    names). Parameters: those of `chosen`. `limit` 0: all groups.
    """
    columns = ", ".join(f"{measure.formula} AS m_{name}" for name, measure in measures.items())
    table = "{views} FINAL"
    if group == "none":
        return f"SELECT '' AS key, 1 AS all_of_it, {columns} FROM {table} WHERE {chosen.where}"  # noqa: S608
    if group == "rendition":
        table += " ARRAY JOIN mapKeys(rendition_ms) AS rendition, mapValues(rendition_ms) AS rendition_time"
        columns = columns.replace("sum(playing_ms)", "sum(rendition_time)")
    key = bucket_sql(edges, "started_at_ms") if group == "time" else COLUMNS.get(group, group)
    total = "grouping(key) AS all_of_it" if rolled(group) else "0 AS all_of_it"
    tail = " WITH ROLLUP" if rolled(group) else ""
    ranked = f"m_{order} DESC NULLS LAST, key" if order else "key"
    return (
        f"SELECT {key} AS key, {total}, {columns} FROM {table} WHERE {chosen.where} "  # noqa: S608
        f"GROUP BY key{tail} ORDER BY all_of_it DESC, {ranked}"
        + (f" LIMIT {limit + rolled(group)}" if limit else "")
    )


def rolled(group: str) -> bool:
    """Whether the row of all comes with those of the groups."""
    return group in _OF_FEW


def bucket_sql(edges: Sequence[int], at_ms: str) -> str:
    """The last of `edges` at or before the time `at_ms`: of even ones a division, which is faster."""
    first = edges[0]
    steps = {after - before for before, after in pairwise(edges)} or {1 << 40}
    if len(steps) == 1:
        [step] = steps
        return f"toInt64({first} + intDiv({at_ms} - {first}, {step}) * {step})"
    return f"roundDown({at_ms}, [{', '.join(f'toInt64({edge})' for edge in edges)}])"


def split(
    found: Sequence[Mapping[str, Any]], measures: Mapping[str, Measure], group: str
) -> tuple[list[Row], Row | None]:
    """The groups' rows, and that of all if it came."""
    name = "at_ms" if group == "time" else "key"
    rows: list[Row] = []
    of_all: Row | None = None
    for row in found:
        values = {measure: rounded(row[f"m_{measure}"]) for measure in measures}
        if row["all_of_it"]:
            of_all = values
        else:
            rows.append({name: row["key"], **values})
    return rows, of_all


def filled(rows: Sequence[Row], edges: Sequence[int], measures: Mapping[str, Measure]) -> list[Row]:
    """One row an interval, those included in which nothing was."""
    by_edge = {row["at_ms"]: row for row in rows}
    nothing = empty(measures)
    return [by_edge.get(edge) or {"at_ms": edge, **nothing} for edge in edges]


def empty(measures: Mapping[str, Measure]) -> Row:
    """The measures of no session at all."""
    return {name: 0 if measure.adds else None for name, measure in measures.items()}


def rounded(value: Any) -> Any:
    """Six digits are more than any share has; NaN is no JSON."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
