"""What the commands on the log compute: chains, topics, letters."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner
from confluent_kafka import Producer

from deploy.chain import tree
from deploy.commands.config import command as config
from deploy.commands.dlq import command as dlq
from deploy.commands.events import command as events
from deploy.commands.topics import command as topics
from deploy.commands.trace import command as trace
from deploy.dead_letters import Letter, redrive
from deploy.log_reader import Entry, LogReader, Span
from deploy.topics import wanted_topics
from schemas.catalog import load_topology
from schemas.headers import output_headers, src_origin
from schemas.wire import encode
from streams.core.producer import EventProducer
from streams.core.settings import Settings

TYPE = "kinolog.engine.TimerDue"
REQUESTS, EVENTS, WORK = "media.asset.requests", "media.asset.events", "media.work.requests"
FIRST, REPORT, ALONE = "1" * 32, "2" * 32, "3" * 32
T0 = 1_700_000_000_000


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """A mock broker with a small story on it."""
    topology = load_topology()
    cluster = Producer({"test.mock.num.brokers": 1})
    [address] = [f"{b.host}:{b.port}" for b in cluster.list_topics(timeout=60).brokers.values()]
    found = Settings(kafka_bootstrap_servers=address, publish_timeout_s=60)
    for topic in topology.topics.values():
        cluster.list_topics(topic.name, timeout=60)
        cluster.list_topics(topic.dlq, timeout=60)
    asyncio.run(_story(found))
    yield found
    cluster.flush(0)


async def _story(settings: Settings) -> None:
    producer = EventProducer(settings, "streaming")

    async def output(topic: str, key: str, offset: int, cause: str, at_ms: int) -> str:
        origin = src_origin("media.asset", REQUESTS, 0)
        headers = output_headers(TYPE, "media.asset", origin, offset, 0, at_ms, cause, "")
        await producer.send(topic, key, encode(TYPE, _data(offset)), headers, at_ms)
        return dict(headers)["ce_id"].decode()

    await producer.publish(REQUESTS, "film", TYPE, _data(1), ce_id=FIRST, at_ms=T0)
    await output(EVENTS, "film", 10, FIRST, T0)
    work = await output(WORK, "work-7", 11, FIRST, T0)
    await producer.publish(REQUESTS, "film", TYPE, _data(2), ce_id=REPORT, cause=work, at_ms=T0 + 900)
    await output(EVENTS, "film", 12, REPORT, T0 + 900)
    await output(EVENTS, "film", 12, REPORT, T0 + 900)  # a repeat, at another offset
    await producer.publish(REQUESTS, "other", TYPE, _data(3), ce_id=ALONE, at_ms=T0 + 5)
    letter = [
        *output_headers(TYPE, "media.asset", "media.asset|x.y.requests|0", 1, 0, T0, FIRST, ""),
        ("dlq_agent", b"media.library"),
        ("dlq_topic", EVENTS.encode()),
        ("dlq_reason", b"bad"),
    ]
    await producer.send(f"{EVENTS}.dlq", "film", b"junk", letter, T0)
    await producer.close()


def _data(n: int) -> dict[str, object]:
    return {"timer_id": "t", "due_at_ms": n, "note": ""}


class WithoutTimes(LogReader):
    """librdkafka's mock broker does not look offsets up by time: read from the beginning there."""

    def spans(self, places: Iterable[tuple[str, int]], since_ms: int = 0) -> list[Span]:
        return super().spans(places)


@pytest.fixture
def cli(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    """Commands against the mock broker, whose topics have four partitions, and a map that says so."""
    text = re.sub(r"partitions: \d+", "partitions: 4", load_topology().path.read_text())
    (tmp_path / "topology.yaml").write_text(text)
    monkeypatch.setattr("deploy.commands.trace.LogReader", WithoutTimes)
    monkeypatch.setenv("TOPOLOGY_FILE", str(tmp_path / "topology.yaml"))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.kafka_bootstrap_servers)
    return CliRunner()


def test_trace_by_key_and_by_any_id_of_the_chain(cli: CliRunner) -> None:
    for wanted in ("film", FIRST, REPORT, "work-7"):
        result = cli.invoke(trace, [wanted, "--json"])
        assert result.exit_code == 0, result.output
        found = json.loads(result.output)
        assert found["events"] == 5
        [root] = found["roots"]
        assert root["id"] == FIRST
        decided, work = root["caused"]
        assert (decided["topic"], decided["caused"]) == (EVENTS, [])
        [report] = work["caused"]
        assert (report["id"], [e["data"]["due_at_ms"] for e in report["caused"]]) == (REPORT, [12])


def test_trace_for_people_and_of_nothing(cli: CliRunner) -> None:
    result = cli.invoke(trace, ["film", "--data"])
    assert "5 events, 1 root(s)" in result.output
    assert "+0.900 s" in result.output
    nothing = cli.invoke(trace, ["nonesuch"])
    assert nothing.exit_code == 1
    assert "no event on the log" in nothing.output


def test_events_by_key_type_and_limit(cli: CliRunner) -> None:
    def ids(*arguments: str) -> list[str]:
        result = cli.invoke(events, [REQUESTS, "--json", *arguments])
        assert result.exit_code == 0, result.output
        return [json.loads(line)["id"] for line in result.output.splitlines()]

    assert ids() == [FIRST, ALONE, REPORT]
    assert ids("--key", "film") == [FIRST, REPORT]
    assert ids("--limit", "1") == [REPORT]
    assert ids("--key", "film", "--limit", "1") == [REPORT]
    assert ids("--type", "TimerDue", "--limit", "2") == [ALONE, REPORT]
    assert ids("--type", "AssetCreated") == []
    assert "TimerDue" in cli.invoke(events, [REQUESTS]).output


def test_letters_are_listed_shown_and_sent_back(cli: CliRunner, settings: Settings) -> None:
    [letter] = json.loads(cli.invoke(dlq, ["list", EVENTS, "--json"]).output)
    assert letter["letter"]["agent"] == "media.library"
    assert bytes.fromhex(letter["raw"]) == b"junk"
    assert json.loads(cli.invoke(dlq, ["show", EVENTS, "0"]).output)["error"]
    assert "no dead letter at 5" in cli.invoke(dlq, ["show", EVENTS, "5"]).output
    assert cli.invoke(dlq, ["redrive", EVENTS]).exit_code == 2


async def test_a_returned_letter_keeps_its_id_and_names_its_agent() -> None:
    sent: list[tuple[object, ...]] = []

    class Fake:
        async def send(self, *arguments: object) -> None:
            sent.append(arguments)

    headers = {
        "ce_id": "i", "src": "a|t|0|1|0", "dlq_topic": EVENTS, "dlq_agent": "media.library",
        "redrive_agent": "older",
    }  # fmt: skip
    entry = Entry(f"{EVENTS}.dlq", 0, 3, T0, "film", headers, None, "bad")
    await redrive(Fake(), Letter(entry, b"raw", [(n, v.encode()) for n, v in headers.items()]))  # type: ignore[arg-type]
    assert sent == [(EVENTS, "film", b"raw", [("ce_id", b"i"), ("redrive_agent", b"media.library")], T0)]


def test_a_cycle_or_a_missing_cause_does_not_hide_events() -> None:
    def entry(ce_id: str, cause: str, at_ms: int) -> Entry:
        return Entry("t", 0, at_ms, at_ms, "k", {"ce_id": ce_id, "causation_id": cause}, None, "")

    roots = tree([entry("a", "gone", 1), entry("b", "a", 2), entry("c", "c", 3)])
    assert [root.entry.id for root in roots] == ["a", "c"]
    assert [child.entry.id for child in roots[0].children] == ["b"]


def test_topics_follow_the_map() -> None:
    topology = load_topology()
    wanted = {t.name: t for t in wanted_topics(topology, Settings(kafka_replication_factor=3))}
    assert len(wanted) == 2 * len(topology.topics)
    for topic in topology.topics.values():
        assert wanted[topic.name].partitions == topic.partitions
        assert wanted[topic.name].config["retention.ms"] == str(topic.retention.retention_ms)
        assert wanted[topic.name].config["min.insync.replicas"] == "2"
        assert wanted[topic.dlq].partitions == 1
        assert wanted[topic.dlq].config["retention.ms"] == str(30 * 86_400_000)


def test_config_shows_every_setting(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = json.loads(cli.invoke(config, ["--json"]).output)
    assert {row["name"] for row in rows} == {name.upper() for name in Settings.model_fields}
    assert "KAFKA_BOOTSTRAP_SERVERS" in cli.invoke(config, []).output
    monkeypatch.setenv("LOG_LEVEL", "loud")
    wrong = cli.invoke(config, [])
    assert wrong.exit_code == 1
    assert "LOG_LEVEL" in wrong.output


def test_a_missing_broker_is_a_sentence(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.log_reader.TIMEOUT_S", 0.2)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    result = cli.invoke(events, [REQUESTS])
    assert result.exit_code == 1
    assert "does not answer" in result.output
    assert "KAFKA_BOOTSTRAP_SERVERS" in result.output


@pytest.mark.parametrize(
    ("command", "arguments"), [(trace, ["film"]), (events, [REQUESTS]), (topics, ["diff"]), (dlq, ["list"])]
)
def test_without_a_stack_the_error_names_no_address_that_nobody_chose(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Command, arguments: list[str]
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS")
    monkeypatch.setenv("KINOLOG_HOME", str(tmp_path))
    monkeypatch.setattr("deploy.commands._common._listens", lambda _servers: False)
    result = cli.invoke(command, arguments)
    assert result.exit_code == 1
    assert f"No stack runs here ({tmp_path}): start one with `make up`" in result.output
    assert "9092" not in result.output
