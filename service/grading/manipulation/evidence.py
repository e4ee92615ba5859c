"""Signs weighed together: which sentences of one reading decide, and which are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from service.grading.manipulation.disguise import Span
from service.grading.manipulation.signals import Category

DECIDES = 2.4
"""Weight from which signs of different kinds, within :data:`REACH` sentences of one another, decide."""

DECIDES_IN_ALL = 5.0
"""The same over the whole answer, for pieces spread over it."""

CLEAR = 1.5
"""Weaker signs do not count over the whole of an answer: a long one has some of every kind."""

DECIDES_ALONE = 2.0
"""The weight that decides where an answer holds nothing besides."""

STRONGEST = 3.0
"""To what several signs of one kind add up at most."""

REACH = 2
STRONG = 2.0
LEFT_OUT = 1.0
"""From this weight on a sign's sentence is left out of the masked reading."""

LEFT_OUT_BESIDE = 0.5
"""The same in or next to a sentence with a strong sign."""

ADD_UP = frozenset(Category) - {Category.ROLE, Category.DISGUISE, Category.ADDRESS, Category.PRAISE, Category.RULES}
"""Kinds whose signs are often spread over several lines."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A sign and where in the answer as sent it stands; ``sentence`` counts within its reading."""

    category: Category
    weight: float
    span: Span
    sentence: int
    kind: str


Weights = Mapping[Category, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All signs of an answer, by reading and sentence: in each the heaviest of a kind."""

    hits: tuple[Hit, ...]
    _by_sentence: dict[tuple[str, int], dict[Category, float]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Sort the signs by sentence."""
        for hit in self.hits:
            kinds = self._by_sentence.setdefault((hit.kind, hit.sentence), {})
            kinds[hit.category] = max(kinds.get(hit.category, 0.0), hit.weight)

    def heaviest(self) -> dict[Category, float]:
        """Of each kind the heaviest sign."""
        return _heaviest(self._by_sentence.values())

    def decides(self) -> bool:
        """Whether the answer is suspected: signs close together, or many over the whole of it."""
        clear = (weight for weight in self.heaviest().values() if weight >= CLEAR)
        return sum(clear) >= DECIDES_IN_ALL or any(self._from(place) >= DECIDES for place in self._by_sentence)

    def left_out(self) -> Iterator[Hit]:
        """The signs whose sentences the masked reading does without."""
        return (hit for hit in self.hits if self._is_left_out(hit))

    def _from(self, place: tuple[str, int]) -> float:
        """The weight of a sentence and those after it within reach; some kinds add up to a strong sign."""
        kind, first = place
        near = [self._by_sentence.get((kind, sentence), {}) for sentence in range(first, first + REACH + 1)]
        weights = _heaviest(near)
        for category in ADD_UP & weights.keys():
            added = sum(of.get(category, 0.0) for of in near)
            weights[category] = max(weights[category], min(STRONGEST, added))
        return sum(weights.values())

    def _is_left_out(self, hit: Hit) -> bool:
        if hit.weight >= LEFT_OUT or hit.weight < LEFT_OUT_BESIDE:
            return hit.weight >= LEFT_OUT
        beside = (self._by_sentence.get((hit.kind, hit.sentence + step), {}) for step in (-1, 0, 1))
        return max((max(of.values(), default=0.0) for of in beside), default=0.0) >= STRONG


def _heaviest(sentences: Iterable[Weights]) -> dict[Category, float]:
    best: dict[Category, float] = {}
    for weights in sentences:
        for category, weight in weights.items():
            best[category] = max(best.get(category, 0.0), weight)
    return best
