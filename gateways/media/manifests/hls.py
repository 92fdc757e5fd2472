"""HLS playlists (RFC 8216bis) over the CMAF segments. Pure.

While a film is encoded its playlists are of type EVENT and hold the segments that are there without a
hole; when it is ready they are VOD. Bandwidths are declared from the encoder's ceiling until measured;
averages are left out until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from gateways.media.manifests.film import Film, bandwidth_of, codecs_of
from schemas.drm.signalling import UUIDS, film_signals, hls_key
from schemas.media.plan import AUDIO_RENDITION, fps_of
from schemas.media.views import AssetDocument, RenditionView, StoryboardView

VERSION = 7
SOUND_GROUP = "sound"
STORYBOARD = "storyboard"
SHEET_BPS = 60_000  # a sheet of some 300 kB lasts for 25 tiles of two seconds or more


def master(document: AssetDocument) -> str:
    """The multivariant playlist; it lies beside the media playlists."""
    film = Film(document)
    audio = film.audio_view
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{SOUND_GROUP}",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,'
            f'CHANNELS="{film.plan["audio"]["channels"]}",URI="{AUDIO_RENDITION}.m3u8"'
        )
    for view in film.views:
        lines += [f"#EXT-X-STREAM-INF:{_variant(film, view, audio)}", f"{view['name']}.m3u8"]
    board = document["storyboard"]
    if board is not None:
        lines.append(
            f"#EXT-X-IMAGE-STREAM-INF:BANDWIDTH={SHEET_BPS},RESOLUTION={board['tile_width']}x{board['tile_height']},"
            f'CODECS="jpeg",URI="{STORYBOARD}.m3u8"'
        )
    return "\n".join(lines) + "\n"


def media(document: AssetDocument, rendition: str, *, clear_key: bool = False) -> str:
    """The playlist of a rung, of `audio`, or of `storyboard`; KeyError for any other name.

    `clear_key`: for players of that.
    """
    film = Film(document)
    if rendition == STORYBOARD:
        return _images(film)
    track = film.track(rendition)
    folder = f"{film.media_base}/{rendition}"
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{film.target_duration_s()}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if film.is_whole else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    if not film.is_whole:
        # Players take a growing playlist for a live one and would begin at its end.
        lines.append("#EXT-X-START:TIME-OFFSET=0,PRECISE=YES")
    lines += _keys(film, rendition, film.systems(clear_key=clear_key))
    lines.append(f'#EXT-X-MAP:URI="{folder}/init.mp4"')
    for number, duration_s in enumerate(track.durations_s[: film.segments_there()]):
        lines += [f"#EXTINF:{_decimal(duration_s)},", f"{folder}/{number}.m4s"]
    if film.is_whole:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _keys(film: Film, rendition: str, systems: Sequence[str]) -> Iterator[str]:
    """A line for each system. Clear Key's is what hls.js takes; Shaka reads the same keys from DASH."""
    kid, scheme = film.kid(rendition), film.scheme
    if kid is None or scheme is None:
        return
    for name in systems:
        said = film_signals(UUIDS[name], kid, dict.fromkeys(film.kids), scheme)
        named = kid if name == "widevine" else ""
        yield hls_key(said.hls_uri, said.hls_key_format, scheme, kid=named)


def _variant(film: Film, view: RenditionView, audio: RenditionView | None) -> str:
    attributes = [f"BANDWIDTH={bandwidth_of(view, audio)}"]
    averages = [view["average_bandwidth"], audio["average_bandwidth"] if audio else 0]
    if None not in averages:
        attributes.append(f"AVERAGE-BANDWIDTH={sum(average or 0 for average in averages)}")
    attributes += [
        f'CODECS="{codecs_of(view, audio)}"',
        f"RESOLUTION={view['width']}x{view['height']}",
        f"FRAME-RATE={float(fps_of(film.plan)):.3f}",
        "VIDEO-RANGE=SDR",
        "CLOSED-CAPTIONS=NONE",
    ]
    if audio:
        attributes.append(f'AUDIO="{SOUND_GROUP}"')
    return ",".join(attributes)


def _images(film: Film) -> str:
    """Storyboard sheets as an image stream (the tags that Roku, Shaka Packager and players agree on)."""
    board = film.document["storyboard"]
    if board is None:
        raise KeyError("this film has no storyboard yet")
    tile_s = Fraction(board["interval_ms"], 1000)
    rest_s = Fraction(film.document["duration_ms"] or 0, 1000)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{max(1, int(_sheet_s(board) + Fraction(1, 2)))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-IMAGES-ONLY",
    ]
    for sheet in range(board["sheet_count"]):
        length_s = max(Fraction(1, 1000), min(_sheet_s(board), rest_s - sheet * _sheet_s(board)))
        lines += [
            f"#EXTINF:{_decimal(length_s)},",
            f"#EXT-X-TILES:RESOLUTION={board['tile_width']}x{board['tile_height']},"
            f"LAYOUT={board['columns']}x{board['rows']},DURATION={_decimal(tile_s)}",
            f"../{STORYBOARD}/{sheet}.jpg",
        ]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _sheet_s(board: StoryboardView) -> Fraction:
    return Fraction(board["columns"] * board["rows"] * board["interval_ms"], 1000)


def _decimal(seconds: Fraction) -> str:
    return f"{float(seconds):.6f}"
