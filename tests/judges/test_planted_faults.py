"""The judges find what is wrong: one planted fault at a time, named by the rule that is meant for it."""

from __future__ import annotations

import pytest

from tests.judges.conftest import Made
from tests.judges.faults import Fault, cut_short, edited, removed, shifted, swapped, without_idr
from tests.judges.test_manifests import judged

HLS_360, HLS_SOUND, MASTER = r".*/hls/360p\.m3u8", r".*/hls/audio\.m3u8", r".*/hls/master\.m3u8"
MPD = r".*\.mpd"
SEGMENT = r".*/360p/3\.m4s"
FRAME_TICKS = 1001  # of the ladder film, whose timescale is 24000

FAULTS: dict[str, tuple[Fault, str]] = {
    "wrong EXTINF": (edited(HLS_360, r"#EXTINF:2\.\d+", "#EXTINF:1.750000"), "segment.duration"),
    "EXTINF off by one frame": (edited(HLS_360, r"#EXTINF:2\.0\d+", "#EXTINF:2.043708"), "segment.duration"),
    "wrong d in the MPD": (edited(MPD, r'(<S [^>]*\bd=")(\d+)', r"\g<1>9\2"), "segment.duration"),
    "a segment is not there": (removed(SEGMENT), "segment.status"),
    "an init segment is not there": (removed(r".*/360p/init\.mp4"), "init.status"),
    "a playlist is not there": (removed(HLS_360), "playlist.status"),
    "a segment left out of the playlist": (
        edited(HLS_360, r"#EXTINF:[^\n]*\n[^\n]*/3\.m4s\n", ""),
        "segment.gap",
    ),
    "tfdt one frame late": (shifted(SEGMENT, FRAME_TICKS), "segment.gap"),
    "tfdt one tick late": (shifted(SEGMENT, 1), "segment.gap"),
    "a whole rung half a second late": (shifted(r".*/360p/\d+\.m4s", 12000), "segment.start"),
    "sound 60 ms late": (shifted(r".*/audio/\d+\.m4s", 2880), "sound.aligned"),
    "two segments in each other's place": (swapped(r".*/360p/3\.m4s", r".*/360p/4\.m4s"), "segment.gap"),
    "the end of a segment is lost": (cut_short(SEGMENT, 500), "segment.boxes"),
    "a segment without an IDR picture": (without_idr(SEGMENT), "hls.idr"),
    "sync flags that lie": (without_idr(SEGMENT), "segment.boxes"),
    "TARGETDURATION too small": (
        edited(HLS_360, r"TARGETDURATION:\d+", "TARGETDURATION:1"),
        "hls.target_duration",
    ),
    "no end to a finished film": (edited(HLS_360, r"#EXT-X-ENDLIST\n", ""), "hls.playlist_type"),
    "CODECS of another profile": (edited(MASTER, r"avc1\.64001e", "avc1.42c01e"), "hls.codecs"),
    "CODECS without the sound": (edited(MASTER, r',mp4a\.40\.2"', '"'), "hls.codecs"),
    "RESOLUTION of another rung": (
        edited(MASTER, r"RESOLUTION=640x360", "RESOLUTION=640x352"),
        "hls.resolution",
    ),
    "no FRAME-RATE": (edited(MASTER, r",?FRAME-RATE=[\d.]+", ""), "hls.attribute"),
    "another FRAME-RATE": (edited(MASTER, r"FRAME-RATE=[\d.]+", "FRAME-RATE=24.000"), "hls.frame_rate"),
    "no VIDEO-RANGE": (edited(MASTER, r",?VIDEO-RANGE=SDR", ""), "hls.attribute"),
    "no audio group": (edited(MASTER, r',AUDIO="[^"]+"', ""), "hls.audio_group"),
    "BANDWIDTH too low": (edited(MASTER, r"([:,]BANDWIDTH=)\d+", r"\g<1>100000"), "hls.bandwidth"),
    "BANDWIDTH too high": (edited(MASTER, r"([:,]BANDWIDTH=)\d+", r"\g<1>9000000"), "hls.bandwidth"),
    "AVERAGE-BANDWIDTH too low": (
        edited(MASTER, r"(AVERAGE-BANDWIDTH=)\d+", r"\g<1>100000"),
        "hls.average_bandwidth",
    ),
    "bandwidth in the MPD too low": (
        edited(MPD, r'(mimeType="video[^>]*?\bbandwidth="|\bbandwidth=")\d+', r"\g<1>9000"),
        "dash.bandwidth",
    ),
    "a longer film in the MPD": (
        edited(MPD, r'mediaPresentationDuration="[^"]+"', 'mediaPresentationDuration="PT12S"'),
        "manifest.duration",
    ),
    "a tag that is not allowed": (
        edited(HLS_360, r"#EXT-X-ENDLIST", "#EXT-X-STREAM-INF:BANDWIDTH=1\n#EXT-X-ENDLIST"),
        "manifest.syntax",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(ladder: Made, name: str) -> None:
    _, film = ladder
    plant, rule = FAULTS[name]
    _, problems = judged(plant(film.files))
    assert rule in {problem.rule for problem in problems}
