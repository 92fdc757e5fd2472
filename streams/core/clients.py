"""Clients of the stores, made in one place and passed in."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streams.core.redis_writes import make_writes_cancellable
from streams.core.settings import Settings

AnyRedis = Redis | RedisCluster
MOST_CONNECTIONS: Final = 100  # of one process to one server
POOL_PATIENCE_S: Final = 5.0  # for one of them to come free


def redis_client(settings: Settings, *, decode_responses: bool = False, **options: Any) -> AnyRedis:
    """An asyncio client of the projections' Redis; connects on first use, close with `aclose()`.

    Lost connections are tried three times within a second. That may run a command twice: every write of
    ours is a compare-and-set, which a second run does not change.
    """
    make_writes_cancellable()
    common: dict[str, Any] = {
        "decode_responses": decode_responses,
        "socket_connect_timeout": 2.0,
        "socket_timeout": 10.0,
        "retry": Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
        **options,
    }
    url = settings.redis_url.get_secret_value()
    if settings.redis_cluster:
        return RedisCluster.from_url(url, **common)
    return _one_server(url, common)


def vault_client(settings: Settings) -> Redis:
    """An asyncio client of the vault's Redis, with the same patience; the vault's writes may be repeated."""
    make_writes_cancellable()
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), 3)
    common: dict[str, Any] = {"socket_connect_timeout": 2.0, "socket_timeout": 10.0, "retry": retry}
    return _one_server(settings.vault_url.get_secret_value(), common)


def _one_server(url: str, options: dict[str, Any]) -> Redis:
    # A pool that is used up makes its callers wait; the default one refuses, so that a thousand readers at
    # once would mostly get errors for no fault of the store's.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=POOL_PATIENCE_S,
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        health_check_interval=15,
        **options,
    )
    return Redis.from_pool(pool)


async def clickhouse_client(
    settings: Settings, *, database: str | None = None, url: SecretStr | None = None, **options: Any
) -> Any:
    """A `clickhouse_connect` AsyncClient. Connects now; raises its errors if the server is not there.

    `url`: of another server than CLICKHOUSE_URL. `database=""` connects without one (to create it). No
    sessions: a session allows one query at a time.
    """
    import clickhouse_connect  # a tenth of a second that most processes never need

    at = urlsplit((url or settings.clickhouse_url).get_secret_value())
    return await clickhouse_connect.get_async_client(
        host=at.hostname or "127.0.0.1",
        port=at.port or (8443 if at.scheme == "https" else 8123),
        interface=at.scheme or "http",
        username=unquote(at.username or "default"),
        password=unquote(at.password or ""),
        database=(at.path.strip("/") or "default") if database is None else database or "default",
        autogenerate_session_id=False,
        connect_timeout=3,
        send_receive_timeout=60,
        **options,
    )
