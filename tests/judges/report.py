"""What the node judges measured, typed. Runs `measure/main.mjs`, which reads both manifests with other
people's parsers and every segment with a box parser; the rules of the sibling modules judge the result."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.judges.install import install_modules, program

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Problem:
    """One finding: a stable rule name, the address it concerns and a sentence with the numbers."""

    rule: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"[{self.rule}] {self.where}: {self.text}"


@dataclass(frozen=True)
class Segment:
    """A declared segment and what its bytes hold. Times without a unit are in the track's timescale."""

    url: str
    status: int
    size_bytes: int
    declared_start_s: float
    declared_duration_s: float
    timescale: int | None
    tfdt: int | None
    duration: int | None
    presentation_start: int | None
    sample_count: int
    first_is_idr: bool | None
    first_is_sync: bool | None
    idr_times: list[int]
    sequence: list[int]
    faults: list[str]

    @property
    def name(self) -> str:
        return "/".join(self.url.rsplit("/", 2)[-2:])

    @property
    def readable(self) -> bool:
        return self.status == 200 and self.tfdt is not None

    @property
    def start_s(self) -> float:
        """Where its first picture or sound is shown."""
        return (self.presentation_start or 0) / (self.timescale or 1)

    @property
    def duration_s(self) -> float:
        return (self.duration or 0) / (self.timescale or 1)

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@dataclass(frozen=True)
class Init:
    url: str
    status: int
    timescale: int | None = None
    handler: str | None = None
    width: int | None = None
    height: int | None = None
    codecs: str | None = None
    family: str | None = None


@dataclass(frozen=True)
class Rendition:
    """One media playlist of HLS, or one representation of DASH."""

    name: str
    kind: str
    url: str
    status: int
    declared: dict[str, Any]
    inits: list[Init]
    segments: list[Segment]
    ended: bool = False
    content_type: str | None = None
    target_duration_s: int | None = None
    playlist_type: str | None = None
    version: int | None = None
    independent_segments: bool = False
    discontinuities: int = 0
    second_opinion: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Presentation:
    """HLS or DASH as a whole. `said` is what the parsers complained of."""

    url: str
    status: int
    said: list[str]
    renditions: list[Rendition]
    source: str
    content_type: str | None = None
    independent_segments: bool = False
    version: int | None = None
    duration_s: float | None = None

    def of_kind(self, kind: str) -> list[Rendition]:
        return [rendition for rendition in self.renditions if rendition.kind == kind]


@dataclass(frozen=True)
class Report:
    hls: Presentation | None
    dash: Presentation | None

    @property
    def presentations(self) -> Iterator[Presentation]:
        return (each for each in (self.hls, self.dash) if each is not None)


def measure(hls: str | None, dash: str | None, headers: Mapping[str, str] | None = None) -> Report:
    """Measure what is served at these addresses; a playlist that cannot be parsed at all raises."""
    wanted = json.dumps({"hls": hls, "dash": dash, "headers": dict(headers or {})})
    install_modules()
    done = subprocess.run(
        [program("node"), str(HERE / "measure" / "main.mjs"), wanted],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode != 0:
        raise AssertionError(f"the parsers gave up on {hls} and {dash}:\n{done.stderr.strip()[-2000:]}")
    found = json.loads(done.stdout)
    return Report(_presentation(found["hls"]), _presentation(found["dash"]))


def _known(kind: type, found: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in found.items() if name in names}


def _presentation(found: dict[str, Any] | None) -> Presentation | None:
    if found is None:
        return None
    renditions = [
        Rendition(
            **_known(Rendition, each)
            | {
                "inits": [Init(**_known(Init, init)) for init in each["inits"]],
                "segments": [Segment(**_known(Segment, segment)) for segment in each["segments"]],
            }
        )
        for each in found["renditions"]
    ]
    return Presentation(**_known(Presentation, found) | {"renditions": renditions})
