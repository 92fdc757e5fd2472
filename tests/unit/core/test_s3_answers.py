"""What error answers of S3 stores mean."""

from __future__ import annotations

import pytest

from streams.core.s3_requests import ObjectStoreFull, ObjectStoreUnavailable, error_of

ERROR = "<Error><Code>{}</Code><Message>{}</Message></Error>"


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (507, "InsufficientStorage", "no room"),
        (500, "InternalError", "write /data/x: no space left on device"),
        (507, "XMinioStorageFull", "Storage backend has reached its minimum free drive threshold."),
        (500, "QuotaExceeded", "the bucket is full"),
    ],
)
def test_a_store_that_says_it_is_full(status: int, code: str, message: str) -> None:
    assert isinstance(error_of(status, ERROR.format(code, message), "PUT x"), ObjectStoreFull)


def test_a_store_that_does_not_say_why_is_only_unavailable() -> None:
    """The whole answer of s3proxy 4.1 on a full disk: the same as for every other fault of its own."""
    found = error_of(500, ERROR.format("InternalError", "An internal error occurred. Try again."), "PUT x")
    assert type(found) is ObjectStoreUnavailable
