"""Criteria: small state machines from truth to infractions, one a file.

Rules are those of the CARLA leaderboard 2.0 (scenario_runner 94ff3b8, `atomic_criteria.py`); each
file says where a table of the baked town takes the place of a call to the CARLA server.
"""

from symdrive.scoring.criteria.bundle import Criteria, default_criteria
from symdrive.scoring.criteria.scenario import ScenarioTimeout, YieldToEmergencyVehicle
from symdrive.scoring.criteria.verdict import make_record
from symdrive.scoring.limits import CriteriaConfig

__all__ = [
    "Criteria",
    "CriteriaConfig",
    "ScenarioTimeout",
    "YieldToEmergencyVehicle",
    "default_criteria",
    "make_record",
]
