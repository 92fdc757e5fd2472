"""What every keeper of keys does: one suite, run over the file and over a token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest

from streams.core.kms import Kms, Tampered, WrongKey


class OpenKms(Protocol):
    """Opens the same keys once more, as another process would."""

    def __call__(self, now_ms: Callable[[], int] = ...) -> Kms: ...


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "tag": lambda wrapped: wrapped[:-1] + bytes([wrapped[-1] ^ 1]),
    "nonce": lambda wrapped: wrapped[:9] + bytes([wrapped[9] ^ 1]) + wrapped[10:],
    "text": lambda wrapped: wrapped[:21] + bytes([wrapped[21] ^ 1]) + wrapped[22:],
    "cut": lambda wrapped: wrapped[:-1],
    "version": lambda wrapped: b"\x02" + wrapped[1:],
    "stump": lambda wrapped: wrapped[:12],
    "nothing": lambda wrapped: b"",
}


class KmsContract:
    """Inherit and give the fixture `open_kms`; its keys are new for each test."""

    @pytest.fixture
    def open_kms(self) -> OpenKms:
        raise NotImplementedError

    @pytest.mark.parametrize(
        "plain", [b"", b"secret", bytes(range(256)) * 256], ids=["empty", "short", "most"]
    )
    def test_what_is_wrapped_comes_back(self, open_kms: OpenKms, plain: bytes) -> None:
        kms = open_kms()
        wrapped = kms.wrap(plain, b"password|ada")
        assert not plain or plain not in wrapped
        assert kms.key_id_of(wrapped) == kms.active_key_id
        assert open_kms().unwrap(wrapped, b"password|ada") == plain
        assert kms.wrap(plain, b"password|ada") != wrapped

    @pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
    def test_changed_bytes_are_refused(self, open_kms: OpenKms, spoil: Callable[[bytes], bytes]) -> None:
        kms = open_kms()
        wrapped = kms.wrap(b"secret", b"here")
        with pytest.raises(Tampered):
            kms.unwrap(spoil(wrapped), b"here")
        assert kms.unwrap(wrapped, b"here") == b"secret"  # and nothing is stuck after that

    def test_a_value_in_anothers_place_is_refused(self, open_kms: OpenKms) -> None:
        kms = open_kms()
        with pytest.raises(
            Tampered, match=r"changed, or stands in another's place: restore it from a backup"
        ):
            kms.unwrap(kms.wrap(b"secret", b"password|ada"), b"password|eve")

    def test_an_id_swapped_for_that_of_another_key_is_refused(self, open_kms: OpenKms) -> None:
        kms = open_kms()
        wrapped = kms.wrap(b"secret", b"here")
        other = bytes.fromhex(kms.rotate())
        with pytest.raises(Tampered):
            kms.unwrap(wrapped[:1] + other + wrapped[9:], b"here")

    def test_rotation_keeps_older_values_readable_and_reaches_other_processes(
        self, open_kms: OpenKms
    ) -> None:
        here, elsewhere = open_kms(), open_kms()
        old = elsewhere.wrap(b"secret", b"")
        assert here.unwrap(old, b"") == b"secret"
        made = here.rotate()
        assert made != elsewhere.key_id_of(old)
        assert elsewhere.active_key_id == made
        assert elsewhere.key_id_of(elsewhere.wrap(b"", b"")) == made
        assert elsewhere.unwrap(old, b"") == b"secret"

    def test_a_key_made_elsewhere_opens_at_once(self, open_kms: OpenKms) -> None:
        here, elsewhere = open_kms(), open_kms()
        here.wrap(b"", b"")
        elsewhere.rotate()
        assert here.unwrap(elsewhere.wrap(b"secret", b""), b"") == b"secret"

    def test_keys_retired_long_ago_are_dropped_and_no_others(self, open_kms: OpenKms) -> None:
        now_ms = [1_000]
        kms = open_kms(lambda: now_ms[0])
        wrapped = kms.wrap(b"secret", b"")
        oldest = kms.active_key_id
        now_ms[0] = 2_000
        second = kms.rotate()
        now_ms[0] = 5_000
        third = kms.rotate()
        kept = kms.wrap(b"kept", b"")
        assert kms.drop_retired(before_ms=2_000) == []
        assert kms.drop_retired(before_ms=5_000) == [oldest]
        with pytest.raises(WrongKey, match=rf"key {oldest}, which .* does not hold"):
            open_kms().unwrap(wrapped, b"")
        assert kms.drop_retired(before_ms=2**60) == [second]
        assert (kms.active_key_id, kms.unwrap(kept, b"")) == (third, b"kept")

    def test_keys_made_at_once_all_stay(self, open_kms: OpenKms) -> None:
        one, two = open_kms(), open_kms()
        wrapped = [one.wrap(b"1", b""), two.wrap(b"2", b"")]
        made = {one.rotate(), two.rotate(), one.rotate()}
        assert len(made) == 3
        assert [open_kms().unwrap(each, b"") for each in wrapped] == [b"1", b"2"]
        assert one.active_key_id == two.active_key_id == open_kms().active_key_id

    def test_it_says_where_its_keys_are(self, open_kms: OpenKms) -> None:
        assert open_kms().where
