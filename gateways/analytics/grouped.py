"""Measures of sessions, grouped: the text that ClickHouse is asked, and rows as answers have them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, get_args

from gateways.analytics.filters import COLUMNS, Chosen
from gateways.analytics.measures import LARGE, MEASURES, OF_RENDITION, Measure
from gateways.analytics.periods import bad

Group = Literal[
    "none", "time", "asset", "owner", "country", "device", "os", "browser", "player", "referrer", "source",
    "rendition",
]  # fmt: skip
GROUPS: Final = get_args(Group)
Row = dict[str, Any]
_OF_FEW: Final = frozenset(("none", "time", "country", "device", "os", "browser", "source"))


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
    whole: bool = True,
) -> str:
    """One row a group; with `whole` also one of all.

    Columns: key, whole (1: of all), left_out (sessions of robots, where they are), and each measure's name
    with `m_` before it (columns of the table have the same names). Parameters: those of `chosen`. `limit` 0:
    all groups.
    """
    columns = ", ".join(f"{measure.formula} AS m_{name}" for name, measure in measures.items())
    table = "{views} FINAL"
    if group == "none":
        return (
            f"WITH {chosen.kept} AS kept "  # noqa: S608  # bound where it is a caller's
            f"SELECT '' AS key, 1 AS whole, countIf(NOT kept) AS left_out, {columns} "
            f"FROM {table} WHERE {chosen.among}"
        )
    if group == "rendition":
        table += " ARRAY JOIN mapKeys(rendition_ms) AS rendition, mapValues(rendition_ms) AS rendition_time"
    key = bucket_sql(edges, "started_s", 1000) if group == "time" else COLUMNS.get(group, group)
    rank = f"m_{order} DESC NULLS LAST, key" if order else "key"
    if not whole:
        sql = (
            f"WITH 1 AS kept SELECT {key} AS key, 0 AS whole, 0 AS left_out, {columns} "  # noqa: S608
            f"FROM {table} WHERE {chosen.where} GROUP BY key ORDER BY {rank}"
        )
    else:
        sql = (
            f"WITH {chosen.kept} AS kept "  # noqa: S608
            f"SELECT {key} AS key, grouping(key) AS whole, countIf(NOT kept) AS left_out, {columns} "
            f"FROM {table} WHERE {chosen.among} GROUP BY key WITH ROLLUP "
            f"HAVING whole OR countIf(kept) > 0 ORDER BY whole DESC, {rank}"
        )
    return f"{sql} LIMIT {limit + whole}" if limit else sql


def together(measures: Mapping[str, Measure], group: str, chosen: Chosen) -> bool:
    """Whether the rows of all are best had with the groups': by adding up what ClickHouse keeps for each. Of
    many groups with large measures that costs more than to ask for all once more.
    """
    few = group in _OF_FEW or "asset" in chosen.parameters or "owner" in chosen.parameters
    return group != "rendition" and (few or LARGE.isdisjoint(measures))


def bucket_sql(edges: Sequence[int], column: str, unit_ms: int = 1) -> str:
    """The last of `edges` (milliseconds) at or before `column`, which counts units of `unit_ms`."""
    first = edges[0] // unit_ms
    steps = {(after - before) // unit_ms for before, after in pairwise(edges)} or {1 << 40}
    if len(steps) == 1:  # a division is faster
        [step] = steps
        return f"toInt64({first} + intDiv({column} - {first}, {step}) * {step}) * {unit_ms}"
    borders = ", ".join(f"toInt64({edge // unit_ms})" for edge in edges)
    return f"roundDown(toInt64({column}), [{borders}]) * {unit_ms}"


class Found(NamedTuple):
    """Rows of groups, that of all, and how many sessions were left out."""

    rows: list[Row]
    whole: Row
    left_out: int


def split(found: Sequence[Mapping[str, Any]], measures: Mapping[str, Measure], group: str) -> Found:
    """What `grouped_sql` was answered; of no session at all where the row of all did not come."""
    name = "at_ms" if group == "time" else "key"
    rows: list[Row] = []
    whole, left_out = empty(measures), 0
    for row in found:
        values = {measure: rounded(row[f"m_{measure}"]) for measure in measures}
        if not row["whole"]:
            rows.append({name: row["key"], **values})
        else:
            whole, left_out = values, row["left_out"]
    return Found(rows, whole, left_out)


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
