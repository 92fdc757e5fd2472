"""Fixtures for every test. Needing a fixture below is what makes a test a `stack` test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local import launcher, state
from deploy.local.layout import Home
from streams.core.vault import Vault
from tests.support.leaks import leaks
from tests.support.planting import BOOK, BOOK_FILE, planted, watch_clients
from tests.support.stack import controller_pid, shared_stack
from tests.support.vault import VaultServer

# The same examples each time, however long one takes: a busy machine fails no test.
settings.register_profile(
    "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")
watch_clients()

LEAKS = pytest.StashKey[list[str]]()
TESTS = Path(__file__).resolve().parent
STACK_FIXTURES = {"stack", "platform_stack"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the real stack, so that `-m "not stack"` is exactly the fast part."""
    for item in items:
        if STACK_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Every test with servers has its secrets written down, its fixtures' too; unit tests make up theirs."""
    factory: pytest.TempPathFactory = item.config._tmp_path_factory  # type: ignore[attr-defined]
    unit = "unit" in item.path.relative_to(TESTS).parts
    BOOK.open(None if unit else _shared(factory, item.config) / BOOK_FILE)


def _shared(factory: pytest.TempPathFactory, config: pytest.Config) -> Path:
    base = factory.getbasetemp()
    return base.parent if hasattr(config, "workerinput") else base


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A folder that all xdist workers of this run share."""
    return _shared(tmp_path_factory, pytestconfig)


@pytest.fixture(scope="session")
def stack(run_folder: Path) -> Iterator[launcher.Stack]:
    """The run's servers (Kafka, Redis, ClickHouse, S3; database, bucket and topics made) on free ports.

    Shared by every test: use own keys, own topics where a topic's content matters, and kill nothing here;
    a test that kills takes a stack of its own with `local_stack`.
    """
    with shared_stack(run_folder, controller_pid(), platform=False) as started:
        yield started


@pytest.fixture(scope="session")
def platform_stack(run_folder: Path) -> Iterator[launcher.Stack]:
    """A second stack with the platform's own processes (workers and gateways) on it."""
    with shared_stack(run_folder, controller_pid(), platform=True) as started:
        yield started


@pytest.fixture(scope="session")
def vault_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    """A vault without the rest of the stack: there in a tenth of a second. Not to be stopped."""
    server = VaultServer(tmp_path_factory.mktemp("vault"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def vault(vault_server: VaultServer) -> AsyncIterator[Vault]:
    """An empty vault."""
    opened = vault_server.vault()
    await opened.redis.flushall()
    yield opened
    await opened.aclose()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In the controller, after every worker is done: search for the tests' secrets, then stop the stacks."""
    if hasattr(session.config, "workerinput"):
        return
    factory = getattr(session.config, "_tmp_path_factory", None)
    base = getattr(factory, "_basetemp", None)
    homes = [Home((Path(base) / name).resolve()) for name in ("servers", "platform") if base is not None]
    try:
        for home in homes:
            if state.running(home.state_file) is not None:
                found = asyncio.run(leaks(launcher.Stack(home), planted(Path(base) / BOOK_FILE)))
                told = session.config.stash.setdefault(LEAKS, [])
                told.extend(f"{home.root.name}: {finding}" for finding in found)
        if session.config.stash.get(LEAKS, []):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
    finally:
        for home in homes:
            if home.root.is_dir():
                launcher.stop(home)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell where secrets were found, which fails the run."""
    if LEAKS in config.stash:
        terminalreporter.write_line("Stores and logs were searched for the secrets of the tests.")
    for finding in config.stash.get(LEAKS, []):
        terminalreporter.write_line(f"LEAKED {finding}", red=True)
