"""The object store's client before it asks anything."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from streams.core.objects import ObjectStore
from streams.core.settings import Settings, SettingsError


@pytest.mark.parametrize("missing", ["s3_access_key", "s3_secret_key"])
def test_a_missing_key_is_a_sentence_that_names_its_variable(missing: str) -> None:
    keys = {"s3_access_key": SecretStr("key"), "s3_secret_key": SecretStr("secret")}
    settings = Settings(**keys | {missing: SecretStr("")})
    with pytest.raises(SettingsError, match=f"^{missing.upper()}: is empty.*set the variable"):
        ObjectStore(settings)


async def test_with_both_keys_it_opens_and_closes_without_a_request() -> None:
    async with ObjectStore(
        Settings(s3_access_key=SecretStr("key"), s3_secret_key=SecretStr("secret"))
    ) as objects:
        assert objects.bucket == "kinolog"
