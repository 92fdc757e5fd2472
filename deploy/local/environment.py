"""Environment of the platform's processes: every URL and secret of this stack, by the settings' names."""

from __future__ import annotations

from deploy.local.credentials import sha256_hex
from deploy.local.layout import CHECKOUT, Home
from deploy.local.ports import HOST

BUCKET = "kinolog"
DATABASE = "kinolog"


def platform_environment(home: Home, ports: dict[str, int], credentials: dict[str, str]) -> dict[str, str]:
    """What `streams.core.settings` reads. Production sets the same names to other URLs."""
    password = credentials["clickhouse_password"]
    return {
        "KINOLOG_HOME": str(home.root),
        "TOPOLOGY_FILE": str(CHECKOUT / "topology.yaml"),
        "KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{ports['kafka']}",
        "REDIS_URL": f"redis://{HOST}:{ports['redis']}",
        "CLICKHOUSE_URL": f"http://default:{password}@{HOST}:{ports['clickhouse']}/{DATABASE}",
        "S3_ENDPOINT": f"http://{HOST}:{ports['s3']}",
        "S3_ACCESS_KEY": credentials["s3_access_key"],
        "S3_SECRET_KEY": credentials["s3_secret_key"],
        "S3_BUCKET": BUCKET,
        "BIND_HOST": HOST,
        "ADMIN_API_KEY_SHA256": sha256_hex(credentials["admin_api_key"]),
        "SESSION_SECRET": credentials["session_secret"],
    }
