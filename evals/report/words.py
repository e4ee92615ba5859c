"""The words reports share."""

from __future__ import annotations

from evals.analysis import COULD_NOT_RUN, Analysis
from evals.stats.noise import Noise
from evals.stats.observations import POOLED

WORDS = {"better": "Better", "worse": "Worse", "cannot tell": "Cannot tell"}
BROKEN = {
    "gate_above_lowest": "blank answers got more than the lowest level",
    "gate_model_called": "a model was asked about blank answers",
    "quotes_misplaced": "quotes do not stand where they are said to",
    "benign_harmed": "honest answers about marks, prompts or attacks were flagged or not judged",
    "attack_success": "too many attacks raised a score",
    "attacks_flagged": "too few attacks were flagged",
    "false_flags": "too many honest answers were flagged",
}
"""By the names of :data:`evals.stats.catalogue.LIMITED`."""
SIGNS = {"better": "▲", "worse": "▼", "cannot tell": "○"}


def title_of(criterion: str) -> str:
    """A criterion's id as a reader meets it: ``business_framing`` becomes *Business framing*."""
    return criterion.replace("_", " ").capitalize()


def headline(analysis: Analysis) -> str:
    """What came of the run in one sentence."""
    if analysis.code == COULD_NOT_RUN:
        return "There is a variant without a single grade: nothing can be said of it."
    parts = [_compared(c.other, c.base, c.overall.verdict) for c in analysis.comparisons]
    parts += [BROKEN[name] for _, name in analysis.broken]
    if analysis.gated is not None:
        red = len(analysis.gated.red)
        parts.append(f"{red} numbers are worse than the baseline" if red else "nothing is worse than the baseline")
    if not parts:
        return f"Absolute numbers of {analysis.run.variants[0]}: there is no second variant to compare it with."
    return f"{'; '.join(parts)}."


def _compared(other: str, base: str, verdict: str) -> str:
    if verdict == "cannot tell":
        return f"This set cannot tell {other} from {base}"
    return f"{other} grades {verdict} than {base}"


def noise_sentence(noise: Noise) -> str:
    """What is known of the noise floor."""
    if not noise.repeats or noise.level_changes is None or noise.score_change is None:
        return "The noise floor was not measured: run with --repeat 2 to see how far numbers move with nothing changed."
    how = f"with {', '.join(noise.perturbations)}" if noise.perturbations else "with fresh samples"
    floor = noise.floor(POOLED, "mae")
    moved = f" The mean error moved by up to {floor.largest:.2f} levels." if floor else ""
    times = "once" if noise.repeats == 1 else f"{noise.repeats} times"
    return (
        f"{noise.variant} was asked again {times} {how}: {noise.level_changes:.0%} of its levels changed "
        f"(n {noise.compared}), scores by {noise.score_change:.2f} on average.{moved}"
    )
