"""OpenDRIVE text to a baked town."""

import hashlib

from symdrive.core.memory import uncollected
from symdrive.core.seeds import derived_seed
from symdrive.maps.opendrive.crosswalks import build_crosswalks
from symdrive.maps.opendrive.document import parse
from symdrive.maps.opendrive.ground import build_ground
from symdrive.maps.opendrive.junctions import build_conflicts, with_priority
from symdrive.maps.opendrive.lanes import build_lanes
from symdrive.maps.opendrive.signals import (
    YIELD_SIGN,
    build_signals,
    build_stop_signs,
    signed_lanes,
)
from symdrive.maps.opendrive.stop_lines import StopLines
from symdrive.maps.opendrive.survey import survey
from symdrive.maps.scenery import build_mesh
from symdrive.maps.town import Town


def source_digest(xodr_text: str) -> str:
    """First 16 hex digits of the SHA-256 of an OpenDRIVE text."""
    return hashlib.sha256(xodr_text.encode()).hexdigest()[:16]


@uncollected()
def bake(xodr_text: str, name: str) -> Town:
    """Bake a town: lanes, junctions, signals, ground and scenery.

    The scenery is drawn from the digest of the text, so one file always makes one town.

    Args:
        xodr_text: OpenDRIVE 1.4 to 1.7.
        name: name of the town, or the file, for messages.

    Raises:
        UserError: for text that is no sound OpenDRIVE, or where the CARLA wheel is missing.
    """
    document = parse(xodr_text, name)
    found = survey(document, name)
    lanes = build_lanes(document, found.lanes, name)
    ground = build_ground(lanes)
    finder = StopLines(document, lanes)
    signals = build_signals(document, lanes, ground, finder, name)
    lit = set(signals.stop_lane.tolist())
    stop_signs = build_stop_signs(document, lanes, ground, finder, lit, name)
    must_stop = set(stop_signs.lane.tolist())
    must_yield = set(signed_lanes(document, finder, YIELD_SIGN, name))
    conflicts = build_conflicts(lanes)
    lanes = with_priority(lanes, conflicts, signals, must_stop, must_yield)
    crosswalks = build_crosswalks(found.crosswalks, lanes)
    digest = source_digest(xodr_text)
    mesh = build_mesh(
        lanes, signals, stop_signs, crosswalks, ground, derived_seed(0, f"scenery/{digest}")
    )
    return Town(name, digest, lanes, conflicts, signals, stop_signs, crosswalks, ground, mesh)
