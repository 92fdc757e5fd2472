"""What the first bytes of a file say, before any demuxer sees it.

Playlists are refused here because a demuxer would follow what they point at. Files that end before they
say are found here because demuxers read on as if nothing were missing.
"""

from __future__ import annotations

import re
from typing import Protocol

from streams.media.reasons import MediaProblem

HEAD_BYTES = 4096
PLAYLIST = re.compile(
    rb"\s*(#EXTM3U|ffconcat\b|\[playlist\]|<\?xml|<MPD\b|<SmoothStreamingMedia|<smil\b|v=0\r?\n|"
    rb"(file|https?|ftp|rtmp|rtsp|concat|subfile|data|pipe|tcp|udp):|#!|file\s+['\"])",
    re.IGNORECASE,
)
SOUND_ONLY = (b"ID3", b"fLaC", b"FORM", b".snd", b"#!AMR")
NOT_ALLOWED = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF",
    b"PK\x03\x04",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"Rar!",
)
MPEG4_TOP_BOXES = frozenset(
    {
        b"ftyp",
        b"moov",
        b"mdat",
        b"free",
        b"skip",
        b"wide",
        b"uuid",
        b"moof",
        b"sidx",
        b"styp",
        b"pnot",
        b"meta",
    }
)
EBML = b"\x1a\x45\xdf\xa3"
MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


class Readable(Protocol):
    """A file object over the source."""

    size: int

    def seek(self, offset: int, whence: int = 0) -> int: ...

    def read(self, size: int) -> bytes: ...


def refuse_by_head(file: Readable) -> None:
    """MediaProblem for what is plainly no video: empty, playlist, picture, document, sound only."""
    if file.size == 0:
        raise MediaProblem("empty")
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if PLAYLIST.match(head.removeprefix(b"\xef\xbb\xbf")) or b"\n#EXTM3U" in head:
        raise MediaProblem("playlist", f"begins with {head[:24]!r}")
    if head.startswith(NOT_ALLOWED):
        raise MediaProblem("format_not_allowed", f"begins with {head[:8]!r}")
    if head.startswith(SOUND_ONLY) or (head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        raise MediaProblem("no_video", f"begins with {head[:12]!r}")


def is_cut_short(file: Readable) -> bool:
    """Does the container's own structure reach beyond the end of the file?"""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head[:4] == b"RIFF":
        return int.from_bytes(head[4:8], "little") + 8 > file.size
    if head[:4] == EBML:
        return _matroska_end(head) > file.size
    if head[4:8] in MPEG4_TOP_BOXES:
        return _mpeg4_cut_short(file)
    return False


def _mpeg4_cut_short(file: Readable) -> bool:
    """A top box that reaches beyond the end, or an `mdat` with no `moov` anywhere."""
    offset = 0
    kinds: set[bytes] = set()
    while offset + 8 <= file.size and len(kinds) < 1000:
        file.seek(offset)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        kinds.add(kind)
        if size == 1 and len(header) == 16:
            size = int.from_bytes(header[8:16], "big")
        elif size == 0:
            break
        if size < 8 or kind not in MPEG4_TOP_BOXES:
            return False  # rubbish after the film is common and harmless
        offset += size
    return offset > file.size or (b"mdat" in kinds and b"moov" not in kinds)


def _matroska_end(head: bytes) -> int:
    """Where the segment says it ends; 0 where it does not say."""
    at = head.find(MATROSKA_SEGMENT)
    if at < 0 or at + 12 > len(head):
        return 0
    first = head[at + 4]
    length = 9 - first.bit_length()
    if not 1 <= length <= 8:
        return 0
    raw = int.from_bytes(head[at + 4 : at + 4 + length], "big") & ((1 << 7 * length) - 1)
    unknown = raw == (1 << 7 * length) - 1
    return 0 if unknown else at + 4 + length + raw
