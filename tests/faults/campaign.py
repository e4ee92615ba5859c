"""What a run is: how much of what is done to the service while it works, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.faults.bugs import Bug


class Strike(StrEnum):
    """What is done to the service, and when. ``kill`` is kill -9."""

    KILL_WORKER = "kill a worker at any moment"
    KILL_CLAIMED = "kill a worker that has claimed a job and asks the model"
    KILL_ANSWERED = "kill a worker that just got the model's reply"
    KILL_COMMITTING = "kill a worker that waits to commit a grade"
    KILL_COMMITTED = "kill a worker that just committed a grade"
    KILL_SENDING = "kill a process while a webhook is on its way"
    KILL_SERVER = "kill the server at any moment"
    KILL_ACKNOWLEDGED = "kill the server that just acknowledged an answer"
    KILL_TAKING = "kill the server that is taking a request"
    PAUSE = "stop a worker until it is thought dead, and let it go on"
    STOP = "SIGTERM, and start again"
    FREEZE = "freeze Postgres"
    HALT = "stop Postgres and start it again"
    STEP = "set the clock"


_OF_WORKERS = (
    Strike.KILL_CLAIMED,
    Strike.KILL_WORKER,
    Strike.KILL_ANSWERED,
    Strike.KILL_COMMITTING,
    Strike.KILL_COMMITTED,
    Strike.KILL_SENDING,
)
_OF_SERVER = (Strike.KILL_ACKNOWLEDGED, Strike.KILL_SERVER, Strike.KILL_TAKING)
KILLS = frozenset((*_OF_WORKERS, *_OF_SERVER))


@dataclass(frozen=True, slots=True)
class Campaign:
    """One run.

    Attributes:
        jobs: answers sent, half of them by themselves, half in batches.
        kills: half of workers, half of the server, two thirds of them at a moment that was waited for.
        steps: of the clock, ten minutes forwards or backwards.
        down_seconds: how long Postgres is frozen or away.
        faults: share of model calls that get one of fourteen kinds of fault.
        tricks: share of answers for which the model quotes what nobody said.
        receiver_faults: share of webhooks whose first try fails.
        concurrency: jobs at once in each worker.
        workers: processes beside the server; 0 has the server grade.
        latency: seconds of a model call.
        beat_seconds: of workers, six of them missing mean dead; None for the real 5 s and 30 s.
    """

    jobs: int
    seed: int
    kills: int = 0
    pauses: int = 0
    stops: int = 0
    freezes: int = 0
    halts: int = 0
    steps: int = 0
    down_seconds: float = 5.0
    faults: float = 0.0
    tricks: float = 0.1
    receiver_faults: float = 0.2
    postgres: bool = True
    workers: int = 2
    concurrency: int = 8
    latency: float = 0.05
    call_seconds: float = 20.0
    grade_seconds: float = 30.0
    beat_seconds: float | None = None
    drain_seconds: float = 180.0
    bug: Bug | None = None

    def strikes(self) -> list[Strike]:
        """What is done, in the order in which it is done."""
        by_turns = (_OF_SERVER, _OF_WORKERS)
        killed = [by_turns[n % 2][n // 2 % len(by_turns[n % 2])] for n in range(self.kills)]
        others = [Strike.PAUSE] * self.pauses + [Strike.STOP] * self.stops + [Strike.FREEZE] * self.freezes
        strikes = killed + others + [Strike.HALT] * self.halts + [Strike.STEP] * self.steps
        Random(f"{self.seed} strikes").shuffle(strikes)
        return strikes
