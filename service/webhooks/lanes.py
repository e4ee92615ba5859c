"""Who may use how many of a sender's slots, so that slow endpoints hold up nobody but themselves.

Every endpoint has a few slots; one whose last attempt failed has one, and all those together at most half of the
slots. The other half stays with endpoints that answer.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from service.webhook_records import EndpointId, Room

REMEMBERED = 1_000


@dataclass(slots=True)
class Lanes:
    """The slots of one sender.

    Attributes:
        total: deliveries under way at once, and so sockets.
        each: of them for one endpoint.
    """

    total: int = 128
    each: int = 4
    _busy: Counter[EndpointId] = field(default_factory=Counter)
    _troubled: OrderedDict[EndpointId, None] = field(default_factory=OrderedDict)

    def enter(self, endpoint: EndpointId) -> None:
        """A delivery begins."""
        self._busy[endpoint] += 1

    def leave(self, endpoint: EndpointId, *, answered: bool) -> None:
        """A delivery ended; an endpoint that did not take it is given one slot from now on."""
        self._busy[endpoint] -= 1
        if not self._busy[endpoint]:
            del self._busy[endpoint]
        self._troubled.pop(endpoint, None)
        if not answered:
            self._troubled[endpoint] = None
            while len(self._troubled) > REMEMBERED:
                self._troubled.popitem(last=False)

    def room(self) -> Room:
        """What can be taken on now."""
        troubled_busy = sum(self._busy[endpoint] for endpoint in self._troubled)
        return Room(
            total=max(0, self.total - self._busy.total()),
            each=self.each,
            busy={endpoint: self._slots_of(endpoint) - busy for endpoint, busy in self._busy.items()},
            troubled=frozenset(self._troubled),
            troubled_total=max(0, self.total // 2 - troubled_busy),
        )

    def _slots_of(self, endpoint: EndpointId) -> int:
        return 1 if endpoint in self._troubled else self.each
