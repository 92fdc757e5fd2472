"""The analytics domain's projections: what projectors write and gateways read, and the domain's ids.

In ClickHouse (columns and their reasons: `schemas.analytics.tables`, `schemas.analytics.facts`):

    analytics_views      one row a playback session, replaced as more of it is heard; read with FINAL
    analytics_beats      one row a report, with its beats as nested arrays: what players said, word for word
    analytics_delivery   bytes sent, by report of the streaming gateway and rendition; read with FINAL
    analytics_steps      one row for each step that something took (uploads, encodes, licences); with FINAL

In Redis, under `schemas.keys.tag(analytics.live, version, partition)`:

    {tag}:watching       sorted set: `<view_id><asset_id>` (the first 32 characters are the view) by until
                         when it counts as watched, milliseconds since 1970; above now: watched now.
                         Paused and ended sessions are taken out, silent ones run out; what ran out
                         KEEP_WATCHED_MS ago is removed as later events come.
"""

from __future__ import annotations

from typing import Final

PLAYBACK: Final = "analytics.playback.events"
VIEW: Final = "analytics.view.events"
LIVE: Final = "analytics.live"  # reads analytics.view.events, by view id
WATCHING: Final = "watching"  # suffix of its sorted set
VIEWS: Final = "analytics_views"  # ClickHouse tables
BEATS: Final = "analytics_beats"
DELIVERY: Final = "analytics_delivery"
STEPS: Final = "analytics_steps"

WATCHED_MS: Final = 45_000  # after its last beat a session counts as watched; players speak every 10 to 30 s
KEEP_WATCHED_MS: Final = 600_000

BEATS_REPORTED: Final = "kinolog.analytics.BeatsReported"
SEGMENTS_SERVED: Final = "kinolog.analytics.SegmentsServed"
VIEW_MEASURED: Final = "kinolog.analytics.ViewMeasured"

MOST_BEATS: Final = 100  # of one report
MOST_RUNS: Final = 100  # of consecutive beats that are kept of a session: one with more gaps is approximate
MOST_SEGMENTS: Final = 1000  # of one report of the streaming gateway
UNSEEN: Final = "asset:"  # begins the key of segments that no session asked for


def view_id_of_watching(member: str) -> tuple[str, str]:
    """(view_id, asset_id) of a member of the sorted set."""
    return member[:32], member[32:]
