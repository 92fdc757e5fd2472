"""Every metric of every process, in one list: name, unit, labels, meaning.

Units stand in the names (`_seconds`, `_bytes`, `_total` for counts). Call `initialise(topology)` at start:
series whose labels are known from the map then exist at zero, so that "no data" never means "none yet".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final, NamedTuple

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from schemas.catalog import Topology

_FAST: Final = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LONG: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

DROP_REASONS: Final = ("known_offset", "known_src", "repeated_request")
RENDITIONS: Final = ("360p", "480p", "720p", "1080p", "1440p", "2160p", "source", "audio")
WORK_RESULTS: Final = ("done", "failed", "lease_lost", "dropped")


class Metric(NamedTuple):
    """One entry of the list as docs and tests see it."""

    name: str
    kind: str
    doc: str
    labels: tuple[str, ...]


# -- the log --
EVENTS_READ = Counter("kinolog_events_read_total", "Events an agent took from its topic.", ["agent"])
EVENTS_DROPPED = Counter(
    "kinolog_events_dropped_total", "Events an agent already had, by how it knew.", ["agent", "reason"]
)
EVENTS_WRITTEN = Counter("kinolog_events_written_total", "Events handed to the producer.", ["topic"])
DEAD_LETTERS = Counter("kinolog_dead_letters_total", "Records put into <topic>.dlq.", ["topic"])
BATCH_SECONDS = Histogram(
    "kinolog_batch_seconds",
    "One batch of an agent, from read to acknowledged, seconds.",
    ["agent"],
    buckets=_FAST,
)
EVENT_AGE_SECONDS = Histogram(
    "kinolog_event_age_seconds",
    "Age of a batch's newest event when its result was visible, seconds.",
    ["agent"],
    buckets=_FAST,
)
RETRIES = Counter("kinolog_retries_total", "Attempts of an agent's handler after the first.", ["agent"])
FENCE = Gauge("kinolog_fence_offset", "Last offset an agent applied, per partition.", ["agent", "partition"])
LAG = Gauge(
    "kinolog_lag_events", "Events between an agent's fence and the end of the log.", ["agent", "partition"]
)
FENCE_REFUSED = Counter(
    "kinolog_fence_refused_total", "Writes refused because another process moved the fence.", ["agent"]
)
PRODUCER_ERRORS = Counter("kinolog_producer_errors_total", "Errors the producer reported and retries.", [])
PUBLISH_SECONDS = Histogram(
    "kinolog_publish_seconds",
    "From publish to the broker's acknowledgement, seconds.",
    ["topic"],
    buckets=_FAST,
)
TIMERS_WAITING = Gauge("kinolog_timers_waiting", "Timers that are set and not yet due.", [])

# -- work --
WORK_RUNNING = Gauge("kinolog_work_running", "Jobs running in this process.", ["agent"])
WORK_DONE = Counter("kinolog_work_total", "Jobs ended, by result.", ["agent", "result"])
WORK_SECONDS = Histogram(
    "kinolog_work_seconds", "One job from lease to report, seconds.", ["agent"], buckets=_LONG
)
ENCODED_FRAMES = Counter("kinolog_encoded_frames_total", "Frames encoded.", ["rendition"])
ENCODED_BYTES = Counter("kinolog_encoded_bytes_total", "Bytes of finished segments.", ["rendition"])

# -- chat --
CHAT_DELIVERIES = Counter(
    "kinolog_chat_deliveries_total", "Messages and other deltas of rooms written to clients.", []
)
CHAT_LISTENERS = Gauge("kinolog_chat_listeners", "Connections that listen to a room, once for each room.", [])
CHAT_CUT = Counter("kinolog_chat_cut_total", "Connections cut off because they did not read.", [])

# -- analytics --
BEATS = Counter("kinolog_beats_total", "Beats of players that were taken.", ["source"])
BEATS_REFUSED = Counter(
    "kinolog_beats_refused_total",
    "Beats, reports and lines of CMCD that were not taken, by reason.",
    ["reason"],
)
BEATS_ODD = Counter(
    "kinolog_beats_odd_total",
    "Beats that were taken and are not as they should be: the field that was clamped, unknown_video, "
    "film_unread, bot.",
    ["reason"],
)
SEGMENTS_UNTOLD = Counter(
    "kinolog_segments_untold_total",
    "Delivered segments that analytics was not told of, by reason.",
    ["reason"],
)

# -- gateways --
HTTP_SECONDS = Histogram(
    "kinolog_http_seconds",
    "One request from its first byte to the answer's head, seconds.",
    ["service", "method", "route", "status"],
    buckets=_FAST,
)
HTTP_RUNNING = Gauge("kinolog_http_running", "Requests being answered.", ["service"])
HTTP_REFUSED = Counter(
    "kinolog_http_refused_total",
    "Requests refused before their handler, by problem type.",
    ["service", "reason"],
)
LIMITS_LOCAL = Counter(
    "kinolog_limits_local_total", "Requests counted in one process alone, because Redis did not answer.", []
)
LOAD_LIMIT = Gauge("kinolog_load_limit", "Requests that may be in flight at once.", ["service"])
LOAD_SHED = Counter(
    "kinolog_load_shed_total",
    "Requests refused because too many are in flight, nearly all of them before kinolog_http_seconds.",
    ["service", "priority"],
)
UPLOAD_BYTES = Counter("kinolog_upload_bytes_total", "Bytes of sources received.", [])
MEDIA_BYTES = Counter("kinolog_media_bytes_total", "Bytes of segments sent to players.", [])
STREAMS_OPEN = Gauge("kinolog_streams_open", "Server-sent event streams that are open.", ["service"])
PUSHES = Counter("kinolog_pushes_total", "Messages pushed to clients.", ["service"])

ALL: Final[tuple[MetricWrapperBase, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricWrapperBase)
)


def initialise(topology: Topology) -> None:
    """Make every series at zero whose label values the map, or a closed list here, tells."""
    known: dict[str, tuple[str, ...]] = {
        "agent": tuple(topology.agents),
        "topic": tuple(topology.topics),
        "service": tuple(topology.services),
        "reason": DROP_REASONS,
        "result": WORK_RESULTS,
        "rendition": RENDITIONS,
    }
    for metric in ALL:
        labels = metric._labelnames
        if labels and metric is not HTTP_REFUSED and all(label in known for label in labels):
            for values in product(*(known[label] for label in labels)):
                metric.labels(*values)


def listed(metrics: Iterable[MetricWrapperBase] = ALL) -> Iterator[Metric]:
    """The list as data, for docs and tests. Names as Prometheus shows them."""
    for metric in metrics:
        suffix = "_total" if metric._type == "counter" else ""
        yield Metric(
            metric._name + suffix, str(metric._type), metric._documentation, tuple(metric._labelnames)
        )


def registry() -> CollectorRegistry:
    """The registry that /metrics exposes."""
    return REGISTRY
