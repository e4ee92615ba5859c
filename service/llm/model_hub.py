"""The first source of a model file: its publisher's repository on the Hugging Face hub."""

from __future__ import annotations

import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, build_opener

from service.llm.model_part import BLOCK, PartFile, SourceError


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a hub may take; a hub that has not sent one byte is given up at once.

    Args:
        open_seconds: for name look-up, connection, TLS, redirects and headers together.
        read_seconds: the longest silence inside the body.
        resumes: how often a broken body is resumed.
        pause_seconds: before each resume.
    """

    open_seconds: float = 5.0
    read_seconds: float = 30.0
    resumes: int = 5
    pause_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class HubSource:
    """A file in a repository of the Hugging Face hub, at a pinned revision, over plain HTTPS."""

    base_url: str
    repository: str
    revision: str
    file_name: str
    patience: Patience = Patience()

    @property
    def scratch_bytes(self) -> int:
        """None: the bytes go straight into the file."""
        return 0

    @property
    def url(self) -> str:
        """Where the file is downloaded from."""
        return f"{self.base_url.rstrip('/')}/{self.repository}/resolve/{self.revision}/{self.file_name}"

    def __str__(self) -> str:
        return urlsplit(self.base_url).netloc

    def fill(self, part: PartFile) -> None:
        """Download what is missing, resuming where the connection broke."""
        for attempt in range(self.patience.resumes + 1):
            try:
                self._continue(part)
                return  # noqa: TRY300 - the loop ends with the first success
            except SourceError:
                if not part.received or attempt == self.patience.resumes:
                    raise
                time.sleep(self.patience.pause_seconds)

    def _continue(self, part: PartFile) -> None:
        """Download the rest over one connection."""
        if part.length == part.total:
            return
        with _open(self.url, part.length, self.patience) as response:
            _check_offer(response, part)
            with part.shown(f"Fetching {self.file_name} from {self}"):
                while block := _read(response):
                    part.append(block)
        if part.length < part.total:
            raise SourceError(f"the connection ended after {part.length:,} of {part.total:,} bytes")


def _open(url: str, offset: int, patience: Patience) -> HTTPResponse:
    """The answer to a request for everything from ``offset`` on, within ``open_seconds``.

    It is awaited in a thread because name look-up has no timeout and a socket's counts per address: eight
    dead addresses would take eight timeouts.
    """
    headers = {"User-Agent": "debrief", **({"Range": f"bytes={offset}-"} if offset else {})}
    answers: SimpleQueue[HTTPResponse | SourceError] = SimpleQueue()
    request = Request(url, headers=headers)  # noqa: S310 - the address is the operator's, never a caller's
    arguments = (request, patience.read_seconds, answers)
    Thread(target=_request, args=arguments, daemon=True).start()
    try:
        answer = answers.get(timeout=patience.open_seconds)
    except Empty:
        raise SourceError(f"no answer within {patience.open_seconds:g} seconds") from None
    if isinstance(answer, SourceError):
        raise answer
    return answer


def _request(request: Request, timeout: float, answers: SimpleQueue[HTTPResponse | SourceError]) -> None:
    """Put the response, or why there is none, into ``answers``."""
    try:
        answers.put(build_opener().open(request, timeout=timeout))
    except HTTPError as error:
        answers.put(SourceError(f"it answered HTTP {error.code} {error.reason}"))
        error.close()
    except URLError as error:
        answers.put(SourceError(f"not reachable ({error.reason})"))
    except (OSError, HTTPException, ValueError) as error:
        answers.put(SourceError(f"not reachable ({error or type(error).__name__})"))


def _check_offer(response: HTTPResponse, part: PartFile) -> None:
    """Refuse what cannot be the file, such as a log-in page; only then start over where the range was ignored."""
    start = part.length if response.status == 206 else 0
    if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise SourceError("it answered another range than the one asked for")
    if response.headers.get_content_type() == "text/html":
        raise SourceError("it answered a web page instead of the file")
    if response.length is not None and response.length != part.total - start:
        raise SourceError(f"it offers {start + response.length:,} bytes instead of {part.total:,}")
    if start < part.length:
        part.cut(start)


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(BLOCK)
    except (OSError, HTTPException) as error:
        raise SourceError(f"the connection broke ({error or type(error).__name__})") from error
