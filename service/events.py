"""What a waiting reader sees of one grade: stages, finished criteria, the commentary, the end.

The sequence follows from the finished grade alone, so a reader who reconnects, or comes when all is done,
gets the same events under the same numbers as one who watched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from service.grading.grade import CriterionGrade, Grade
from service.records import GradeId, GradeRecord

EventName = Literal["stage", "criterion", "commentary", "done"]


@dataclass(frozen=True, slots=True)
class GradeEvent:
    """One event; numbered from 1 by its place in the sequence."""

    name: EventName
    data: dict[str, Any]


def stage(name: Literal["judging", "explaining"]) -> GradeEvent:
    """A stage begins."""
    return GradeEvent("stage", {"stage": name})


def criterion_decided(criterion: CriterionGrade) -> GradeEvent:
    """A criterion has its level, or is known to stay without one."""
    return GradeEvent("criterion", criterion.model_dump(mode="json"))


def done(record: GradeRecord) -> GradeEvent:
    """The grade is stored; what became of it."""
    return GradeEvent("done", {"id": record.id, "status": record.status.value})


def events_of(record: GradeRecord) -> list[GradeEvent]:
    """The whole sequence of a finished record."""
    if record.grade is None:
        return [stage("judging"), done(record)]
    return [
        stage("judging"),
        *(criterion_decided(criterion) for criterion in record.grade.criteria),
        stage("explaining"),
        commentary(record.grade),
        done(record),
    ]


def commentary(grade: Grade) -> GradeEvent:
    """The feedback in words, with what became of it."""
    return GradeEvent(
        "commentary",
        {
            **grade.commentary.model_dump(mode="json"),
            "summary": grade.overall.summary if grade.overall else None,
            "criteria": [
                criterion.model_dump(mode="json", include={"id", "rationale", "evidence", "improvements"})
                for criterion in grade.criteria
            ],
            "next_steps": list(grade.next_steps),
            "follow_up_question": grade.follow_up_question,
            "rewrite": grade.rewrite.model_dump() if grade.rewrite else None,
        },
    )


class Channel:
    """The events of one grade in the making, kept for readers who come late."""

    def __init__(self) -> None:
        self._events: list[GradeEvent] = []
        self._news = asyncio.Event()
        self._ended = False

    def publish(self, event: GradeEvent) -> None:
        """Add an event and wake the readers."""
        self._events.append(event)
        self._news.set()
        self._news = asyncio.Event()

    def end(self) -> None:
        """Nothing more comes here; whoever follows goes on to what comes elsewhere."""
        self._ended = True
        self._news.set()

    async def follow(self) -> AsyncIterator[GradeEvent]:
        """Every event from the first, ending after ``done``, or where the making broke off."""
        place = 0
        while True:
            news = self._news
            while place < len(self._events):
                event = self._events[place]
                place += 1
                yield event
                if event.name == "done":
                    return
            if self._ended:
                return
            await news.wait()


class NoReaders(Channel):
    """The channel of a grade whose id nobody knows before it is finished."""

    def publish(self, event: GradeEvent) -> None:
        """Nobody listens."""


class Channels:
    """The grades being made in this process."""

    def __init__(self) -> None:
        self._open: dict[GradeId, Channel] = {}

    def open(self, grade_id: GradeId) -> Channel:
        """A channel for a grade that begins."""
        self._open[grade_id] = Channel()
        return self._open[grade_id]

    def get(self, grade_id: GradeId) -> Channel | None:
        """The channel of a grade in the making here, if there is one."""
        return self._open.get(grade_id)

    def close(self, grade_id: GradeId) -> None:
        """Forget a finished grade; who follows it still reads to the end."""
        channel = self._open.pop(grade_id, None)
        if channel is not None:
            channel.end()
