"""Chunks of a protected film: Shaka Packager encrypts, FFmpeg opens them again, and nothing shows the key."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import av
import pytest

from schemas.drm import pssh
from schemas.media.events import KeyName
from schemas.media.plan import AUDIO_RENDITION, Plan
from schemas.media.protection import AUDIO, SD, PlanProtection, kids_in, label_in
from streams.core.content_keys import constant_iv
from streams.media import boxes, packager
from streams.media.answers import ChunkResult
from streams.media.encoder_process import EncoderFailed
from streams.media.encrypting import encrypted
from streams.media.plan import protected
from tests.media_fixtures.films import Film
from tests.media_fixtures.odd_clips import Recipe

KEYS = {"a1" * 16: b"\x11sound key 16 by", "b2" * 16: b"\x22pictures' key 1"}
NAMES = [KeyName(label=AUDIO, kid="a1" * 16), KeyName(label=SD, kid="b2" * 16)]
NO_SEGMENT = packager.Clear(b"", b"nothing", True, "cenc", "ab" * 16, b"\x33" * 16, bytes(8))


@pytest.fixture(scope="module")
def film(encode: Callable[[Recipe], Film]) -> Film:
    return encode(Recipe())


def plan_for(film: Film, scheme: str) -> Plan:
    protection: PlanProtection = {
        "scheme": scheme, "systems": ["clearkey"], "policy_id": "default", "version": 1, "keys": NAMES,
    }  # fmt: skip
    return protected(film.plan, protection)


def clear(film: Film) -> ChunkResult:
    """The whole film as if it were one chunk."""
    made = {
        name: {"name": name, "codecs": "", "init": next(iter(film.inits[name])), "segments": segments}
        for name, segments in film.segments.items()
    }
    return cast(
        "ChunkResult",
        {"chunk_index": 0, "first_segment_number": 0, "renditions": made, "poster": None, "timings": {}},
    )


def decoded(init: bytes, segments: Sequence[bytes], kind: str, key: bytes | None) -> list[bytes]:
    options = {} if key is None else {"decryption_key": key.hex()}
    with av.open(io.BytesIO(init + b"".join(segments)), options=options) as container:
        frames: Any = container.decode(**{kind: 0})
        return [bytes(plane) for frame in frames for plane in frame.planes]


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_with_its_key_a_film_is_what_it_was(film: Film, scheme: str) -> None:
    plan = plan_for(film, scheme)
    before, after = clear(film)["renditions"], encrypted(plan, clear(film), KEYS)["renditions"]
    kids = kids_in(cast("PlanProtection", plan["protection"]))
    assert set(after) == set(before) >= {AUDIO_RENDITION}
    for name, made in after.items():
        kind = "audio" if name == AUDIO_RENDITION else "video"
        key = KEYS[kids[label_in(plan, name)]]
        was = decoded(before[name]["init"], before[name]["segments"], kind, None)
        assert decoded(made["init"], made["segments"], kind, key) == was
        assert (constant_iv(key) in made["init"]) is (scheme == "cbcs")  # as FairPlay's licences say it
        times = [boxes.decode_time(segment) for segment in made["segments"]]
        assert times == [boxes.decode_time(segment) for segment in before[name]["segments"]]
        for segment, of_clear in zip(made["segments"], before[name]["segments"], strict=True):
            held = boxes.find(of_clear, b"mdat")
            assert held[len(held) // 2 :][:400] not in segment  # of pictures, cbcs encrypts each tenth block


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_the_same_chunk_gives_the_same_bytes(film: Film, scheme: str) -> None:
    plan = plan_for(film, scheme)
    assert encrypted(plan, clear(film), KEYS) == encrypted(plan, clear(film), KEYS)


def test_chunks_share_an_init_segment_that_names_the_key(film: Film) -> None:
    plan = plan_for(film, "cbcs")
    whole = clear(film)
    name = plan["renditions"][0]["name"]
    later = {**whole["renditions"][name], "segments": whole["renditions"][name]["segments"][1:]}
    second = cast(
        "ChunkResult", {**whole, "first_segment_number": 1, "renditions": {name: later}, "chunk_index": 1}
    )
    made = encrypted(plan, whole, KEYS)["renditions"][name]
    assert encrypted(plan, second, KEYS)["renditions"][name]["init"] == made["init"]
    [box] = [box for box in boxes.boxes(boxes.find(made["init"], b"moov")) if box.kind == b"pssh"]
    assert [found.kids for found in pssh.parse(box.data)] == [("b2" * 16,)]


def test_other_content_never_meets_the_same_vector(film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def note(clear: Sequence[packager.Clear], **_: Any) -> list[packager.Encrypted]:
        seen.extend(one.iv for one in clear)
        return [packager.Encrypted(one.init, one.segment) for one in clear]

    monkeypatch.setattr("streams.media.encrypting.encrypt", note)
    encrypted(plan_for(film, "cenc"), clear(film), KEYS)
    assert len(set(seen)) == len(seen) == sum(map(len, film.segments.values()))


def test_arguments_and_disk_hold_no_key_and_no_picture(
    film: Film, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run, seen = subprocess.run, []

    def watched(command: list[str], **options: Any) -> Any:
        ended = run(command, **options)
        seen.append("\n".join([*command, *options["env"].values()]).encode())
        seen.extend(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        return ended

    monkeypatch.setattr(packager.subprocess, "run", watched)
    before = len(os.listdir("/proc/self/fd"))
    encrypted(plan_for(film, "cenc"), clear(film), KEYS)
    everything = b"\n".join(seen)
    for key in KEYS.values():
        assert key not in everything
        assert key.hex().encode() not in everything.lower()
    sound = boxes.find(film.segments[AUDIO_RENDITION][0], b"mdat")
    assert sound[100:164] not in everything
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_is_no_segment_fails_and_tells_no_key() -> None:
    with pytest.raises(EncoderFailed) as told:
        packager.encrypt([NO_SEGMENT])
    assert "33" * 16 not in str(told.value)


def test_the_packager_reaches_its_folder_and_nothing_beside(
    film: Film, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Told to write elsewhere it fails, where it would have written without its confinement."""
    inner, plan = tmp_path / "inner", plan_for(film, "cenc")
    inner.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(inner))
    arguments = packager._arguments

    def elsewhere(one: packager.Clear, source: int, told: int, place: Path) -> list[str]:
        return arguments(one, source, told, tmp_path / place.name)

    monkeypatch.setattr(packager, "_arguments", elsewhere)
    with pytest.raises(EncoderFailed, match="status"):
        encrypted(plan, clear(film), KEYS)
    assert list(tmp_path.iterdir()) == [inner]


def test_without_landlock_nothing_is_encrypted_unless_it_was_allowed(
    film: Film, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = subprocess.run

    def on_an_old_kernel(command: list[str], **options: Any) -> Any:
        script = (
            "from streams.media import confined, sandbox\n"
            "sandbox.landlock_version = lambda: 0\n"
            "confined.main()"
        )
        return run([*command[:2], "-c", script], **options)

    monkeypatch.setattr(packager.subprocess, "run", on_an_old_kernel)
    plan = plan_for(film, "cenc")
    with pytest.raises(EncoderFailed, match="SANDBOX_REQUIRED"):
        encrypted(plan, clear(film), KEYS)
    assert encrypted(plan, clear(film), KEYS, allow_unconfined=True)["renditions"]
