"""One chat call decides every criterion and writes the commentary: evidence first, level after it.

For any chat model. With ``samples`` above one the distribution is the share of samples at each level;
with one it is a point, and no confidence is claimed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from service.grading.errors import ModelError, ReplyInvalid
from service.grading.examples import Example, Examples, shown
from service.grading.grade import KeyPoint, Misconception, Reason
from service.grading.judgement import Case, Decided, Decision, Draft, Judgement, Observer, Undecided
from service.grading.models import CallBudget, ChatModel, ChatReply, ChatRequest, Message, ModelName
from service.grading.parts import Point, points
from service.grading.prompt import Prompt
from service.grading.reply import read_draft, read_key_points, read_levels, read_misconceptions, read_object
from service.grading.reply_schema import Asked, commentary_schema

NO_EXAMPLES = Examples()
_NO_LEVEL = Reason(
    code="model_reply_invalid", detail="the model gave no usable level for this criterion", retryable=True
)


@dataclass(frozen=True, slots=True)
class _Sample:
    levels: dict[str, int]
    key_points: tuple[KeyPoint, ...]
    misconceptions: tuple[Misconception, ...]
    draft: Draft


@dataclass(frozen=True, slots=True)
class SingleCallJudge:
    """Judge ``single_call``. ``samples`` (1-9) calls are made for one answer, at once.

    Attributes:
        first_seed: the first one's seed: another gives fresh samples of the same question.
        examples: graded answers; as many of the nearest are shown as the prompt's parameter ``examples`` says.

    The prompt's parameters: ``max_tokens`` of a reply; ``sampling_temperature``; ``story`` (1) asks for the story map;
    ``points`` (1) asks for each point with the words that cover it and for misconceptions, before the levels, and takes
    the points of a reference with marks.
    """

    chat: ChatModel
    prompt: Prompt
    samples: int = 1
    first_seed: int = 0
    examples: Examples = NO_EXAMPLES

    name = "single_call"

    @property
    def model(self) -> ModelName:
        """The model that is asked."""
        return self.chat.name

    def version(self) -> dict[str, object]:
        """Judge, model, prompt and number of samples, and the examples where the prompt shows any."""
        known = {"judge": self.name, "model": self.model, "prompt": self.prompt.sha256, "samples": self.samples}
        return {**known, "examples": self.examples.sha256} if self._shown else known

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Ask for all criteria at once and average the samples that came back."""
        seeds = range(self.first_seed, self.first_seed + self.samples)
        asked = (self._sample(case, budget, seed) for seed in seeds)
        results = await asyncio.gather(*asked, return_exceptions=True)
        samples = [result for result in results if isinstance(result, _Sample)]
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, ModelError):
                raise result
        failures = [Reason.of(result) for result in results if isinstance(result, ModelError)]
        reason = _NO_LEVEL if samples else failures[0]
        decisions = tuple(self._decision(c.id, len(c.levels), samples, reason) for c in case.rubric.criteria)
        for decision in decisions:
            observe(decision)
        examples = tuple(example.id for example in self._nearest(case))
        if not samples:
            return Judgement(decisions=decisions, examples=examples)
        best = _most_typical(samples, decisions)
        return Judgement(
            decisions=decisions,
            key_points=best.key_points,
            misconceptions=best.misconceptions,
            draft=best.draft,
            examples=examples,
        )

    @property
    def _shown(self) -> int:
        return int(self.prompt.parameter("examples", 0))

    def _nearest(self, case: Case) -> tuple[Example, ...]:
        return self.examples.nearest(case.submission, case.rubric.id, self._shown)

    async def _sample(self, case: Case, budget: CallBudget, seed: int) -> _Sample:
        def read(reply: ChatReply) -> _Sample:
            return self._read(reply, case)

        try:
            return await self.chat.ask(self._request(case, seed), read, budget)
        except ReplyInvalid as error:
            if isinstance(error.partial, _Sample) and error.partial.levels:
                return error.partial
            raise

    def _request(self, case: Case, seed: int) -> ChatRequest:
        examples = shown(self._nearest(case), case.nonce)
        return ChatRequest(
            purpose="judge",
            messages=(
                Message("system", self.prompt.system(case.rubric)),
                Message("user", self.prompt.render("case", **case.variables(), examples=examples)),
            ),
            max_tokens=int(self.prompt.parameter("max_tokens", 2_500)),
            temperature=0.0 if self.samples == 1 else self.prompt.parameter("sampling_temperature", 0.7),
            schema_name="grade",
            schema=commentary_schema(case.rubric, self._asked(case)),
            repair=lambda problem: self.prompt.render("repair", problem=problem),
            seed=None if self.samples == 1 else seed,
        )

    @property
    def _by_points(self) -> bool:
        return self.prompt.parameter("points", 0) == 1

    def _points(self, case: Case) -> tuple[Point, ...]:
        return case.points if self._by_points else points(case.submission.key_points, None)

    def _asked(self, case: Case) -> Asked:
        return Asked(
            levels=True,
            key_points=len(self._points(case)),
            quotes=self._by_points,
            misconceptions=len(case.submission.misconceptions) if self._by_points else 0,
            story=self.prompt.parameter("story", 0) == 1,
        )

    def _read(self, reply: ChatReply, case: Case) -> _Sample:
        data = read_object(reply)
        levels = read_levels(data, case.rubric)
        sample = _Sample(
            levels,
            read_key_points(data, self._points(case)),
            read_misconceptions(data, case.submission.misconceptions) if self._by_points else (),
            read_draft(data, case.rubric),
        )
        missing = [criterion.id for criterion in case.rubric.criteria if criterion.id not in levels]
        if missing:
            scale = f"1 to {case.rubric.levels}"
            raise ReplyInvalid(f"no level from {scale} for: {', '.join(missing)}", partial=sample)
        return sample

    def _decision(self, criterion: str, levels: int, samples: list[_Sample], reason: Reason) -> Decision:
        counts = Counter(sample.levels[criterion] for sample in samples if criterion in sample.levels)
        if not counts:
            return Undecided(criterion=criterion, reason=reason)
        total = counts.total()
        shares = tuple(counts[level] / total for level in range(1, levels + 1))
        return Decided(criterion=criterion, distribution=shares, sampled_once=total == 1)


def _most_typical(samples: list[_Sample], decisions: tuple[Decision, ...]) -> _Sample:
    """The sample whose levels are nearest to the decided ones: its commentary explains them best."""
    shown = {d.criterion: d.levels.median for d in decisions if isinstance(d, Decided)}
    return min(samples, key=lambda s: sum(abs(s.levels.get(c, 0) - level) for c, level in shown.items()))
