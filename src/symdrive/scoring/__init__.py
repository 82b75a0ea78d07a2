"""Criteria (truth to infractions), formulas of every protocol, statistics, result files.

The names below are the library: they load neither torch nor the simulator. Criteria, which watch a
drive, are in `symdrive.scoring.criteria`.
"""

from symdrive.scoring.assessment import Assessment, assess, compare_assessments
from symdrive.scoring.document import document
from symdrive.scoring.findings import Finding, Severity
from symdrive.scoring.penalty import Penalty, ProductPenalty, RatePenalty, SumPenalty
from symdrive.scoring.protocol import (
    BENCH2DRIVE_0_0_3,
    BENCH2DRIVE_0_0_4,
    FAIL2DRIVE,
    LEADERBOARD_2_0,
    LEADERBOARD_2_1,
    LONGEST6_V2,
    PROTOCOLS,
    TOWN13,
    Protocol,
    Summary,
    aggregate,
    protocol_named,
    score_route,
)
from symdrive.scoring.records import RouteRecord
from symdrive.scoring.score import RouteScore
from symdrive.scoring.sources import read_results
from symdrive.scoring.uncertainty import bootstrap, compare, runs_needed, sign_test

__all__ = [
    "BENCH2DRIVE_0_0_3",
    "BENCH2DRIVE_0_0_4",
    "FAIL2DRIVE",
    "LEADERBOARD_2_0",
    "LEADERBOARD_2_1",
    "LONGEST6_V2",
    "PROTOCOLS",
    "TOWN13",
    "Assessment",
    "Finding",
    "Penalty",
    "ProductPenalty",
    "Protocol",
    "RatePenalty",
    "RouteRecord",
    "RouteScore",
    "Severity",
    "SumPenalty",
    "Summary",
    "aggregate",
    "assess",
    "bootstrap",
    "compare",
    "compare_assessments",
    "document",
    "protocol_named",
    "read_results",
    "runs_needed",
    "score_route",
    "sign_test",
]
