"""The coach explains what was decided; it does not grade again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.grading.commentary import Commentary, check_commentary
from service.grading.errors import ReplyInvalid
from service.grading.evidence import quotable
from service.grading.grade import Checks
from service.grading.judgement import Case, Draft
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, ChatModel, ChatReply, ChatRequest, JsonSchema, Message
from service.grading.prompt import Prompt
from service.grading.reply import read_brief, read_draft, read_object
from service.grading.reply_schema import Asked, brief_schema, commentary_schema
from service.grading.rubric import Rubric


@dataclass(frozen=True, slots=True)
class Coach:
    """Writes the commentary for decided levels.

    The prompt's parameters: ``max_tokens`` of the reply; ``brief`` (1) asks a small model for one short remark
    a criterion; ``story`` (1) asks for the story map.
    """

    model: ChatModel
    prompt: Prompt

    def version(self) -> dict[str, object]:
        """Everything about the coach that can change a commentary."""
        return {"coach_model": self.model.name, "coach_prompt": self.prompt.sha256}

    async def explain(self, case: Case, decided: Mapping[str, LevelDistribution], budget: CallBudget) -> Commentary:
        """Checked feedback for the decided levels; a draft that contradicts them is sent back once.

        A small model's draft is not: it would take as long again, and what contradicts is left out anyway.

        Raises:
            ModelError: the model gave no readable commentary.
        """
        sent_back: Checks | None = None

        def read(reply: ChatReply) -> Commentary:
            nonlocal sent_back
            draft = self._draft(read_object(reply), case, decided)
            checked = check_commentary(draft, case.as_sent or case.submission, case.rubric, decided, case.forbidden)
            if sent_back is not None:
                return checked.model_copy(update={"checks": checked.checks.after(sent_back)})
            if checked.problems and not self._brief:
                sent_back = checked.checks
                raise ReplyInvalid("; ".join(checked.problems[:6]), partial=checked)
            return checked

        try:
            return await self.model.ask(self._request(case, decided), read, budget)
        except ReplyInvalid as error:
            if isinstance(error.partial, Commentary):
                return error.partial
            raise

    def _draft(self, data: Mapping[str, Any], case: Case, decided: Mapping[str, LevelDistribution]) -> Draft:
        if self._brief:
            return read_brief(data, case.rubric, decided, case.submission.reference)
        return read_draft(data, case.rubric)

    @property
    def _brief(self) -> bool:
        return self.prompt.parameter("brief", 0) == 1

    @property
    def _story(self) -> bool:
        return self.prompt.parameter("story", 0) == 1

    def _schema(self, case: Case, decided: Mapping[str, LevelDistribution]) -> JsonSchema:
        if self._brief:
            return brief_schema(case.rubric, decided, quotable(case.submission.answer), story=self._story)
        return commentary_schema(case.rubric, Asked(story=self._story))

    def _request(self, case: Case, decided: Mapping[str, LevelDistribution]) -> ChatRequest:
        messages = self.prompt.messages(
            "coach",
            case=self.prompt.render("case", **case.variables()),
            rubric=case.rubric,
            decided=_decided_levels(case.rubric, decided),
            context=case.context(),
            notes=case.notes,
            reference=case.submission.reference is not None,
            language=case.variables()["language"],
        )
        return ChatRequest(
            purpose="coach",
            messages=(Message("system", self.prompt.system(case.rubric)), *messages),
            family="case" if len(messages) == 1 else "coach",
            max_tokens=int(self.prompt.parameter("max_tokens", 1_500)),
            schema_name="commentary",
            schema=self._schema(case, decided),
            repair=lambda problem: self.prompt.render("repair", problem=problem),
        )


def _decided_levels(rubric: Rubric, decided: Mapping[str, LevelDistribution]) -> list[dict[str, object]]:
    return [
        {
            "criterion": criterion,
            "number": (number := decided[criterion.id].median),
            "level": criterion.levels[number - 1],
            "lowest": number == 1,
            "top": number == len(criterion.levels),
        }
        for criterion in rubric.criteria
        if criterion.id in decided
    ]
