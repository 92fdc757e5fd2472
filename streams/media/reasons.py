"""Why a source is refused: stable codes, a sentence each for people. Codes are API; never rename one."""

from __future__ import annotations

UPLOAD_ONE = "Upload an MP4, MOV, MKV, WebM, AVI or MPEG-TS file."

REASONS: dict[str, str] = {
    "empty": "The file is empty. Upload it again.",
    "not_video": f"The file is not a video that can be read. {UPLOAD_ONE}",
    "format_not_allowed": f"This kind of file is not accepted. {UPLOAD_ONE}",
    "playlist": "The file is a playlist that points elsewhere, not a video. Upload the video itself.",
    "codec_not_supported": "The pictures are in a codec unknown here. Convert the film to H.264 first.",
    "no_video": "The file has sound but no pictures. Upload a file with a video track.",
    "truncated": "The file ends before its video does: it is incomplete. Upload the whole file.",
    "pictures_missing": "The file's index points where no pictures are. Export it again from the original.",
    "damaged": "The file is damaged: its pictures cannot be decoded. Export it again from the original.",
    "too_large_picture": "The picture is larger than 8192x8192 pixels or 36 megapixels. Export it smaller.",
    "too_small_picture": "The picture is smaller than 16 pixels on a side. Export it larger.",
    "too_long": "The film is longer than 24 hours. Cut it into parts.",
    "lying_duration": "The file's clock does not match its pictures. Export it again from the original.",
    "decompression_bomb": "The file would take far more memory or time to decode than its size warrants.",
    "too_many_streams": "The file has more than 64 tracks. Export it with fewer.",
    "source_missing": "Parts of the uploaded file are gone from the object store. Upload the file again.",
    "upload_mismatch": "What was uploaded does not add up: its parts cannot make its size. Upload it again.",
    "keys_missing": "The keys that the film is encrypted with are gone. Upload the film again.",
    "sandbox_unavailable": "This machine cannot confine the decoder. Ask the operator for a newer kernel.",
    "internal": "The encoder failed for a reason of its own. Try again, then tell the operator.",
}

# A second attempt may end otherwise: these say nothing about the file.
RETRYABLE = frozenset({"internal", "sandbox_unavailable"})


class MediaProblem(Exception):
    """A source that cannot be used. `code` is one of REASONS; `detail` is for the log, not for people."""

    def __init__(self, code: str, detail: str = "") -> None:
        if code not in REASONS:
            raise ValueError(f"unknown reason code {code!r}; add it to REASONS with its sentence")
        super().__init__(f"{code}: {detail or REASONS[code]}")
        self.code = code
        self.detail = detail

    @property
    def sentence(self) -> str:
        return REASONS[self.code]

    @property
    def retryable(self) -> bool:
        return self.code in RETRYABLE
