"""The DASH manifest (ISO/IEC 23009-1, live profile, static) over the same segments as HLS. Pure.

Given only when the film is whole: a static manifest names every segment, by number, with its exact time
in a SegmentTimeline.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from math import ceil
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gateways.media.manifests.film import AAC_CODECS, Film, Track
from schemas.drm.signalling import UUIDS, film_signals
from schemas.media.grid import duration_s
from schemas.media.plan import AUDIO_RENDITION, fps_of
from schemas.media.views import AssetDocument, RenditionView, StoryboardView

NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
CHANNELS_SCHEME = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
TILES_SCHEME = "http://dashif.org/guidelines/thumbnail_tile"
SHEET_BPS = 60_000
PROTECTION_SCHEME = "urn:mpeg:dash:mp4protection:2011"
CENC_NAMESPACE = "urn:mpeg:cenc:2013"
MSPR_NAMESPACE = "urn:microsoft:playready"
SYSTEMS = {"clearkey": "ClearKey1.0", "widevine": "Widevine", "playready": "MSPR 2.0"}


def manifest(document: AssetDocument, *, clear_key: bool = False) -> str:
    """The MPD of a film that is ready; ValueError for one that is not. `clear_key`: for players of that."""
    film = Film(document)
    systems = film.systems(clear_key=clear_key)
    if not film.is_whole:
        raise ValueError(f"asset {document['id']} is {document['state']}; a static MPD needs every segment")
    length = _duration(duration_s(film.plan))
    mpd = Element(
        "MPD",
        {
            "xmlns": NAMESPACE,
            "profiles": PROFILES,
            "type": "static",
            # Not rounded down: at the declared bandwidth a whole segment must fit into it.
            "minBufferTime": _duration(Fraction(ceil(film.longest_segment_s() * 100), 100)),
            "mediaPresentationDuration": length,
        },
    )
    period = SubElement(mpd, "Period", {"id": "0", "start": "PT0S", "duration": length})
    _pictures(period, film, systems)
    if film.audio_view is not None:
        _sound(period, film, film.audio_view, systems)
    if document["storyboard"] is not None:
        _thumbnails(period, document["storyboard"])
    indent(mpd)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(mpd, encoding="unicode") + "\n"


def _pictures(period: Element, film: Film, systems: Sequence[str]) -> None:
    rate = fps_of(film.plan)
    largest = film.views[-1]
    group = SubElement(
        period,
        "AdaptationSet",
        {
            "id": "1",
            "contentType": "video",
            "mimeType": "video/mp4",
            "segmentAlignment": "true",
            "startWithSAP": "1",
            "maxWidth": str(largest["width"]),
            "maxHeight": str(largest["height"]),
            "frameRate": str(rate),
        },
    )
    for view in film.views:
        one = SubElement(
            group,
            "Representation",
            {
                "id": view["name"],
                "bandwidth": str(view["bandwidth"]),
                "codecs": view["codecs"] or "",
                "width": str(view["width"]),
                "height": str(view["height"]),
                "sar": "1:1",
            },
        )
        _protection(one, film, view["name"], systems)
        _segments(one, film, film.track(view["name"]))


def _sound(period: Element, film: Film, view: RenditionView, systems: Sequence[str]) -> None:
    audio = film.plan["audio"]
    group = SubElement(
        period,
        "AdaptationSet",
        {
            "id": "2",
            "contentType": "audio",
            "mimeType": "audio/mp4",
            "segmentAlignment": "true",
            "startWithSAP": "1",
        },
    )
    one = SubElement(
        group,
        "Representation",
        {
            "id": AUDIO_RENDITION,
            "bandwidth": str(view["bandwidth"]),
            "codecs": view["codecs"] or AAC_CODECS,
            "audioSamplingRate": str(audio["sample_rate_hz"]),
        },
    )
    SubElement(
        one, "AudioChannelConfiguration", {"schemeIdUri": CHANNELS_SCHEME, "value": str(audio["channels"])}
    )
    _protection(one, film, AUDIO_RENDITION, systems)
    _segments(one, film, film.track(AUDIO_RENDITION), first_time=audio["start_samples"])


def _protection(representation: Element, film: Film, rendition: str, systems: Sequence[str]) -> None:
    """Of a representation: rungs of one adaptation set may have different keys."""
    kid = film.kid(rendition)
    if kid is None or film.scheme is None:
        return
    SubElement(
        representation,
        "ContentProtection",
        {
            "schemeIdUri": PROTECTION_SCHEME,
            "value": film.scheme,
            "xmlns:cenc": CENC_NAMESPACE,
            "cenc:default_KID": str(UUID(kid)),
        },
    )
    for name in systems:
        if name not in SYSTEMS:  # FairPlay plays HLS
            continue
        said = film_signals(UUIDS[name], kid, dict.fromkeys(film.kids), film.scheme)
        # No address of licences: players would prefer it to the one that they are told together with a token.
        element = SubElement(
            representation,
            "ContentProtection",
            {"schemeIdUri": f"urn:uuid:{UUIDS[name]}", "value": SYSTEMS[name]},
        )
        # The same everywhere, so that players ask once for all keys: a token is good for one licence.
        box = SubElement(element, "cenc:pssh", {"xmlns:cenc": CENC_NAMESPACE})
        box.text = b64encode(said.box).decode()
        if said.object:
            pro = SubElement(element, "mspr:pro", {"xmlns:mspr": MSPR_NAMESPACE})
            pro.text = b64encode(said.object).decode()


def _segments(representation: Element, film: Film, track: Track, first_time: int = 0) -> None:
    """The template of a track and its timeline, equal neighbours folded into one entry."""
    folder = f"{film.media_base}/{track.name}"
    template = SubElement(
        representation,
        "SegmentTemplate",
        {
            "timescale": str(track.timescale),
            "initialization": f"{folder}/init.mp4",
            "media": f"{folder}/$Number$.m4s",
            "startNumber": "0",
        },
    )
    timeline = SubElement(template, "SegmentTimeline")
    for i, (duration, run) in enumerate(groupby(track.durations)):
        attributes = {"t": str(first_time)} if i == 0 else {}
        attributes["d"] = str(duration)
        if (repeats := len(list(run)) - 1) > 0:
            attributes["r"] = str(repeats)
        SubElement(timeline, "S", attributes)


def _thumbnails(period: Element, board: StoryboardView) -> None:
    """Sheets of tiles, as DASH-IF's guidelines describe them."""
    columns, rows = board["columns"], board["rows"]
    group = SubElement(period, "AdaptationSet", {"id": "3", "contentType": "image", "mimeType": "image/jpeg"})
    SubElement(
        group,
        "SegmentTemplate",
        {
            "timescale": "1000",
            "duration": str(columns * rows * board["interval_ms"]),
            "media": "../storyboard/$Number$.jpg",
            "startNumber": "0",
        },
    )
    one = SubElement(
        group,
        "Representation",
        {
            "id": "storyboard",
            "bandwidth": str(SHEET_BPS),
            "width": str(columns * board["tile_width"]),
            "height": str(rows * board["tile_height"]),
        },
    )
    SubElement(one, "EssentialProperty", {"schemeIdUri": TILES_SCHEME, "value": f"{columns}x{rows}"})


def _duration(seconds: Fraction) -> str:
    """An xs:duration, to the microsecond."""
    return f"PT{float(seconds):.6f}".rstrip("0").rstrip(".") + "S"
