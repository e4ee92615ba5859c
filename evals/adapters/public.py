"""Public sets of answers that people scored: licence, source, and which column is what."""

from __future__ import annotations

from dataclasses import dataclass

from evals.adapters.mapping import RecordMap, ScoreColumn


@dataclass(frozen=True, slots=True)
class PublicSet:
    """One data set, or a shape of data. Nothing of it is part of this project: it is read from a path.

    Attributes:
        scale: the human scale in words.
    """

    title: str
    licence: str
    url: str
    scale: str
    mapping: RecordMap


_COMMON = RecordMap(
    columns={
        "id": ("id",),
        "question": ("question",),
        "answer": ("answer",),
        "reference": ("reference",),
        "feedback": ("feedback",),
        "split": ("meta.split", "split"),
    },
    scores={"": ScoreColumn(("score",), 0.0, "max_score")},
)
_MOHLER = RecordMap(
    columns={
        "id": ("id", "answer_id"),
        "question": ("question",),
        "answer": ("student_answer", "provided_answer", "answer"),
        "reference": ("desired_answer", "instructor_answer", "reference_answer", "reference"),
    },
    scores={"": ScoreColumn(("score_avg", "avg_score", "score", "grade"), 0.0, 5.0)},
)
_ASAP = RecordMap(
    columns={
        "id": ("essay_id", "Essay ID", "EssayID", "Id", "id"),
        "question": ("question", "prompt", "assignment"),
        "answer": ("essay", "EssayText", "full_text", "text"),
        "reference": ("source_text",),
    },
)
_SEMEVAL = "https://github.com/myrosia/semeval-2013-task7"

PUBLIC_SETS: dict[str, PublicSet] = {
    "saf": PublicSet(
        "Short Answer Feedback, communication networks", "MIT", "https://github.com/SebOchs/SAF", "0 to 1", _COMMON
    ),
    "digiklausur": PublicSet(
        "DigiKlausur, graduate exam on neural networks, one grader, no references",
        "MPL-2.0",
        "https://github.com/DigiKlausur/ASAG-Dataset",
        "0, 1, 2",
        _COMMON,
    ),
    "scientsbank": PublicSet("SciEntsBank (SemEval-2013 task 7)", "CC-BY-SA", _SEMEVAL, "wrong or right", _COMMON),
    "beetle": PublicSet("Beetle (SemEval-2013 task 7)", "CC-BY-SA", _SEMEVAL, "wrong or right", _COMMON),
    "mohler": PublicSet(
        "Mohler et al. 2011, introductory computer science, two graders",
        "none stated with the data; published for research",
        "https://web.eecs.umich.edu/~mihalcea/downloads.html",
        "0 to 5, mean of two",
        _MOHLER,
    ),
    "asap": PublicSet(
        "ASAP-style essays with a score for each trait; name the traits with --map",
        "the rules of the Kaggle competition",
        "https://www.kaggle.com/c/asap-aes",
        "as given with --map",
        _ASAP,
    ),
    "mapped": PublicSet(
        "any JSON lines, JSON, YAML, CSV or TSV; name the columns with --map",
        "yours to state",
        "a local file",
        "as given with --map",
        RecordMap(columns={name: (name,) for name in ("id", "question", "answer", "reference", "group", "split")}),
    ),
}
