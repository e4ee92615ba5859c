"""Keeping grades: SQLite by default, Postgres by URL, the same code for both. The only home of SQLAlchemy."""

from service.storage.grades import SqlGradeStore, open_store

__all__ = ["SqlGradeStore", "open_store"]
