"""What some benchmarks report besides the driving score; each metric is a value of a protocol."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from symdrive.scoring.comfort import Motion, comfort_b2d, comfort_si
from symdrive.scoring.infraction import InfractionKind as Kind
from symdrive.scoring.penalty import Penalty
from symdrive.scoring.records import RouteRecord
from symdrive.scoring.route_tables import RouteInfo
from symdrive.scoring.score import RouteScore

MAX_SPEED_PERCENT = 1000.0
"""Bench2Drive drops checkpoints at which the traffic stood."""


@dataclass(frozen=True)
class Scored:
    """A record and its score."""

    record: RouteRecord
    score: RouteScore


@dataclass(frozen=True)
class Sample:
    """The drives that a metric is taken of.

    Attributes:
        routes: scored drives, in any order.
        planned: drives of the benchmark, missing ones included.
        table: routes of the benchmark by id; empty where it has none.
        motions: logs of how the car moved, by `RouteRecord.save_name` or source.
    """

    routes: tuple[Scored, ...]
    planned: int
    table: Mapping[str, RouteInfo] = field(default_factory=dict[str, RouteInfo])
    motions: Mapping[str, Motion] = field(default_factory=dict[str, Motion])

    def scenario(self, record: RouteRecord) -> str:
        """Type of the scenario on a route; empty where nobody says."""
        known = self.table.get(record.route)
        return (known.scenario if known else "") or record.scenario_type

    def group(self, record: RouteRecord) -> str:
        """Scenario and split; empty where nobody says."""
        known = self.table.get(record.route)
        return (known.group if known else "") or record.scenario_type


@dataclass(frozen=True)
class Measure:
    """One number of a benchmark.

    Attributes:
        key: name for programs.
        label: name for people.
        value: the number; None where the files do not hold what it needs.
        unit: `%` or nothing.
        note: how it was counted, where that is open to doubt.
    """

    key: str
    label: str
    value: float | None
    unit: str = "%"
    note: str = ""


@runtime_checkable
class Metric(Protocol):
    """A number, or several, of a set of drives."""

    def measure(self, sample: Sample) -> tuple[Measure, ...]:
        """All values; the same keys for every sample."""
        ...


def mean(values: Iterable[float]) -> float | None:
    """Mean without rounding errors of the order; None of nothing."""
    found = list(values)
    return math.fsum(found) / len(found) if found else None


def percent(share: float | None) -> float | None:
    """A share in per cent."""
    return None if share is None else 100.0 * share


@dataclass(frozen=True)
class Efficiency:
    """Mean speed as a share of the traffic's, mean over routes that report it.

    Source: Bench2Drive 7ec25d1, `tools/efficiency_smoothness_benchmark.py`, `read_from_json`.
    """

    def measure(self, sample: Sample) -> tuple[Measure, ...]:
        """One value."""
        parts = [_speeds(item.record) for item in sample.routes]
        value = mean(math.fsum(part) / len(part) for part in parts if part)
        return (Measure("efficiency", "efficiency", value),)


def _speeds(record: RouteRecord) -> list[float]:
    """Per cent of the traffic's speed at each checkpoint."""
    events = record.events.get(Kind.MIN_SPEED, ())
    found = [event.percentage for event in events if event.percentage is not None]
    return [value for value in found if value <= MAX_SPEED_PERCENT]


@dataclass(frozen=True)
class Comfort:
    """Mean share of comfortable chunks, as published and in SI units, over routes with a log."""

    def measure(self, sample: Sample) -> tuple[Measure, ...]:
        """Two values; without a motion log of any route, none."""
        records = (item.record for item in sample.routes)
        logs = [sample.motions.get(r.save_name) or sample.motions.get(r.source) for r in records]
        motions = [log for log in logs if log is not None]
        note = f"{len(motions)} of {len(sample.routes)} routes have a motion log"
        return (
            _comfort("comfort_b2d", "comfort, as published", comfort_b2d, motions, note),
            _comfort("comfort_si", "comfort, in SI units", comfort_si, motions, note),
        )


def _comfort(
    key: str,
    label: str,
    formula: Callable[[Motion], float | None],
    motions: Sequence[Motion],
    note: str,
) -> Measure:
    """One of the two."""
    value = mean(share for share in map(formula, motions) if share is not None)
    return Measure(key, label, None if value is None else 100.0 * value, note=note)


@dataclass(frozen=True)
class NormalizedScore:
    """The driving score with infractions taken for each kilometre.

    Attributes:
        penalty: the formula.
    """

    penalty: Penalty

    def measure(self, sample: Sample) -> tuple[Measure, ...]:
        """Mean over planned drives."""
        values = (
            item.record.route_completion
            * self.penalty.factor(item.record.events, item.record.driven_km)
            for item in sample.routes
        )
        value = math.fsum(values) / sample.planned
        return (Measure("normalized_driving_score", "normalised driving score (NDS)", value),)


@dataclass(frozen=True)
class HarmonicMean:
    """Harmonic mean of driving score and success rate in each split, and the drop between them.

    Published is what `tools/f2d_result_parser.py` (fail2drive a793741) counts: success does not ask
    whether the route was driven to its end, both rates are taken over the drives with a record, and
    everything follows from stored scores and from means rounded to one digit. `with status` differs
    in the first point only.
    """

    splits: tuple[str, str] = ("Base", "Generalization")

    def measure(self, sample: Sample) -> tuple[Measure, ...]:
        """Score, both success rates and both harmonic means of each split, then both drops."""
        found: list[Measure] = []
        for split in self.splits:
            rows = [item for item in sample.routes if _counts(sample, item, split)]
            name, key = split.lower(), split.lower()[:4]
            score = _rounded(mean(item.record.scores.driving_score for item in rows))
            found.append(Measure(f"{key}_driving_score", f"{name}: driving score", score))
            for mode, note in (("published", ", as published"), ("status", ", with status")):
                done = (float(_is_success(item, mode)) for item in rows)
                rate = _rounded(percent(mean(done)))
                both = _harmonic(score, rate)
                found.append(Measure(f"{key}_success_{mode}", f"{name}: success{note}", rate))
                found.append(Measure(f"{key}_hm_{mode}", f"{name}: harmonic mean{note}", both))
        for mode, note in (("published", "as published"), ("status", "with status")):
            base, other = (
                next(m.value for m in found if m.key == f"{split.lower()[:4]}_hm_{mode}")
                for split in self.splits
            )
            drop = 100.0 * other / base - 100.0 if base and other is not None else None
            found.append(Measure(f"drop_{mode}", f"change of harmonic mean, {note}", drop))
        return tuple(found)


def _counts(sample: Sample, item: Scored, split: str) -> bool:
    """Whether the published tool counts a drive into a split; a failed set-up it leaves out."""
    info = sample.table.get(item.record.route)
    set_up = item.record.status != "Failed - Agent couldn't be set up"
    return info is not None and info.split == split and set_up


def _is_success(item: Scored, mode: str) -> bool:
    """Without infractions but the forgiven ones, and, with status, driven to the end."""
    forgiven = {Kind.MIN_SPEED, Kind.OUTSIDE_ROUTE_LANES}
    clean = not any(items for kind, items in item.record.events.items() if kind not in forgiven)
    return clean and (mode == "published" or item.record.reached_goal)


def _rounded(value: float | None) -> float | None:
    """One digit, halves to even, as numpy rounds."""
    return None if value is None else round(value * 10.0) / 10.0


def _harmonic(a: float | None, b: float | None) -> float | None:
    """Harmonic mean; zero when one of them is."""
    if a is None or b is None:
        return None
    return 2.0 / (1.0 / a + 1.0 / b) if a and b else 0.0


@dataclass(frozen=True)
class ScenarioRow:
    """One scenario type.

    Attributes:
        scenario: its name.
        num_drives: drives with a record.
        num_planned: drives that the benchmark asks for, or those with a record where nobody says.
        driving_score: mean over the planned drives, per cent.
        success_rate: per cent of the planned drives.
    """

    scenario: str
    num_drives: int
    num_planned: int
    driving_score: float
    success_rate: float


def by_scenario(sample: Sample, runs: int = 1) -> tuple[ScenarioRow, ...]:
    """A row for each scenario type, by name; their mean is the macro average.

    Args:
        sample: drives of all runs.
        runs: how often the benchmark was driven; a missing drive counts zero.
    """
    groups: dict[str, list[RouteScore]] = {}
    for item in sample.routes:
        name = sample.group(item.record)
        if name:
            groups.setdefault(name, []).append(item.score)
    listed = Counter(info.group for info in sample.table.values() if info.group)
    return tuple(
        _scenario_row(name, groups.get(name, []), listed[name] * runs)
        for name in sorted({*groups, *listed})
    )


def _scenario_row(name: str, scores: Sequence[RouteScore], planned: int) -> ScenarioRow:
    """Means over the planned drives of one type."""
    count = max(planned, len(scores))
    return ScenarioRow(
        scenario=name,
        num_drives=len(scores),
        num_planned=count,
        driving_score=math.fsum(score.driving_score for score in scores) / count,
        success_rate=100.0 * sum(score.success for score in scores) / count,
    )
