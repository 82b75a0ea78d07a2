"""Bench2Drive's five abilities: which scenarios ask for each, and both ways of counting them."""

from collections.abc import Mapping
from dataclasses import dataclass

from symdrive.scoring.infraction import InfractionKind as Kind
from symdrive.scoring.metrics import Measure, Sample, Scored, mean, percent

ABILITIES: Mapping[str, frozenset[str]] = {
    "overtaking": frozenset(
        [
            "Accident",
            "AccidentTwoWays",
            "ConstructionObstacle",
            "ConstructionObstacleTwoWays",
            "HazardAtSideLane",
            "HazardAtSideLaneTwoWays",
            "ParkedObstacle",
            "ParkedObstacleTwoWays",
            "VehicleOpensDoorTwoWays",
        ]
    ),
    "merging": frozenset(
        [
            "CrossingBicycleFlow",
            "EnterActorFlow",
            "HighwayCutIn",
            "HighwayExit",
            "InterurbanActorFlow",
            "InterurbanAdvancedActorFlow",
            "MergerIntoSlowTraffic",
            "MergerIntoSlowTrafficV2",
            "NonSignalizedJunctionLeftTurn",
            "NonSignalizedJunctionLeftTurnEnterFlow",
            "NonSignalizedJunctionRightTurn",
            "ParkingExit",
            "SequentialLaneChange",
            "SignalizedJunctionLeftTurn",
            "SignalizedJunctionLeftTurnEnterFlow",
            "SignalizedJunctionRightTurn",
        ]
    ),
    "emergency brake": frozenset(
        [
            "BlockedIntersection",
            "ControlLoss",
            "DynamicObjectCrossing",
            "HardBreakRoute",
            "OppositeVehicleRunningRedLight",
            "OppositeVehicleTakingPriority",
            "ParkingCrossingPedestrian",
            "ParkingCutIn",
            "PedestrianCrossing",
            "StaticCutIn",
            "VehicleTurningRoute",
            "VehicleTurningRoutePedestrian",
        ]
    ),
    "give way": frozenset(["InvadingTurn", "YieldToEmergencyVehicle"]),
    "traffic signs": frozenset(
        [
            "BlockedIntersection",
            "CrossingBicycleFlow",
            "EnterActorFlow",
            "NonSignalizedJunctionLeftTurn",
            "NonSignalizedJunctionLeftTurnEnterFlow",
            "NonSignalizedJunctionRightTurn",
            "OppositeVehicleRunningRedLight",
            "OppositeVehicleTakingPriority",
            "PedestrianCrossing",
            "SignalizedJunctionLeftTurn",
            "SignalizedJunctionLeftTurnEnterFlow",
            "SignalizedJunctionRightTurn",
            "T_Junction",
            "VanillaNonSignalizedTurn",
            "VanillaNonSignalizedTurnEncounterStopsign",
            "VanillaSignalizedTurnEncounterGreenLight",
            "VanillaSignalizedTurnEncounterRedLight",
            "VehicleTurningRoute",
            "VehicleTurningRoutePedestrian",
        ]
    ),
}
"""Scenario types of each ability; a type may count for two. Source: Bench2Drive 7ec25d1,
`tools/ability_benchmark.py`."""

SIGNS = "traffic signs"


@dataclass(frozen=True)
class Abilities:
    """Bench2Drive's five abilities and their mean, by the formulas of 0.0.3 and of 0.0.4.

    Source: Bench2Drive, `tools/ability_benchmark.py` of both branches. Only drives with a record
    count. The two formulas differ in traffic signs: 0.0.3 counts each route twice, once for success
    and once for a junction passed without running a sign or light; 0.0.4 counts it once, and takes
    either.
    """

    def measure(self, sample: Sample) -> tuple[Measure, ...]:
        """Four shares that both formulas agree on, then two of signs and two means."""
        shares = {
            name: mean(float(item.score.success) for item in _of(sample, name))
            for name in ABILITIES
            if name != SIGNS
        }
        signs = [(item.score.success, _passed(sample, item)) for item in _of(sample, SIGNS)]
        old = mean((done + passed) / 2.0 for done, passed in signs)
        new = mean(float(done or passed) for done, passed in signs)
        found = [
            Measure(f"ability_{name.replace(' ', '_')}", name, percent(share))
            for name, share in shares.items()
        ]
        for version, share in (("0.0.3", old), ("0.0.4", new)):
            key = version.replace(".", "_")
            all_five = [*shares.values(), share]
            known = [value for value in all_five if value is not None]
            average = mean(known) if len(known) == len(all_five) else None
            found.append(
                Measure(f"ability_traffic_signs_{key}", f"{SIGNS} ({version})", percent(share))
            )
            found.append(
                Measure(f"ability_mean_{key}", f"mean of five ({version})", percent(average))
            )
        return tuple(found)


def _of(sample: Sample, ability: str) -> list[Scored]:
    """Drives whose scenario asks for an ability."""
    types = ABILITIES[ability]
    return [item for item in sample.routes if sample.scenario(item.record) in types]


def _passed(sample: Sample, item: Scored) -> bool:
    """Whether the first junction was passed without running a stop sign or a red light."""
    info = sample.table.get(item.record.route)
    if info is None or info.junction_share is None:
        return False
    ran = item.record.events.get(Kind.STOP_SIGN) or item.record.events.get(Kind.RED_LIGHT)
    return not ran and item.record.route_completion / 100.0 > info.junction_share
