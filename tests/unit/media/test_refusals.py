"""Every bad input ends in its reason code, through a confined child or without."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from streams.media import boxes, probe
from streams.media.reasons import REASONS, MediaProblem
from tests.media_fixtures.films import encode_file, numbers_of, probe_file
from tests.media_fixtures.odd_clips import Recipe, Sound

Clip = Callable[[Recipe], Path]

PLAYLISTS = {
    "hls": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "hls_with_mark": b"\xef\xbb\xbf#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/\n",
    "ffconcat": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "concat": b"file '/etc/passwd'\nfile 'b.mp4'\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
    "address": b"http://169.254.169.254/latest/meta-data",
}


def refusal(path: Path) -> str:
    with pytest.raises(MediaProblem) as caught:
        probe_file(path)
    assert caught.value.sentence == REASONS[caught.value.code]
    return caught.value.code


def file_of(folder: Path, data: bytes) -> Path:
    path = folder / "upload.mp4"
    path.write_bytes(data)
    return path


def test_empty(tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, b"")) == "empty"


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_playlists_in_disguise(kind: str, tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, PLAYLISTS[kind])) == "playlist"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"This is a letter.\n" * 500, "not_video"),
        (bytes(100_000), "not_video"),
        (np.random.default_rng(1).bytes(100_000), "not_video"),
        (b"\x89PNG\r\n\x1a\n" + bytes(1000), "format_not_allowed"),
        (b"%PDF-1.7\n" + bytes(1000), "format_not_allowed"),
        (b"PK\x03\x04" + bytes(1000), "format_not_allowed"),
        (b"ID3\x04" + bytes(1000), "no_video"),
    ],
)
def test_other_files(data: bytes, code: str, tmp_path: Path) -> None:
    assert refusal(file_of(tmp_path, data)) == code


def test_a_demuxer_that_is_not_allowed(tmp_path: Path) -> None:
    """A perfectly good film in a container whose demuxer is not on the list."""
    path = tmp_path / "film.nut"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        for n in range(10):
            frame = av.VideoFrame(64, 64)
            frame.pts, frame.time_base = n, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert refusal(path) == "not_video"


def test_sound_alone(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 48_000), np.float32), "fltp", "stereo")
        frame.sample_rate = 48_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert refusal(path) == "no_video"
    song = io.BytesIO()
    with wave.open(song, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(8000))
    assert refusal(file_of(tmp_path, song.getvalue())) == "no_video"


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".avi"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated(suffix: str, share: float, clip: Clip, tmp_path: Path) -> None:
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    sound = Sound(codec="ac3")
    whole = clip(Recipe(suffix=suffix, codec=codec, options={}, frame_count=120, sound=sound)).read_bytes()
    assert refusal(file_of(tmp_path, whole[: int(len(whole) * share)])) == "truncated"


def test_truncated_with_its_index_in_front(clip: Clip, tmp_path: Path) -> None:
    whole = clip(Recipe(muxer_options={"movflags": "+faststart"})).read_bytes()
    assert refusal(file_of(tmp_path, whole[: len(whole) * 2 // 3])) == "truncated"


def test_an_index_that_points_beyond_a_file_that_is_whole(clip: Clip, tmp_path: Path) -> None:
    """Every box is there to its end; nothing was lost on the way."""
    whole = clip(Recipe(muxer_options={"movflags": "+faststart"})).read_bytes()
    assert refusal(file_of(tmp_path, whole[: whole.index(b"mdat") - 4])) == "pictures_missing"


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG whose frame header claims another size."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuvj420p"
    encoder.time_base, encoder.color_range = Fraction(1, 25), 2
    picture = av.VideoFrame(64, 64, "yuvj420p")
    picture.pts, picture.time_base = 0, Fraction(1, 25)
    data = bytearray(b"".join(bytes(p) for frame in (picture, None) for p in encoder.encode(frame)))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


@pytest.mark.parametrize(("header_px", "code"), [(16_000, "too_large_picture"), (64, "damaged")])
def test_pixel_bombs(header_px: int, code: str, tmp_path: Path) -> None:
    """Pictures of 16000x16000, told by the header or only by the packets themselves: none is decoded."""
    path = tmp_path / "bomb.avi"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = header_px, header_px, "yuvj420p"
        stream.codec_context.color_range = 2
        out.start_encoding()
        for n in range(30):
            packet = av.Packet(jpeg_claiming(16_000, 16_000))
            packet.stream, packet.pts, packet.dts = stream, n, n
            packet.time_base, packet.is_keyframe = Fraction(1, 25), True
            out.mux_one(packet)
    assert refusal(path) == code


def test_too_small(clip: Clip) -> None:
    assert (
        refusal(clip(Recipe(width=8, height=8, sound=None, codec="mpeg4", options={}))) == "too_small_picture"
    )


def test_a_header_that_lies_about_its_length_is_not_believed(clip: Clip, tmp_path: Path) -> None:
    """`mvhd`, `tkhd` and `mdhd` claim ten hours; the samples last three seconds."""
    recipe = Recipe(sound=None)
    data = bytearray(clip(recipe).read_bytes())
    for kind in (b"mvhd", b"mdhd"):
        at = data.index(kind) + 4
        assert data[at] == 0
        timescale, _ = struct.unpack_from(">II", data, at + 12)
        struct.pack_into(">I", data, at + 16, 36_000 * timescale)
    film = probe_file(file_of(tmp_path, bytes(data)))
    assert film["frame_count"] == recipe.frame_count


def test_samples_that_last_absurdly_long(clip: Clip, tmp_path: Path) -> None:
    """Ten pictures spread over twenty hours are a bomb: the grid would hold two million."""
    data = bytearray(clip(Recipe(sound=None, frame_count=10)).read_bytes())
    at = data.index(b"stts") + 8
    (entries,) = struct.unpack_from(">I", data, at)
    assert entries == 1
    timescale = struct.unpack_from(">I", data, data.index(b"mdhd") + 16)[0]
    struct.pack_into(">I", data, at + 8, 7200 * timescale)
    assert refusal(file_of(tmp_path, bytes(data))) == "lying_duration"


def test_a_clock_that_makes_one_picture_last_for_minutes(clip: Clip, tmp_path: Path) -> None:
    """The track's timescale is 1 in place of thousands: its edit list leaves the first picture alone."""
    data = bytearray(clip(Recipe(sound=None, frame_count=120)).read_bytes())
    struct.pack_into(">I", data, data.index(b"mdhd") + 16, 1)
    assert refusal(file_of(tmp_path, bytes(data))) == "lying_duration"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("step_s", [3, 10])
def test_a_slideshow_is_a_film(suffix: str, step_s: int, clip: Clip) -> None:
    times = [Fraction(n) * step_s for n in range(12)]
    options = {"g": "1", "preset": "ultrafast"}
    slides = Recipe(suffix=suffix, options=options, frame_count=12, shown_at_s=times, sound=None)
    film = probe_file(clip(slides))
    assert film["duration_ms"] >= 11_000 * step_s


def test_a_recording_of_a_screen_at_rest_is_a_film(clip: Clip) -> None:
    """Motion for a second, then one picture a minute."""
    times = [Fraction(n, 25) for n in range(25)] + [Fraction(60 * n) for n in range(1, 6)]
    film = probe_file(clip(Recipe(frame_count=30, shown_at_s=times, sound=None)))
    assert film["duration_ms"] >= 300_000


def test_a_film_in_fragments_of_which_the_header_knows_the_first(clip: Clip) -> None:
    options = {"movflags": "frag_keyframe"}
    recipe = Recipe(sound=None, frame_count=300, options={"g": "10"}, muxer_options=options)
    assert probe_file(clip(recipe))["frame_count"] == 300


def test_a_title_that_is_not_utf_8_is_no_reason_to_refuse(clip: Clip, tmp_path: Path) -> None:
    recipe = Recipe(sound=None)
    data = clip(recipe).read_bytes()
    assert b"Lavf" in data
    film = probe_file(file_of(tmp_path, data.replace(b"Lavf", b"\xb0\xe9\xff\xfe")))
    assert film["frame_count"] == recipe.frame_count


def test_too_long(clip: Clip, tmp_path: Path) -> None:
    times = [Fraction(n) * 600 for n in range(200)]
    options = {"g": "1", "preset": "ultrafast"}
    long = Recipe(suffix=".mkv", options=options, frame_count=200, shown_at_s=times, sound=None)
    assert refusal(clip(long)) in {"too_long", "lying_duration"}


def test_damaged_beyond_use(clip: Clip, tmp_path: Path) -> None:
    """Every sample is noise; the structure around them is whole."""
    data = bytearray(clip(Recipe(sound=None)).read_bytes())
    mdat = next(box for box in boxes.boxes(bytes(data)) if box.kind == b"mdat")
    at = bytes(data).index(mdat.data) + 8
    data[at : at + len(mdat.payload)] = np.random.default_rng(2).bytes(len(mdat.payload))
    assert refusal(file_of(tmp_path, bytes(data))) == "damaged"


def test_damage_in_the_middle_is_passed_over(clip: Clip, tmp_path: Path) -> None:
    """Some packets are noise: the film keeps its length and shows the last good picture meanwhile."""
    recipe = Recipe(sound=None, frame_count=120)
    data = bytearray(clip(recipe).read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 50] = np.random.default_rng(3).bytes(len(data) // 50)
    film = encode_file(file_of(tmp_path, bytes(data)))
    numbers = numbers_of(film, film.plan["renditions"][0]["name"])
    assert len(numbers) == recipe.frame_count
    assert numbers[0] == 0
    assert numbers[-1] == recipe.frame_count - 1


@pytest.mark.parametrize("container", ["matroska", "mp4"])
def test_more_tracks_than_people_need(container: str, tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        tracks = [output.add_stream("mpeg4", rate=24) for _ in range(probe.MOST_TRACKS + 2)]
        for track in tracks:
            track.width, track.height, track.pix_fmt = 64, 48, "yuv420p"
        for track in tracks:
            output.mux([*track.encode(av.VideoFrame(64, 48, "yuv420p")), *track.encode()])
    assert refusal(file_of(tmp_path, file.getvalue())) == "too_many_streams"


def test_only_listed_demuxers_are_allowed() -> None:
    """None of those that open other files or addresses, whatever they are called."""
    allowed = set(probe.FORMATS.split(","))
    assert not allowed & {"hls", "dash", "concat", "image2", "sdp", "rtsp", "lavfi", "webm_dash_manifest"}
    assert probe.OPEN_OPTIONS["format_whitelist"] == probe.FORMATS


def test_reason_codes_are_stable() -> None:
    """Codes are API: a client may act on each."""
    assert set(REASONS) == {
        *("empty", "not_video", "format_not_allowed", "playlist", "codec_not_supported", "no_video"),
        *("truncated", "damaged", "too_large_picture", "too_small_picture", "too_long", "lying_duration"),
        *(
            "decompression_bomb",
            "too_many_streams",
            "keys_missing",
            "sandbox_unavailable",
            "source_missing",
            "internal",
        ),
        *("upload_mismatch", "pictures_missing", "keys_missing"),
    }
    assert all(sentence.endswith(".") and len(sentence) < 140 for sentence in REASONS.values())
