"""The one error of running evaluations."""

from __future__ import annotations


class CouldNotRun(Exception):
    """An evaluation cannot go on as asked; the message says what to do. It is never a verdict on a prompt."""
