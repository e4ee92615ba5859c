"""A small client of debrief's HTTP API; needs httpx. Copy it into your project, or point PYTHONPATH here.

    from debrief_client import Debrief

    debrief = Debrief("http://127.0.0.1:8000")
    grade = debrief.grade(question_id="p-value-meaning", answer="It is the probability that ...", learner="ada")
    print(grade["overall"]["score"], grade["next_steps"])

Requests and results are the JSON of the API document (``/openapi.json``), as dictionaries.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx

JSON = dict[str, Any]
RETRIED = frozenset({429, 503})


class DebriefError(Exception):
    """The service refused or failed; ``problem`` is its problem document (RFC 9457).

    Attributes:
        status: the HTTP status.
        problem: ``type``, ``title``, ``detail``; ``errors`` name what to mend, ``grade`` is an answer that was kept but
            could not be graded.
    """

    def __init__(self, status: int, problem: JSON) -> None:
        super().__init__(f"{status} {problem.get('title', 'failed')}: {problem.get('detail', '')}".rstrip(": "))
        self.status = status
        self.problem = problem


class Debrief:
    """One service.

    Args:
        address: where it is.
        key: a key, where the service has any.
        attempts: how often a request is sent at most; only 429 and 503 are tried again, after what Retry-After says.
        seconds: how long to wait for an answer; the embedded model takes one to two minutes.
        sleep: waits between attempts.
        transport: another way to send requests, for tests.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        attempts: int = 3,
        seconds: float = 200.0,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=seconds, transport=transport)
        self._attempts = attempts
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def grade(self, *, wait: bool = True, **request: Any) -> JSON:
        """Grade an answer.

        Args:
            wait: False returns at once with a grade in progress; follow it with :meth:`events`.
            **request: the members of ``POST /v1/grades``: ``answer``, ``question`` or ``question_id``, ``learner``, ...

        Raises:
            DebriefError: it was refused, or could not be graded in ``attempts`` attempts.
        """
        headers = {"Idempotency-Key": uuid.uuid4().hex} | ({} if wait else {"Prefer": "respond-async"})
        return self._call("POST", "/v1/grades", json=request, headers=headers)

    def get(self, grade_id: str, *, submission: bool = False) -> JSON:
        """One grade; with what was sent, if asked for."""
        return self._call("GET", f"/v1/grades/{grade_id}", params={"include": "submission"} if submission else None)

    def events(self, grade_id: str) -> Iterator[tuple[str, JSON]]:
        """The events of a grade in the making: ``stage``, ``criterion``, ``commentary``, ``done``."""
        with self._http.stream("GET", f"/v1/grades/{grade_id}/events") as response:
            if response.is_error:
                response.read()
                raise _error(response)
            name = ""
            for line in response.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

    def progress(self, learner: str) -> JSON:
        """A learner's attempts over time and what to practise next."""
        return self._call("GET", f"/v1/learners/{learner}/progress")

    def sign_in_link(self, learner: str, minutes: int = 60) -> JSON:
        """A link a learner signs in to the pages with; put the public address in front of its ``path``."""
        return self._call("POST", "/v1/sign-in-links", json={"learner": learner, "minutes": minutes})

    def embed_link(self, grade_id: str, origin: str, minutes: int = 1_440) -> JSON:
        """A link that shows a grade in pages of ``origin``, for an iframe or ``/embed.js``."""
        return self._call("POST", f"/v1/grades/{grade_id}/embed-links", json={"origin": origin, "minutes": minutes})

    def _call(self, method: str, path: str, **request: Any) -> JSON:
        for attempt in range(1, self._attempts + 1):
            response = self._http.request(method, path, **request)
            if response.is_success:
                found: JSON = response.json()
                return found
            if response.status_code not in RETRIED or attempt == self._attempts:
                break
            self._sleep(float(response.headers.get("Retry-After", 1)))
        raise _error(response)


def _error(response: httpx.Response) -> DebriefError:
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    return DebriefError(response.status_code, problem)
