"""Logs, traces and metrics."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from prometheus_client import REGISTRY

from schemas.catalog import load_topology
from streams.core import metrics, tracing
from streams.core.logging import configure_logging, get_logger
from streams.core.settings import Settings

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(Settings(log_level="INFO"), "worker:media", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object_with_process_and_trace(out: io.StringIO) -> None:
    with tracing.tracing(TRACE):
        get_logger("here").info("done", size_bytes=5)
    get_logger("here").debug("not shown")
    [line] = _lines(out)
    assert line.pop("timestamp")
    assert line == {
        "event": "done", "size_bytes": 5, "level": "info", "logger": "here", "process": "worker:media",
        "trace_id": "a" * 32,
    }  # fmt: skip


def test_libraries_speak_in_the_same_form(out: io.StringIO) -> None:
    logging.getLogger("some.library").warning("lost %s of %d", "one", 3)
    [line] = _lines(out)
    assert (line["event"], line["logger"], line["process"]) == (
        "lost one of 3",
        "some.library",
        "worker:media",
    )


def test_exceptions_and_secrets(out: io.StringIO) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        get_logger().exception("failed", password="hunter2", key=object())
    [line] = _lines(out)
    assert line["password"] == "(hidden)"
    assert "broken" in json.dumps(line["exception"])
    assert "hunter2" not in out.getvalue()


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.usefixtures("out")
def test_a_traceback_does_not_show_what_variables_held(log_format: str) -> None:
    stream = io.StringIO()
    configure_logging(Settings(log_format=log_format), "worker:media", stream)
    try:
        held = "never-" + "to-be-seen"
        raise RuntimeError(f"broken with {len(held)} characters")
    except RuntimeError:
        get_logger("here").exception("lost")
    assert "broken with 16 characters" in stream.getvalue()
    assert "never-to-be-seen" not in stream.getvalue()


@pytest.mark.parametrize(
    "header", [None, "", "x", TRACE[:-1], TRACE.upper(), f"00-{'0' * 32}-{'b' * 16}-01", f"ff{TRACE[2:]}"]
)
def test_a_strange_traceparent_is_replaced(header: str | None) -> None:
    made = tracing.accepted(header)
    assert made != header
    assert tracing.accepted(made) == made


def test_a_trace_ends_with_its_block() -> None:
    assert tracing.current() == ""
    with tracing.tracing(TRACE):
        assert (tracing.current(), tracing.trace_id()) == (TRACE, "a" * 32)
    assert tracing.current() == ""


def test_every_metric_states_unit_and_meaning() -> None:
    listed = list(metrics.listed())
    assert len({m.name for m in listed}) == len(listed)
    for metric in listed:
        assert metric.name.startswith("kinolog_")
        assert metric.doc.endswith(".")
        if metric.kind == "counter":
            assert metric.name.endswith("_total")
        if metric.kind == "histogram":
            assert metric.name.endswith(("_seconds", "_bytes"))


def test_series_known_from_the_map_begin_at_zero() -> None:
    topology = load_topology()
    metrics.initialise(topology)
    for agent in topology.agents:
        assert REGISTRY.get_sample_value("kinolog_events_read_total", {"agent": agent}) is not None
        for reason in metrics.DROP_REASONS:
            labels = {"agent": agent, "reason": reason}
            assert REGISTRY.get_sample_value("kinolog_events_dropped_total", labels) is not None


@pytest.mark.parametrize("code", ["store_full", "store-full", "lying_duration", "internal", 137, -9, None])
def test_a_failures_code_is_shown(out: io.StringIO, code: object) -> None:
    get_logger("here").info("work failed", code=code)
    assert _lines(out)[0]["code"] == code


@pytest.mark.parametrize("code", ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "4f" * 32, "Abc123"])
def test_a_sign_in_code_is_hidden(out: io.StringIO, code: str) -> None:
    get_logger("here").info("signed in", code=code, token="t", authorization="Bearer t")
    line = _lines(out)[0]
    assert (line["code"], line["token"], line["authorization"]) == ("(hidden)",) * 3
