"""Alembic's environment: runs on the connection that :mod:`service.storage.migrate` hands over."""

from alembic import context

from service.storage.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transactional_ddl=False)
context.run_migrations()
