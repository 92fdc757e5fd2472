"""What players of Widevine and PlayReady ask in clear, read whatever it is made of."""

from __future__ import annotations

import contextlib
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.drm import playready, playready_request, widevine_request
from schemas.drm.playready import Version
from schemas.drm.playready_request import NotPlayReady
from schemas.drm.widevine_request import NotWidevine
from tests.support.challenges import CERTIFICATE_REQUEST, widevine_renewal
from tests.support.challenges import playready_request as asking
from tests.support.challenges import widevine_request as wishing

KEYS = {"0f" * 16: bytes(16), "a1b2c3d4" * 4: bytes([1] * 16)}


@pytest.mark.parametrize("boxed", [True, False])
@pytest.mark.parametrize("offline", [True, False])
def test_a_widevine_request_names_keys_and_whether_to_keep_them(boxed: bool, offline: bool) -> None:
    said = widevine_request.read(wishing([*KEYS, *KEYS], boxed=boxed, offline=offline))
    assert (said.kids, said.offline, said.wants_certificate) == (tuple(KEYS), offline, False)


def test_renewals_and_certificates_name_no_keys() -> None:
    assert widevine_request.read(widevine_renewal()).kids is None
    assert widevine_request.read(CERTIFICATE_REQUEST).wants_certificate
    assert widevine_request.read(wishing([])).kids is None


@pytest.mark.parametrize("version", ["4.0.0.0", "4.1.0.0", "4.2.0.0", "4.3.0.0"])
def test_a_playready_request_names_the_keys_of_its_header(version: str) -> None:
    keys = dict(list(KEYS.items())[: 1 if version < "4.2" else 2])
    header = playready.header(keys, "cenc", version=cast("Version", version))
    assert playready_request.kids_of(asking(keys, header=header)) == list(keys)
    for encoded in (asking(keys), b"\xef\xbb\xbf" + asking(keys)):
        assert playready_request.kids_of(encoded) == list(keys)


def test_more_keys_than_any_film_has_are_refused() -> None:
    many = {f"{number:032x}": bytes(16) for number in range(65)}
    with pytest.raises(NotPlayReady, match="1 to 64 KIDs"):
        playready_request.kids_of(asking(many))
    with pytest.raises(NotWidevine):
        widevine_request.read(wishing(many))


@given(st.data())
def test_whatever_comes_is_read_or_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([wishing(KEYS, boxed=True), wishing(KEYS), asking(KEYS), b""]))
    at = data.draw(st.integers(0, len(whole)))
    challenge = whole[:at] + data.draw(st.binary(max_size=40)) + whole[at + data.draw(st.integers(0, 40)) :]
    with contextlib.suppress(NotWidevine):
        widevine_request.read(challenge)
    with contextlib.suppress(NotPlayReady):
        playready_request.kids_of(challenge)
    with contextlib.suppress(NotPlayReady):
        playready_request.check_answer(challenge)
