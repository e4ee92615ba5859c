"""Changes that keep the meaning: how far a deterministic judge's levels move under them is its noise floor.

A judge that samples needs none of this: it is simply asked again (the store's keys hold the repeat number).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from service.grading.rubric import Rubric, parse_rubric
from service.grading.submission import Submission

Name = Literal["criterion-order", "question-space", "level-form"]
Case = tuple[Submission, Rubric]

_GAP = re.compile(r" +")
_FORMS: Sequence[Callable[[str], str]] = (str.lower, str.upper, str.title)


def perturbation_of(judge: str, repeat: int, rubric: Rubric) -> Name:
    """The change made for a repeat (1, 2, ...): only such as reach what this judge shows a model."""
    fitting: list[Name] = ["question-space", "level-form"]
    if judge != "readout" and len(rubric.criteria) > 1:  # a readout asks about one criterion at a time
        fitting.append("criterion-order")
    return fitting[(repeat - 1) % len(fitting)]


def perturbed(name: Name, repeat: int, submission: Submission, rubric: Rubric) -> Case:
    """The same case in other clothes; another repeat of the same name dresses it differently."""
    return _CHANGES[name](repeat, submission, rubric)


def _criterion_order(repeat: int, submission: Submission, rubric: Rubric) -> Case:
    first = 1 + (repeat - 1) % max(len(rubric.criteria) - 1, 1)
    data = rubric.model_dump(mode="json")
    return submission, parse_rubric({**data, "criteria": data["criteria"][first:] + data["criteria"][:first]})


def _question_space(repeat: int, submission: Submission, rubric: Rubric) -> Case:
    gaps = [match.start() for match in _GAP.finditer(submission.question)]
    chosen = random.Random(repeat).sample(gaps, min(len(gaps), 1 + len(gaps) // 4))
    text = "".join(f" {char}" if place in chosen else char for place, char in enumerate(submission.question))
    return replace(submission, question=f"{text}{' ' * repeat}\n"), rubric


def _level_form(repeat: int, submission: Submission, rubric: Rubric) -> Case:
    form = _FORMS[repeat % len(_FORMS)]
    spaces = " " * (1 + repeat % 3)
    data = rubric.model_dump(mode="json")
    for criterion in data["criteria"]:
        criterion["levels"] = [_reformed(level, form, spaces) for level in criterion["levels"]]
    return submission, parse_rubric(data)


def _reformed(level: dict[str, Any], form: Callable[[str], str], spaces: str) -> dict[str, str]:
    return {"label": form(level["label"]), "descriptor": level["descriptor"].rstrip(".").replace(", ", f",{spaces}")}


_CHANGES: Mapping[Name, Callable[[int, Submission, Rubric], Case]] = {
    "criterion-order": _criterion_order,
    "question-space": _question_space,
    "level-form": _level_form,
}
