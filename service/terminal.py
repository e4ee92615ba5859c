"""What every command of the command line shares: where it prints, and how it says that it cannot go on."""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

out = Console(soft_wrap=False)
err = Console(stderr=True)


def fail(problem: str, advice: str, code: int = 1) -> NoReturn:
    """Say what is wrong and what to do about it on standard error, and end with an exit code."""
    err.print(Text(f"debrief: {problem}", style="bold red"))
    err.print(Text(advice))
    raise typer.Exit(code)
