"""A circuit breaker for one model: after a while without any answer, calls fail at once, and one a second tries.

Closed: calls pass. It opens when ``FAILURES`` calls in a row failed over ``LASTING`` seconds, or when that many are
waiting in vain: begun more than ``patience`` seconds ago while nothing has answered since then. So a blip or a flaky
provider opens nothing, one that hangs is noticed before its calls time out, and a slow one that answers is not taken
for a dead one. Open: one call in ``PROBE_SECONDS`` passes, the others fail without waiting. Any answer closes it, a
refusal or an unreadable one included: somebody is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.grading.errors import ModelError, ModelTimeout, ModelUnavailable
from service.telemetry import log

FAILURES = 5
LASTING = 5.0
PATIENCE = 0.75
"""Share of a call's longest time after which it counts as waiting long: 15 of 20 seconds."""
PROBE_SECONDS = 1.0
RETRY_AFTER = 5.0


class ModelResting(ModelUnavailable):
    """The call was not made, because the model has not been answering."""


@dataclass(slots=True, eq=False)
class Passage:
    """One call that was let through. ``began`` is on the breaker's clock."""

    began: float


@dataclass(slots=True)
class Breaker:
    """The state of one model, as this process sees it.

    Args:
        name: the model, for the log.
        clock: seconds, monotonic.
        patience: seconds after which a call counts as waiting long; under the longest a call may take.
    """

    name: str
    clock: Callable[[], float]
    patience: float
    _failures: int = 0
    _failing_since: float = float("inf")
    _open: bool = False
    _answered: float = float("-inf")
    _probed: float = float("-inf")
    _waiting: set[Passage] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once."""
        return self._open

    def enter(self) -> Passage:
        """Let a call through.

        Raises:
            ModelResting: not now.
        """
        now = self.clock()
        if not self._open and self._in_vain(now) >= FAILURES:
            self._turn(opened=True)
        if self._open:
            if now - self._probed < PROBE_SECONDS:
                raise ModelResting("the model does not answer; it is tried once a second", retry_after=RETRY_AFTER)
            self._probed = now
        passage = Passage(now)
        self._waiting.add(passage)
        return passage

    @contextmanager
    def passing(self) -> Iterator[Passage]:
        """A call let through; one that ends without a word of :meth:`leave` says nothing about the model.

        Raises:
            ModelResting: not now.
        """
        passage = self.enter()
        try:
            yield passage
        finally:
            self.abandon(passage)

    def leave(self, passage: Passage, error: ModelError | None, seconds: float) -> None:
        """Note how a call ended.

        Args:
            passage: the call.
            error: None for an answer.
            seconds: how long it was allowed to take; being cut short soon says nothing about the model.
        """
        self._waiting.discard(passage)
        if not isinstance(error, ModelUnavailable | ModelTimeout):
            self._failures, self._failing_since, self._answered = 0, float("inf"), self.clock()
            if self._open:
                self._turn(opened=False)
        elif not (isinstance(error, ModelTimeout) and seconds < self.patience):
            self._failures, self._failing_since = self._failures + 1, min(self._failing_since, self.clock())
            lasting = self.clock() - self._failing_since >= LASTING
            if self._failures >= FAILURES and lasting and not self._open:
                self._turn(opened=True)

    def abandon(self, passage: Passage) -> None:
        """Forget a call of which nothing is known, as of one that was cancelled."""
        self._waiting.discard(passage)

    def _in_vain(self, now: float) -> int:
        """Calls that have waited long, begun after the last answer."""
        return sum(
            now - passage.began >= self.patience and passage.began >= self._answered for passage in self._waiting
        )

    def _turn(self, *, opened: bool) -> None:
        self._open = opened
        self._probed = self.clock()
        log("model_breaker_opened" if opened else "model_breaker_closed", model=self.name)
