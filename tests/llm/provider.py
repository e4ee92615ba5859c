"""OpenAI's files, batches and chat completions on one fake provider, in this process, through real HTTP requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from evals.bench.fake_model import FakeModel


@dataclass(slots=True)
class Provider:
    """What it was sent, and how it behaves.

    Attributes:
        silent: it makes the next batch and breaks down before it says so.
        refuses: it has no batches: 404.
        failing: custom ids of requests that end in an error.
    """

    model: FakeModel = field(default_factory=lambda: FakeModel(0.0, 0.0, 0))
    files: dict[str, bytes] = field(default_factory=dict)
    batches: list[dict[str, Any]] = field(default_factory=list)
    silent: bool = False
    refuses: bool = False
    failing: set[str] = field(default_factory=set)
    chats: int = 0

    def client(self) -> AsyncOpenAI:
        """A client of it."""
        http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app()))
        return AsyncOpenAI(api_key="k", base_url="http://provider.test/v1", max_retries=0, http_client=http)

    def requests(self) -> list[dict[str, Any]]:
        """Every request of every batch it got."""
        return [line for batch in self.batches for line in batch["sent"]]

    async def finish(self, status: str = "completed") -> None:
        """Answer all batches; with another status, none of them."""
        for batch in self.batches:
            if batch["status"] != "in_progress":
                continue
            batch["status"] = status
            if status == "completed":
                replies = [await self._answered(line) for line in batch["sent"]]
                batch["output_file_id"] = f"file-out-{batch['id']}"
                self.files[batch["output_file_id"]] = b"\n".join(map(orjson.dumps, replies)) + b"\nnot json\n"

    def app(self) -> Starlette:
        """Its endpoints."""
        return Starlette(
            routes=[
                Route("/v1/files", self._upload, methods=["POST"]),
                Route("/v1/files/{id}", self._delete, methods=["DELETE"]),
                Route("/v1/files/{id}/content", self._content),
                Route("/v1/batches", self._list),
                Route("/v1/batches", self._create, methods=["POST"]),
                Route("/v1/batches/{id}", self._get),
                Route("/v1/batches/{id}/cancel", self._cancel, methods=["POST"]),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ]
        )

    async def _answered(self, line: dict[str, Any]) -> dict[str, Any]:
        if line["custom_id"] in self.failing:
            return {"custom_id": line["custom_id"], "response": {"status_code": 500, "body": {}}, "error": None}
        body = orjson.loads(await self.model.reply(line["body"]))
        return {"custom_id": line["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}

    async def _upload(self, request: Request) -> Response:
        if self.refuses:
            return JSONResponse({"error": {"message": "no such thing"}}, 404)
        name = f"file-{len(self.files) + 1}"
        async with request.form() as form:
            upload: Any = form["file"]
            self.files[name] = await upload.read()
        return JSONResponse(
            {
                "id": name,
                "object": "file",
                "bytes": 1,
                "created_at": 1,
                "filename": "f",
                "purpose": "batch",
                "status": "processed",
            }
        )

    async def _create(self, request: Request) -> Response:
        wanted = await request.json()
        batch = {
            "id": f"batch_{len(self.batches) + 1}",
            "object": "batch",
            "endpoint": wanted["endpoint"],
            "completion_window": wanted["completion_window"],
            "input_file_id": wanted["input_file_id"],
            "metadata": wanted["metadata"],
            "created_at": 1,
            "status": "in_progress",
            "sent": [orjson.loads(line) for line in self.files[wanted["input_file_id"]].splitlines()],
        }
        self.batches.append(batch)
        if self.silent:
            self.silent = False
            return JSONResponse({"error": {"message": "broke down"}}, 500)
        return JSONResponse(_shown(batch))

    async def _list(self, request: Request) -> Response:
        if self.refuses:
            return JSONResponse({"error": {"message": "no such thing"}}, 404)
        return JSONResponse({"object": "list", "data": [_shown(b) for b in self.batches[::-1]], "has_more": False})

    async def _get(self, request: Request) -> Response:
        return JSONResponse(_shown(self._one(request)))

    async def _cancel(self, request: Request) -> Response:
        self._one(request)["status"] = "cancelled"
        return JSONResponse(_shown(self._one(request)))

    async def _content(self, request: Request) -> Response:
        return Response(self.files[request.path_params["id"]])

    async def _delete(self, request: Request) -> Response:
        name = request.path_params["id"]
        del self.files[name]
        return JSONResponse({"id": name, "object": "file", "deleted": True})

    async def _chat(self, request: Request) -> Response:
        self.chats += 1
        return Response(await self.model.reply(await request.json()), media_type="application/json")

    def _one(self, request: Request) -> dict[str, Any]:
        return next(batch for batch in self.batches if batch["id"] == request.path_params["id"])


def _shown(batch: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in batch.items() if name != "sent"}
