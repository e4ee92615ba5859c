"""The engine on DBOS: one queue, one workflow a portion, tenants as its partitions, no checkpoint inside.

DBOS keeps its rows beside ours: in the same SQLite file, or in the schema ``dbos`` of the same Postgres
database. Its own loop and threads drive the queue; what a portion does runs on the caller's event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from dbos import DBOS, DBOSConfig

from service.job_ports import Carry
from service.jobs import Portion, PortionId

QUEUE = "grading"
WORKFLOW = "portion"
APPLICATION = "debrief"
VERSION = "1"
"""DBOS's application version: fixed, since old and new versions of the service carry out each other's portions."""

POLL_SECONDS = 0.25
LAST_POLL_SECONDS = 1
"""What a poll of the queue that is under way while we stop still takes is run, not left behind."""

FORGET_AT_ONCE = 500
_UNDER_WAY = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
_THROUGH = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class DbosEngine:
    """Implements :class:`service.job_ports.Engine`. DBOS allows one per process at a time.

    Args:
        url: the database: ``sqlite:///path`` or ``postgresql://...``, already in WAL mode if SQLite.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    async def start(self, worker: str, portions_at_once: int, carry: Carry) -> None:
        """Begin to take portions, those this worker left behind first."""
        loop = asyncio.get_running_loop()

        async def portion(name: str) -> None:
            work = asyncio.run_coroutine_threadsafe(_carried(carry, PortionId(name)), loop)
            await asyncio.wrap_future(work)

        await asyncio.to_thread(self._launch, worker, portions_at_once, portion)

    def _launch(self, worker: str, portions_at_once: int, portion: Callable[[str], Coroutine[Any, Any, None]]) -> None:
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": worker,
            "log_level": "CRITICAL",
            "sys_db_pool_size": 5,
        }
        DBOS(config=config)
        DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(portion)
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=portions_at_once,
            partition_worker_concurrency=portions_at_once,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )

    async def enqueue(self, portion: Portion) -> None:
        """Hand over a portion; a second time changes nothing."""
        await asyncio.to_thread(
            DBOS.enqueue_workflow_with_options,
            {
                "workflow_name": WORKFLOW,
                "queue_name": QUEUE,
                "workflow_id": portion.id,
                "queue_partition_key": portion.tenant,
                "app_version": VERSION,
            },
            portion.id,
        )

    async def take_over(self, worker: str) -> int:
        """Have the portions of a dead worker carried out by the living; returns how many."""
        return await asyncio.to_thread(_take_over, worker)

    async def lost(self, portions: Sequence[PortionId]) -> frozenset[PortionId]:
        """Those of these portions that the engine does not know or is through with."""
        return await asyncio.to_thread(_lost, list(portions)) if portions else frozenset()

    async def forget(self) -> int:
        """Delete the rows of portions that are through; returns how many."""
        return await asyncio.to_thread(_forget)

    async def stop(self) -> None:
        """Take no more portions and close."""
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=LAST_POLL_SECONDS)


async def _carried(carry: Carry, portion: PortionId) -> None:
    await carry(portion)


def _take_over(worker: str) -> int:
    left = DBOS.list_workflows(executor_id=worker, status="PENDING", load_input=False, load_output=False)
    names = [workflow.workflow_id for workflow in left]
    if names:
        DBOS.resume_workflows(names, queue_name=QUEUE)
    return len(names)


def _lost(portions: list[PortionId]) -> frozenset[PortionId]:
    known = DBOS.list_workflows(workflow_ids=list(portions), load_input=False, load_output=False)
    under_way = {workflow.workflow_id for workflow in known if workflow.status in _UNDER_WAY}
    return frozenset(portions) - under_way


def _forget() -> int:
    through = DBOS.list_workflows(
        status=_THROUGH, queue_name=QUEUE, limit=FORGET_AT_ONCE, load_input=False, load_output=False
    )
    names = [workflow.workflow_id for workflow in through]
    if names:
        DBOS.delete_workflows(names)
    return len(names)
