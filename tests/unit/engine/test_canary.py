"""Sings when Faust or aiokafka change what the lane stands on, and says which part of the lane to look at.

The lane overrides or calls internals. Each is pinned by a hash of its source. When one differs: read the
new source beside the lane's method named here, mend that, run the chaos tests, then write the new hash.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import Any, NamedTuple

import aiokafka.consumer.fetcher as fetcher
import faust
import pytest
from aiokafka.record._crecords.default_records import DefaultRecord  # type: ignore[import-not-found]
from faust.app.base import App
from faust.transport import conductor, consumer
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ConsumerMessage, Message

from streams.engine import lane


class Pin(NamedTuple):
    owner: Any
    name: str
    why: str  # the part of the lane that stands on it
    digest: str


PINS = [
    Pin(consumer.Consumer, "ack", "Consumer.ack", "5fcf41cf45153475"),
    Pin(consumer.Consumer, "_new_offset", "Consumer._new_offset", "1d2c7ea89a7ad4f1"),
    Pin(
        consumer.Consumer,
        "_filter_tps_with_pending_acks",
        "Consumer._filter_tps_with_pending_acks",
        "f6f9239774234e7e",
    ),
    Pin(consumer.Consumer, "_filter_committable_offsets", "Consumer._new_offset", "dc5e9baf5d994485"),
    Pin(consumer.Consumer, "_should_commit", "Consumer._new_offset", "5ce941793947ad42"),
    Pin(consumer.Consumer, "force_commit", "Consumer.on_partitions_revoked", "cc094614d22c70fb"),
    Pin(consumer.Consumer, "on_partitions_revoked", "Consumer.on_partitions_revoked", "d04b7ae72c6fc206"),
    Pin(consumer.Consumer, "on_partitions_assigned", "Consumer.on_partitions_assigned", "29ce96596f05a18c"),
    Pin(consumer.Consumer, "perform_seek", "Consumer.perform_seek", "0e8c130ff4b0afd8"),
    Pin(consumer.Consumer, "stop_flow", "Consumer._take_back", "cf7e875a2b0d40e8"),
    Pin(consumer.Consumer, "resume_flow", "Consumer._take_back", "db59630f25b5819b"),
    Pin(consumer.Consumer, "_wait_next_records", "Consumer._drain_messages", "6218e1969a636b3f"),
    Pin(consumer.Consumer, "_drain_messages", "Consumer._drain_messages", "44a2500309e83c63"),
    Pin(consumer.Consumer, "getmany", "Consumer._drain_messages", "4b168d84882a70d6"),
    Pin(consumer.ThreadDelegateConsumer, "_getmany", "Consumer._getmany", "f9d47aa9010b5ff2"),
    Pin(driver.AIOKafkaConsumerThread, "highwater", "Consumer.standings", "6f7dbe109ae6807f"),
    Pin(driver.Consumer, "_new_consumer_thread", "Consumer._new_consumer_thread", "0870ec53dea75083"),
    Pin(driver.Consumer, "_to_message", "Consumer._deliver", "7c24f6511b2fcef7"),
    Pin(
        driver.AIOKafkaConsumerThread,
        "_create_worker_consumer",
        "LaneThread._create_worker_consumer",
        "c2701bfc3e6f6cad",
    ),
    Pin(driver.AIOKafkaConsumerThread, "on_start", "LaneThread.on_start", "38b4e8bd1e10723a"),
    Pin(driver.AIOKafkaConsumerThread, "_seek_wait", "Consumer.perform_seek", "9d221e816d940467"),
    Pin(driver.AIOKafkaConsumerThread, "_fetch_records", "Consumer._getmany", "39a2c6c79fc1455a"),
    Pin(conductor.ConductorCompiler, "build", "Consumer._deliver", "837cf521368c1ee4"),
    Pin(ConsumerMessage, "on_final_ack", "Consumer.ack", "45d670b6a8ac4bd0"),
    Pin(Message, "ack", "Consumer.ack", "4751b72c4ed84153"),
    Pin(App, "_on_partitions_revoked", "Consumer.on_partitions_revoked", "d5c895bbe57dc73a"),
    Pin(App, "_on_partitions_assigned", "Consumer.on_partitions_assigned", "de932b7927db85b3"),
    Pin(fetcher.FetchResult, "getall", "make_light", "3e717e30de5068d5"),
    Pin(fetcher.FetchResult, "check_assignment", "make_light", "b5340df67e3f330f"),
    Pin(fetcher.FetchResult, "_update_position", "make_light", "83fb1473bf10027b"),
    Pin(fetcher.FetchResult, "has_more", "make_light", "a25ee8ab93405df6"),
    Pin(fetcher.PartitionRecords, "_unpack_records", "make_light", "b803e6d46480732c"),
    Pin(fetcher.PartitionRecords, "_consumer_record", "make_light", "e668541600b047ab"),
    Pin(fetcher.Fetcher, "_proc_fetch_request", "LaneThread.on_start", "59bf948fff47eed5"),
    Pin(fetcher.Fetcher, "fetched_records", "Consumer._getmany", "be4348896b9b66af"),
]


def digest_of(owner: Any, name: str) -> str:
    return hashlib.sha256(inspect.getsource(getattr(owner, name)).encode()).hexdigest()[:16]


@pytest.mark.parametrize("pin", PINS, ids=lambda pin: f"{pin.owner.__name__}.{pin.name}")
def test_what_the_lane_stands_on_is_unchanged(pin: Pin) -> None:
    found = digest_of(pin.owner, pin.name)
    assert found == pin.digest, (
        f"{pin.owner.__module__}.{pin.owner.__name__}.{pin.name} changed (faust-streaming "
        f"{faust.__version__}): {pin.why} in streams/engine/lane.py stands on it. Compare both, mend the "
        f"lane, run `make chaos`, then pin {found}"
    )


def test_the_scheme_is_registered_by_alias() -> None:
    assert TRANSPORTS.aliases[lane.SCHEME] == "streams.engine.lane:Transport"
    assert TRANSPORTS.by_name(lane.SCHEME) is lane.Transport


def test_records_have_what_a_chunk_needs() -> None:
    for name in ("offset", "timestamp", "key", "value", "headers"):
        assert hasattr(DefaultRecord, name), f"aiokafka's record lost {name!r}: see make_light in the lane"


def test_a_fresh_consumer_has_the_fields_the_lane_reads() -> None:
    source = inspect.getsource(consumer.Consumer.__init__) + inspect.getsource(consumer.Consumer._reset_state)
    for name in (
        "_read_offset", "_committed_offset", "_unacked_messages", "_buffered_partitions", "can_resume_flow",
        "suspend_flow", "flow_active",
    ):  # fmt: skip
        assert f"self.{name} =" in source, f"faust's Consumer no longer sets {name}: see the lane's Consumer"
