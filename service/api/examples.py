"""Examples for the OpenAPI document: requests, answers and every kind of problem."""

from __future__ import annotations

from typing import Any

from service.api.problems import INVALID_REQUEST, KINDS, MEDIA_TYPE, Kind

_QUESTION = "Can you explain what a p-value is?"
_ANSWER = "It is the probability that the null hypothesis is true, so below 0.05 we know the effect is real."
_QUOTE = "the probability that the null hypothesis is true"
_REFERENCE = (
    "The probability, assuming the null hypothesis is true, of data at least as extreme as those observed. "
    "It is not the probability that the null hypothesis is true."
)

GRADE_BODIES: dict[str, Any] = {
    "with_reference": {
        "summary": "With a reference and a setting",
        "value": {
            "question": _QUESTION,
            "answer": _ANSWER,
            "reference": _REFERENCE,
            "key_points": ["It assumes that the null hypothesis is true"],
            "misconceptions": ["The p-value is the probability that the null hypothesis is true."],
            "context": {"industry": "healthcare", "audience": "executives", "stage": "phone_screen"},
            "learner": "learner-17",
            "metadata": {"course": "cohort-7"},
        },
    },
    "from_the_bank": {
        "summary": "A question of the bank, with its reference, key points and rubric",
        "value": {
            "question_id": "p-value-meaning",
            "answer": _ANSWER,
            "context": {"industry": "healthcare", "audience": "executives"},
        },
    },
    "smallest": {"summary": "The least there can be", "value": {"question": _QUESTION, "answer": _ANSWER}},
}

_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_RECEIPT: dict[str, Any] = {
    "rubric": {"id": "ds-interview", "version": "1.2.0", "sha256": _SHA},
    "prompt": {"id": "judge-readout", "version": "5", "sha256": _SHA},
    "coach_prompt": {"id": "coach-brief", "version": "3", "sha256": _SHA},
    "context_notes": [{"id": "healthcare", "version": "1.0.0", "sha256": _SHA}],
    "judge": "readout",
    "models": [
        {
            "role": "judge",
            "requested": "embedded",
            "reported": "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "place": "local",
            "redacted": False,
        }
    ],
    "calibration": None,
    "examples": [],
    "service": "0.1.0",
    "sent": ["question", "answer", "reference", "key_points", "misconceptions", "context"],
}
_USAGE: dict[str, Any] = {
    "model_calls": 7,
    "input_tokens": 3412,
    "output_tokens": 402,
    "cached_tokens": 2310,
    "cost_usd": 0.0,
    "latency_ms": 41200,
    "cache": "miss",
}


def _criterion(name: str, title: str, weight: float, distribution: list[float], label: str, **more: Any) -> Any:
    return {
        "status": "scored",
        "id": name,
        "name": title,
        "weight": weight,
        "score": round(sum(level * p for level, p in enumerate(distribution, 1)), 2),
        "level": 1,
        "label": label,
        "distribution": distribution,
        "confidence": distribution[0],
        "level_set": None,
        "rationale": "Your central claim is not what a p-value is.",
        "evidence": [],
        "improvements": [],
        "reason": None,
        **more,
    }


_PASSAGE = {"quote": _QUOTE, "start": _ANSWER.index(_QUOTE), "end": _ANSWER.index(_QUOTE) + len(_QUOTE)}
_STRUCTURE: dict[str, Any] = {
    "computed": {
        "by": "code",
        "words": len(_ANSWER.split()),
        "code_lines": 0,
        "speaking_seconds": 8,
        "readability": None,
        "result_numbers": [],
        "trade_offs": [],
        "assumptions": [],
    },
    "story": {
        "by": "coach",
        "context": None,
        "method": {**_PASSAGE, "match": "verified"},
        "result": None,
        "impact": None,
    },
}

GRADE_EXAMPLE: dict[str, Any] = {
    "id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
    "object": "grade",
    "status": "graded",
    "created_at": "2026-11-22T21:00:00Z",
    "overall": {
        "score": 1.5,
        "max_score": 5,
        "level": 2,
        "label": "Weak",
        "confidence": 0.55,
        "capped_by": None,
        "summary": "You give the most common misreading of a p-value.",
    },
    "criteria": [
        _criterion(
            "correctness",
            "Correctness",
            0.4,
            [0.8, 0.12, 0.05, 0.02, 0.01],
            "Wrong",
            evidence=[
                {
                    "quote": _QUOTE,
                    "start": _ANSWER.index(_QUOTE),
                    "end": _ANSWER.index(_QUOTE) + len(_QUOTE),
                    "match": "verified",
                    "sign": "gap",
                    "comment": "A p-value is computed assuming the null; it is not its probability.",
                }
            ],
            improvements=[
                {
                    "what": "Say what is assumed",
                    "why": "The definition hangs on it",
                    "try_this": "If there were no effect, results this extreme would come up p of the time.",
                }
            ],
        ),
        _criterion("clarity", "Clarity", 0.2, [0.55, 0.2, 0.15, 0.06, 0.04], "Cannot be followed"),
        _criterion("storytelling", "Storytelling", 0.2, [0.7, 0.2, 0.06, 0.03, 0.01], "No story"),
        _criterion("business_framing", "Business framing", 0.2, [0.75, 0.15, 0.06, 0.03, 0.01], "No business in it"),
    ],
    "key_points": [{"point": "It assumes that the null hypothesis is true", "covered": "missing"}],
    "misconceptions": [
        {"misconception": "The p-value is the probability that the null hypothesis is true.", "voiced": "yes"}
    ],
    "next_steps": ["Practise the definition in one sentence, then say what a decision needs besides it."],
    "follow_up_question": "What would you do with a p-value of 0.06?",
    "rewrite": {"before": _QUOTE, "after": "how often data this extreme would appear if there were no effect"},
    "structure": _STRUCTURE,
    "flags": [],
    "review": {"needed": False, "reasons": []},
    "reviews": [],
    "appeals": [],
    "receipt": _RECEIPT,
    "commentary": {"status": "written", "reason": None},
    "usage": _USAGE,
    "reason": None,
    "question_id": None,
    "learner": "learner-17",
    "metadata": {"course": "cohort-7"},
    "answer_expired_at": None,
}

LIST_EXAMPLE = {"data": [GRADE_EXAMPLE], "next_cursor": None, "has_more": False}

RECEIPT_EXAMPLE: dict[str, Any] = {
    "id": GRADE_EXAMPLE["id"],
    "object": "receipt",
    "created_at": GRADE_EXAMPLE["created_at"],
    "receipt": _RECEIPT,
    "submission_sha256": _SHA,
    "detail": "full",
    "data_policy": "cloud",
    "decisions": [
        {
            "kind": "decided",
            "criterion": "correctness",
            "distribution": [0.8, 0.12, 0.05, 0.02, 0.01],
            "sampled_once": False,
            "probes": {"right": -1.9, "statement_1": -2.1, "statement_2": -1.4, "point_1": -0.6},
        }
    ],
    "calls": [
        {
            "purpose": "judge",
            "requested": "embedded",
            "reported": "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "outcome": "ok",
            "input_tokens": 402,
            "output_tokens": 1,
            "cached_tokens": 310,
            "cost_usd": 0.0,
            "latency_ms": 1900,
            "raw": "'1' -0.2231",
        }
    ],
    "usage": _USAGE,
}

RUBRIC_EXAMPLE: dict[str, Any] = {
    "id": "ds-interview",
    "object": "rubric",
    "version": "1.2.0",
    "sha256": _SHA,
    "built_in": True,
    "title": "Data-science interview answer",
    "audience": "A candidate's answer to one interview question.",
    "criteria": [
        {
            "id": "correctness",
            "name": "Correctness",
            "weight": 0.4,
            "question": "Is what the answer says true?",
            "levels": [{"label": "Wrong", "descriptor": "The central claim is false."}],
            "applies_when": None,
        }
    ],
    "caps": [{"criterion": "correctness", "at_most": 2.0, "overall": 2.5}],
    "bands": ["Not yet", "Weak", "Mixed", "Good", "Strong"],
}


RUBRIC_BODY: dict[str, Any] = {
    "id": "cohort-pitch",
    "version": "1.0.0",
    "title": "Project pitch",
    "audience": "A learner's two-minute pitch to a product team.",
    "criteria": [
        {
            "id": "recommendation",
            "name": "Recommendation",
            "weight": 1.0,
            "question": "Does the pitch say what to do next?",
            "levels": [
                {"label": "None", "descriptor": "No next step is named."},
                {"label": "Named", "descriptor": "A next step is named, without who does it or by when."},
                {"label": "Ready to act on", "descriptor": "A next step, who does it and by when are named."},
            ],
        }
    ],
    "aggregation": {"caps": [], "bands": ["Not yet", "Nearly", "There"]},
}

RUBRIC_CHECK_EXAMPLE: dict[str, Any] = {
    "object": "rubric_check",
    "valid": False,
    "findings": [
        {
            "rule": "unobservable",
            "severity": "error",
            "pointer": "#/criteria/0/levels/2/descriptor",
            "what": '"very good" cannot be seen in a text',
            "why": "two readers mean different things by it, and a model means a third",
            "mend": "Say what can be seen in the text instead: what is named, counted, left out, or put first.",
        }
    ],
}

QUESTION_EXAMPLE: dict[str, Any] = {
    "id": "p-value-meaning",
    "object": "question",
    "text": _QUESTION,
    "topic": "statistics-inference",
    "topic_title": "Statistics and p-values",
    "stage": "technical-phone-screen",
    "rubric": "technical-phone-screen",
    "difficulty": "basic",
    "industries": {},
    "reference": _REFERENCE,
    "key_points": ["Says that it is computed as if the null hypothesis were true"],
    "misconceptions": ["It is the probability that the null hypothesis is true."],
    "follow_up": "What would you do with a p-value of 0.06?",
}


STREAM_EXAMPLE = (
    'event: stage\ndata: {"stage": "judging"}\nid: 1\n\n'
    'event: criterion\ndata: {"id": "correctness", "level": 1, "label": "Wrong"}\nid: 2\n\n'
    'event: done\ndata: {"id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0", "status": "graded"}\nid: 8\n\n'
)


def example(value: Any) -> dict[str, Any]:
    """The ``content`` of a JSON response with one example."""
    return {"content": {"application/json": {"example": value}}}


def refusals(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses for kinds of problems, by status; kinds that share one are examples side by side."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        response = responses.setdefault(kind.status, _refusal(kind))
        response["content"][MEDIA_TYPE]["examples"][kind.slug] = {"summary": kind.title, "value": _problem(kind)}
    return responses


def _refusal(kind: Kind) -> dict[str, Any]:
    headers = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return {
        "description": kind.title,
        **({"headers": headers} if kind.status in (429, 503) else {}),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
    }


def _problem(kind: Kind) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.advice,
    }
    if kind is INVALID_REQUEST:
        problem["errors"] = [{"pointer": "#/answer", "detail": "Field required"}]
    return problem


PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "type": "object",
    "description": "RFC 9457. `type` is stable; switch on it.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [kind.type for kind in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer, or ?name for a query parameter."},
                    "detail": {"type": "string"},
                },
            },
        },
        "grade": {"$ref": "#/components/schemas/GradeDocument", "description": "With not-graded: the kept resource."},
    },
}
