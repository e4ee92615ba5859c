"""Everything that can go wrong while grading, as values a caller can act on.

GradingError
├── InvalidSubmission      the text cannot be graded as sent (NUL, lone surrogates, over a limit)
├── InvalidRubric          a rubric file or object breaks the rubric rules
├── InvalidQuestion        a file of the question bank breaks its rules
├── InvalidContextNote     a note on an industry or audience breaks its rules
├── InvalidCalibration     a calibration file cannot be used
├── InvalidExample         a golden answer that is to be shown to judges breaks its rules
├── InvalidPrompt          a prompt file breaks the prompt rules, or a variable is missing
└── ModelError             a model gave no usable reply; ``code`` says why
    ├── ModelUnavailable   connection refused, 5xx, overloaded
    ├── ModelTimeout       a call or the whole grade ran out of time
    ├── ModelRateLimited   429; carries ``retry_after``
    ├── SpendingLimitReached nothing more may be spent today; carries ``retry_after``
    ├── ModelRefused       the model declined to answer
    ├── ReplyInvalid       truncated, not JSON, or not what was asked for
    ├── InputTooLong       the texts do not fit the model's context window: never shortened silently
    └── ModelMisconfigured wrong key, unknown model, unsupported parameter: retrying cannot help
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ValidationError

MAX_FAULTS = 20


class GradingError(Exception):
    """Base of all errors of the grading core."""


class InvalidSubmission(GradingError):
    """The submission cannot be graded as sent.

    Args:
        field: which part of the submission, e.g. ``answer`` or ``context.industry``.
        problem: what is wrong, without repeating the text itself.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class InvalidRubric(GradingError):
    """A rubric breaks the rules of :mod:`service.grading.rubric`."""


class InvalidQuestion(GradingError):
    """A topic of the question bank cannot be used; the message names every problem."""


class InvalidContextNote(GradingError):
    """A context note cannot be used; the message names every problem."""


class InvalidCalibration(GradingError):
    """A calibration cannot be used; the message names every problem."""


class InvalidExample(GradingError):
    """A graded example cannot be used; the message names every problem."""


class InvalidPrompt(GradingError):
    """A prompt file cannot be loaded or rendered."""


class ModelError(GradingError):
    """A model gave no usable reply.

    Attributes:
        code: stable machine-readable reason, used in ``reason.code`` of an ungraded answer.
        retryable: whether asking again later can help.
        retry_after: seconds the provider asked us to wait, if it did.
    """

    code: ClassVar[str] = "model_error"
    retryable: ClassVar[bool] = True

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class ModelUnavailable(ModelError):
    """The model could not be reached or answered with a server error."""

    code = "model_unavailable"


class ModelTimeout(ModelError):
    """A model call, or the grade as a whole, ran out of time."""

    code = "model_timeout"


class ModelRateLimited(ModelError):
    """The provider asked us to slow down (HTTP 429)."""

    code = "model_rate_limited"


class SpendingLimitReached(ModelError):
    """The model is not asked: what may be spent in a day is spent."""

    code = "spending_limit_reached"


class ModelRefused(ModelError):
    """The model declined to grade this answer."""

    code = "model_refused"
    retryable = False


class ReplyInvalid(ModelError):
    """The model replied, but not with what was asked for; ``detail`` is told to it when it is asked again.

    Attributes:
        partial: what could be read all the same, for the caller to use when no better reply comes.
    """

    code = "model_reply_invalid"

    def __init__(self, detail: str, *, partial: object | None = None) -> None:
        super().__init__(detail)
        self.partial = partial


class ModelMisconfigured(ModelError):
    """The operator's model settings cannot work: wrong key, unknown model, unsupported parameter."""

    code = "model_misconfigured"
    retryable = False


class MustStayHere(ModelError):
    """The request's data policy keeps its texts on the machine's own network, and the model runs elsewhere."""

    code = "data_policy"
    retryable = False


class InputTooLong(ModelError):
    """Question, reference and answer do not fit the model's context window."""

    code = "input_too_long"
    retryable = False


def faults_of(error: ValidationError, *, naming: bool = True) -> str:
    """What is wrong with a data file, each fault with its place (``criteria.0.levels: ...``), without the data.

    Args:
        error: what pydantic found.
        naming: name unknown members; False for data out of a request, of which nothing is repeated.
    """
    faults = error.errors(include_input=False, include_url=False)
    return "; ".join(_fault(fault, naming) for fault in faults[:MAX_FAULTS])


def _fault(detail: Any, naming: bool) -> str:
    place = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden" and not naming:
        return f"{place.rpartition('.')[0] or 'the file'}: holds a member that is not known here"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
