"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class HeldClock:
    """Implements :class:`service.ports.Clock`."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self._passed = 0.0

    def now(self) -> datetime:
        """The held time."""
        return self._now

    def monotonic(self) -> float:
        """Seconds passed so far."""
        return self._passed

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._passed += seconds
