"""One forward pass a criterion: the level's probabilities are read off the model's first token.

System, question, reference and answer come first and the criterion last, so all questions share one cached
prefix. On a criterion marked ``factual`` the level question alone lets polish buy correctness, so facts are asked about
apart from their wording: each statement of the answer is held against the reference by itself, and together with
the key points and misconceptions decides the level (:mod:`service.grading.judges.facts`). Older prompts check the
central claim only, restated in one bare sentence or asked about directly, and tilt the level question's answer by it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from service.grading.errors import ModelError, ReplyInvalid
from service.grading.fence import as_line, fenced
from service.grading.grade import Reason
from service.grading.judgement import Case, Decided, Decision, Judgement, Observer, Undecided, level_labels
from service.grading.judges.facts import Findings, Heard, known, log_odds, right_levels, statements
from service.grading.judges.signs import seen
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, ChatModel, ChatReply, ChatRequest, Message, ModelName
from service.grading.overlap import overlap
from service.grading.parts import Point, points
from service.grading.prompt import Prompt
from service.grading.rubric import Criterion

ALTERNATIVES = 20
YES_NO = ("Yes", "No")


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is being asked about an answer's facts; ``checked`` is None where no criterion is factual."""

    checked: Awaitable[list[float | BaseException]] | None
    heard: Awaitable[Heard]


@dataclass(frozen=True, slots=True)
class ReadoutJudge:
    """Judge ``readout``, for models that report top log-probabilities.

    The prompt's parameters: ``min_mass``, the least total probability the labels must have for a readout to
    count; ``partly_at``, ``covered_at``, ``voiced_at``, from which log-odds a key point counts as said and a
    misconception as voiced; those of :mod:`service.grading.judges.facts`. In older prompts ``claim_weight`` (>= 0),
    how much the claim question moves the level, and ``claim_scale`` (> 0), by which its log-odds are multiplied first.
    """

    chat: ChatModel
    prompt: Prompt

    name = "readout"

    @property
    def model(self) -> ModelName:
        """The model that is asked."""
        return self.chat.name

    def version(self) -> dict[str, object]:
        """Judge, model and prompt (whose hash covers the parameters)."""
        return {"judge": self.name, "model": self.model, "prompt": self.prompt.sha256}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Decide the first criterion, then the others; the first question of each family fills its prefix cache."""
        shared = self._shared(case)
        async with asyncio.TaskGroup() as tasks:
            first, *others = case.rubric.criteria
            early = self._facts(tasks, case, shared, budget) if self._by_statements else None
            decisions = [await self._decision(first, case, shared, early, budget)]
            observe(decisions[0])
            for task in [tasks.create_task(self._decision(c, case, shared, early, budget)) for c in others]:
                decisions.append(await task)
                observe(decisions[-1])
            heard = await early.heard if early else await self._heard(case, shared, budget)
        return heard.told(case, self.prompt, tuple(decisions))

    def _facts(self, tasks: asyncio.TaskGroup, case: Case, shared: tuple[str, str], budget: CallBudget) -> _Facts:
        """What factual criteria go by, asked once however many there are; not at all where there is none."""
        heard = tasks.create_task(self._heard(case, shared, budget))
        factual = any(criterion.factual for criterion in case.rubric.criteria)
        return _Facts(tasks.create_task(self._checked(case, budget)) if factual else None, heard)

    def _shared(self, case: Case) -> tuple[str, str]:
        system = self.prompt.system(case.rubric)
        return system, self.prompt.render("case", **case.variables())

    @property
    def _by_statements(self) -> bool:
        return self.prompt.has("verify") and not self.prompt.has("restate")

    async def _decision(
        self,
        criterion: Criterion,
        case: Case,
        shared: tuple[str, str],
        facts: _Facts | None,
        budget: CallBudget,
    ) -> Decision:
        try:
            if criterion.factual and facts is not None and facts.checked is not None:
                return self._by_facts(criterion, case, await facts.checked, await facts.heard)
            if self.prompt.has("sign") and criterion.signs:
                return await self._by_signs(criterion, case, shared, budget)
            return await self._decided(criterion, case, shared, budget)
        except ModelError as error:
            return Undecided(criterion=criterion.id, reason=Reason.of(error))

    async def _checked(self, case: Case, budget: CallBudget) -> list[float | BaseException]:
        """The log-odds that each statement of the answer agrees with the reference."""
        asked = (self._agrees(statement, case, budget) for statement in statements(case.submission.answer))
        return await asyncio.gather(*asked, return_exceptions=True)

    def _by_facts(
        self, criterion: Criterion, case: Case, checked: Sequence[float | BaseException], other: Heard
    ) -> Decided:
        """The level from the answer's statements, one by one, and from what else was heard in it."""
        agreed = [odds for odds in checked if isinstance(odds, float)]
        if failures := [odds for odds in (*checked, other.failed) if isinstance(odds, BaseException)]:
            raise failures[0]
        sent = case.submission
        shared_words = overlap(sent.answer, sent.reference, sent.question) if sent.reference else None
        said, weights = other.known_points()
        found = Findings(tuple(agreed), said, known(other.misconceptions), shared_words, weights)
        referenced = sent.reference is not None
        levels = right_levels(found, len(criterion.levels), self.prompt, referenced=referenced)
        return Decided(
            criterion=criterion.id,
            distribution=levels.probabilities,
            probes={"right": round(found.right(self.prompt), 4), **found.numbered()},
        )

    async def _agrees(self, statement: str, case: Case, budget: CallBudget) -> float:
        submission = case.submission
        messages = self.prompt.messages(
            "verify",
            question=as_line(submission.question),
            reference=as_line(submission.reference) if submission.reference else None,
            claim=as_line(statement),
        )
        return log_odds(await self._ask(messages, YES_NO, budget, "verify"))

    async def _by_signs(self, criterion: Criterion, case: Case, shared: tuple[str, str], budget: CallBudget) -> Decided:
        """The level from what can be seen in the answer, sign by sign."""
        asked = [self.prompt.render("sign", sign=sign) for sign in criterion.signs]
        answers = await asyncio.gather(*(self._read_off(question, YES_NO, shared, budget) for question in asked))
        found = seen(
            [log_odds(yes_no) for yes_no in answers], case.submission.answer, readability=criterion.readability
        )
        return Decided(
            criterion=criterion.id,
            distribution=found.levels(len(criterion.levels), criterion.id, self.prompt).probabilities,
            probes=found.numbered(criterion.id, self.prompt),
        )

    async def _decided(self, criterion: Criterion, case: Case, shared: tuple[str, str], budget: CallBudget) -> Decided:
        labels = level_labels(criterion)
        question = self.prompt.render(
            "level",
            criterion=criterion,
            labels=labels,
            context=case.context(),
            notes=case.notes,
            reference=case.submission.reference is not None,
        )
        levels = LevelDistribution.from_weights(await self._read_off(question, labels, shared, budget))
        if not criterion.factual:
            return Decided(criterion=criterion.id, distribution=levels.probabilities)
        right = await self._claim(criterion, case, shared, budget)
        surer = sharpened(right, self.prompt.parameter("claim_scale", 1.0))
        combined = tilt(levels, surer, self.prompt.parameter("claim_weight", 1.0))
        return Decided(
            criterion=criterion.id,
            distribution=combined.probabilities,
            probes={"claim_correct": round(right, 4), "level_alone": round(levels.expected, 4)},
        )

    async def _claim(self, criterion: Criterion, case: Case, shared: tuple[str, str], budget: CallBudget) -> float:
        """The probability that the central claim is right."""
        if self.prompt.has("restate"):
            yes, no = await self._ask(await self._verification(case, budget), YES_NO, budget, "verify")
        else:
            reference = case.submission.reference is not None
            question = self.prompt.render("claim", criterion=criterion, reference=reference)
            yes, no = await self._read_off(question, YES_NO, shared, budget)
        return yes / (yes + no)

    async def _verification(self, case: Case, budget: CallBudget) -> tuple[Message, ...]:
        submission = case.submission
        question = as_line(submission.question)
        request = ChatRequest(
            purpose="judge",
            messages=self.prompt.messages(
                "restate", question=question, answer=fenced("answer", submission.answer, case.nonce)
            ),
            max_tokens=int(self.prompt.parameter("claim_tokens", 40)),
            family="restate",
        )
        claim = await self.chat.ask(request, _first_line, budget)
        reference = as_line(submission.reference) if submission.reference else None
        return self.prompt.messages("verify", question=question, reference=reference, claim=as_line(claim))

    async def _heard(self, case: Case, shared: tuple[str, str], budget: CallBudget) -> Heard:
        """Whether the answer says each point, and each misconception where the prompt asks about them."""
        sent, wanted = case.submission, self._points(case)
        asked = [self.prompt.render("key_point", point=as_line(point.text)) for point in wanted]
        wrong = sent.misconceptions if self.prompt.has("misconception") else ()
        asked += [self.prompt.render("misconception", statement=as_line(statement)) for statement in wrong]
        found: list[float | ModelError] = []
        for some in (asked[:1], asked[1:]):  # the first fills the prefix cache
            found += await asyncio.gather(*(self._odds(question, shared, budget) for question in some))
        odds = [None if isinstance(one, ModelError) else one for one in found]
        failed = next((e for e in found if isinstance(e, ModelError) and not isinstance(e, ReplyInvalid)), None)
        return Heard(wanted, tuple(odds[: len(wanted)]), tuple(odds[len(wanted) :]), failed)

    def _points(self, case: Case) -> tuple[Point, ...]:
        """The key points sent; by the prompt's ``marks`` (1) else those a reference gives marks for."""
        return case.points if self.prompt.parameter("marks", 0) == 1 else points(case.submission.key_points, None)

    async def _odds(self, question: str, shared: tuple[str, str], budget: CallBudget) -> float | ModelError:
        try:
            return log_odds(await self._read_off(question, YES_NO, shared, budget))
        except ModelError as error:
            return error

    async def _read_off(
        self, question: str, labels: Sequence[str], shared: tuple[str, str], budget: CallBudget
    ) -> list[float]:
        system, case = shared
        messages = (Message("system", system), Message("user", f"{case}\n\n{question}"))
        return await self._ask(messages, labels, budget)

    async def _ask(
        self, messages: tuple[Message, ...], labels: Sequence[str], budget: CallBudget, family: str = "case"
    ) -> list[float]:
        request = ChatRequest(
            purpose="judge", messages=messages, max_tokens=1, top_logprobs=ALTERNATIVES, family=family
        )
        return await self.chat.ask(request, self._reader(labels), budget)

    def _reader(self, labels: Sequence[str]) -> Callable[[ChatReply], list[float]]:
        min_mass = self.prompt.parameter("min_mass", 0.05)

        def read(reply: ChatReply) -> list[float]:
            weights = label_weights(reply.first_token, labels)
            if sum(weights) < min_mass:
                raise ReplyInvalid("none of the level labels was among the likely first tokens")
            return weights

        return read


def _first_line(reply: ChatReply) -> str:
    line = reply.text.strip().partition("\n")[0].strip()
    if not line:
        raise ReplyInvalid("the claim was not restated")
    return line


def label_weights(first_token: Sequence[tuple[str, float]], labels: Sequence[str]) -> list[float]:
    """The probability of each label as first token; spellings that differ in space or case are added up."""
    weights = [0.0] * len(labels)
    places = {label.casefold(): index for index, label in enumerate(labels)}
    for token, logprob in first_token:
        index = places.get(token.strip().casefold())
        if index is not None:
            weights[index] += math.exp(logprob)
    return weights


def sharpened(probability: float, scale: float) -> float:
    """The probability whose log-odds are ``scale`` times those of ``probability``."""
    yes, no = math.pow(probability, scale), math.pow(1 - probability, scale)
    return yes / (yes + no)


def tilt(levels: LevelDistribution, right: float, weight: float) -> LevelDistribution:
    """The level distribution after hearing that the central claim is right with probability ``right``.

    Bayes with a likelihood that rises evenly over the levels: a right claim is ``g`` likely at a level, with
    g from 0.05 at the lowest to 0.95 at the top, raised to ``weight``.
    """
    top = levels.levels - 1
    tilted = []
    for index, probability in enumerate(levels.probabilities):
        g = 0.05 + 0.9 * index / top
        tilted.append(probability * (right * g + (1 - right) * (1 - g)) ** weight)
    return LevelDistribution.from_weights(tilted)
