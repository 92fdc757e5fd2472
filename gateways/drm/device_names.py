"""Names of devices, which stand on the log sealed under their account's key."""

from __future__ import annotations

import base64
from typing import Final

from schemas.drm.views import AccountDocument
from streams.core.sealing import Sealer
from streams.core.vault import VaultError

DEVICE_NAME: Final = "drm.device"  # the field that a name is sealed for


async def device_names(sealer: Sealer, account_id: str, document: AccountDocument) -> dict[str, str]:
    """Names of an account's devices by id, of those that have one. Without the vault: none."""
    told = [
        (id, base64.b64decode(device["name_sealed"]))
        for id, device in document["devices"].items()
        if device["name_sealed"] is not None
    ]
    try:
        texts = await sealer.open_each([(account_id, DEVICE_NAME, raw) for _, raw in told])
    except VaultError:
        return {}
    return {id: text for (id, _), text in zip(told, texts, strict=True) if text is not None}
