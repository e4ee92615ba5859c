"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class HeldClock:
    """Implements :class:`service.ports.Clock`."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self.time = start
        self._passed = 0.0

    def now(self) -> datetime:
        """The held time."""
        return self.time

    def monotonic(self) -> float:
        """Seconds passed so far."""
        return self._passed

    def pass_(self, by: float | timedelta) -> None:
        """Let time pass: seconds, or a span."""
        span = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self.time += span
        self._passed += span.total_seconds()
