"""Carrying jobs out durably on DBOS Transact. The only home of DBOS."""

from __future__ import annotations

from service.engine.queue import DbosEngine

__all__ = ["DbosEngine"]
