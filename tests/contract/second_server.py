"""versitygw: the S3 server of other making (Go, posix backend) that the contract is also run against.

It checks signatures, keeps type and metadata, and survives a kill, as a production store does; rclone's
server and the mocks do not. `make` builds it once from a hash-locked module list (`deploy/locks/versitygw`).
"""

from __future__ import annotations

from functools import partial

from deploy.local import probes
from deploy.local.layout import Home
from deploy.local.ports import HOST
from deploy.local.spec import ProcessSpec
from deploy.local.versitygw import build


def second_server(home: Home, ports: dict[str, int], access_key: str, secret_key: str) -> ProcessSpec:
    """Its process on the port named `s3`, built first if it is not there."""
    data = home.data("s3")
    address = f"{HOST}:{ports['s3']}"
    command = [str(build()), "--access", access_key, "--secret", secret_key, "--region", "us-east-1"]
    return ProcessSpec(
        name="versitygw",
        command=[*command, "--port", address, "--quiet", "posix", str(data)],
        prepare=partial(data.mkdir, parents=True, exist_ok=True),
        ready=partial(probes.s3, f"http://{address}", access_key, secret_key),
    )
