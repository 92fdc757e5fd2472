"""Probe -> plan: everything that decides a byte of the output, in one record. Pure."""

from __future__ import annotations

import hashlib
import json
from fractions import Fraction
from functools import cache

import av

from schemas.media.grid import chunks_of, cuts_of, timescale_of
from schemas.media.plan import Plan
from schemas.media.protection import PlanProtection
from streams.media.ladder import ladder_for
from streams.media.probe import Probe

PROFILE_VERSION = 1  # raise it whenever the same plan would give other bytes
HASH_LENGTH = 32


@cache
def encoder_build() -> str:
    """The build whose bytes a profile hash stands for."""
    codec = ".".join(str(n) for n in av.library_versions["libavcodec"])
    return f"pyav-{av.__version__}-libavcodec-{codec}"


def make_plan(probe: Probe, source_hash: str) -> Plan:
    """The plan for a source, not encrypted. Equal arguments give equal plans, in every process."""
    fps = Fraction(probe["fps_num"], probe["fps_den"])
    cuts = cuts_of(fps, probe["frame_count"])
    plan: Plan = {
        "profile_version": PROFILE_VERSION,
        "profile_hash": "",
        "encoder_build": encoder_build(),
        "fps_num": fps.numerator,
        "fps_den": fps.denominator,
        "frame_count": probe["frame_count"],
        "timescale": timescale_of(fps),
        "segment_count": len(cuts) - 1,
        "chunk_count": len(chunks_of(fps, cuts)),
        "video_stream_index": probe["video_stream_index"],
        "video_origin_pts": probe["video_origin_pts"],
        "rotation_deg": probe["rotation_deg"],
        "full_range": probe["full_range"],
        "transfer": probe["transfer"],
        "deinterlace": probe["interlaced"],
        "renditions": ladder_for(probe["width"], probe["height"], fps),
        "audio": probe["audio"],
        "protection": None,
    }
    # Hashed as it was before plans could be protected: the same film stays in the same folder.
    hashed = {name: value for name, value in plan.items() if name != "protection"}
    plan["profile_hash"] = _hash([hashed, source_hash, "clear"])
    return plan


def replayed(plan: Plan) -> Plan:
    """The same film by the same grid, ladder and sound, as this build makes it."""
    return {**plan, "profile_version": PROFILE_VERSION, "encoder_build": encoder_build()}


def protected(plan: Plan, protection: PlanProtection) -> Plan:
    """The same plan, encrypted. Scheme and KIDs change the bytes, so the folder is another one."""
    changed = {"scheme": protection["scheme"], "keys": protection["keys"]}
    hashed = _hash([plan["profile_hash"], changed])
    return {**plan, "protection": protection, "profile_hash": hashed}


def _hash(material: object) -> str:
    text = json.dumps(material, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]
