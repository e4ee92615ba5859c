"""What one process did since it started, from the same counters as ``/metrics``."""

from __future__ import annotations

from dataclasses import dataclass

from service.telemetry import Metrics


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counters of one process.

    Attributes:
        seconds: the quarter, half and 95 % points of the time a grade took, as upper bounds of histogram buckets; None
            beyond the last bucket.
        calls: by purpose and outcome.
    """

    grades: dict[str, int]
    unscored: dict[str, int]
    calls: list[tuple[str, str, int]]
    tokens: dict[str, int]
    cost_usd: float
    seconds: dict[str, float | None]
    reused: int
    in_flight: int

    @property
    def total(self) -> int:
        """Grades finished."""
        return sum(self.grades.values())

    @property
    def failed_calls(self) -> int:
        """Model calls that gave nothing usable."""
        return sum(count for _, outcome, count in self.calls if outcome != "ok")


def snapshot(metrics: Metrics) -> Snapshot:
    """What the counters say now."""
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]

    def of(name: str, *labels: str) -> list[tuple[tuple[str, ...], float]]:
        return [(tuple(s.labels[label] for label in labels), s.value) for s in samples if s.name == f"debrief_{name}"]

    def single(name: str, label: str) -> dict[str, int]:
        return {key[0]: int(value) for key, value in of(name, label)}

    buckets = [(float(bound[0]), value) for bound, value in of("grade_seconds_bucket", "le")]
    return Snapshot(
        grades=single("grades_total", "status"),
        unscored=single("criteria_unscored_total", "code"),
        calls=[(key[0], key[1], int(value)) for key, value in of("model_calls_total", "purpose", "outcome")],
        tokens=single("model_tokens_total", "kind"),
        cost_usd=sum(value for _, value in of("model_cost_usd_total")),
        seconds={name: quantile(buckets, share) for name, share in (("half", 0.5), ("95%", 0.95))},
        reused=single("judgements_total", "cache").get("hit", 0),
        in_flight=int(sum(value for _, value in of("grades_in_flight"))),
    )


def quantile(buckets: list[tuple[float, float]], share: float) -> float | None:
    """The upper bound of the bucket a share of all observations lies under; None without any, or beyond the last."""
    total = buckets[-1][1] if buckets else 0.0
    if not total:
        return None
    bound = next(bound for bound, count in buckets if count >= share * total)
    return None if bound == float("inf") else bound
