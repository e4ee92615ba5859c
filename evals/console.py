"""What the evaluation commands share: where they print, and how they end when they cannot go on."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import NoReturn

import typer
from pydantic import ValidationError
from rich.text import Text

from service.terminal import err

COULD_NOT_RUN = 2
ANALYSIS = ("crepes", "numpy", "scipy", "sklearn", "statsmodels", "krippendorff")
"""Libraries that only the analysis needs; they come with ``debrief-service[evals]``."""


def give_up(message: str) -> NoReturn:
    """Print why nothing came of it and end with exit code 2."""
    err.print(Text(f"debrief: {message}", style="bold red"), soft_wrap=True)
    raise typer.Exit(COULD_NOT_RUN)


class explained:  # noqa: N801 - reads as a context manager
    """End with a message and exit code 2 on errors a user can act on.

    On any other error, too, but with its traceback: exit code 1 would say that a prompt got worse.
    """

    def __enter__(self) -> None: ...

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        from evals.errors import CouldNotRun
        from evals.golden import InvalidGolden
        from service.bootstrap import Misconfigured
        from service.grading.errors import GradingError

        if isinstance(error, CouldNotRun | InvalidGolden | Misconfigured | GradingError):
            give_up(str(error))
        if isinstance(error, ModuleNotFoundError) and error.name in ANALYSIS:
            give_up(f"this needs {error.name}. Install it with: pip install 'debrief-service[evals]'")
        if isinstance(error, ValidationError) and error.title == "Settings":
            places = ("DEBRIEF_" + "__".join(str(p).upper() for p in fault["loc"]) for fault in error.errors())
            give_up(f"the settings cannot be used. Correct: {', '.join(places)}")
        if isinstance(error, Exception) and not isinstance(error, typer.Exit | typer.Abort | typer.BadParameter):
            traceback.print_exception(error)
            give_up("this is a defect of debrief; please report it with the lines above.")
