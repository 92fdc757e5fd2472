"""Why privileged people did something, as events carry it: sealed, as it tells of the person concerned.

The audit opens it. A reason is forgotten with the person under whose key it stands.
"""

from __future__ import annotations

import base64
from typing import Annotated, Final

from pydantic import Field

from streams.core.sealing import Sealer, SubjectForgotten

REASON: Final = "reason"  # the field that a reason is sealed for
PLATFORM_SUBJECT: Final = "kinolog"  # what is sealed about nobody in particular
Reason = Annotated[str | None, Field(default=None, max_length=500, description="why; shown in the audit")]


async def sealed_reason(sealer: Sealer, owner_id: str | None, text: str | None) -> dict[str, str | None]:
    """`reason_sealed` and `reason_subject` of a request about somebody's thing; both None without a reason.

    Owners without a key (the administrator, people of foreign issuers) cannot be forgotten here: what is
    said of their things stands under the platform's key.
    """
    if text is None:
        return {"reason_sealed": None, "reason_subject": None}
    subject = owner_id or PLATFORM_SUBJECT
    try:
        raw = await sealer.seal(subject, REASON, text, create=subject == PLATFORM_SUBJECT)
    except SubjectForgotten:
        subject = PLATFORM_SUBJECT
        raw = await sealer.seal(subject, REASON, text, create=True)
    return {"reason_sealed": base64.b64encode(raw).decode(), "reason_subject": subject}
