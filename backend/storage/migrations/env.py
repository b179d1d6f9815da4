"""Alembic's entry: runs on the connection handed over by storage.migrate, in its transaction."""

from __future__ import annotations

from alembic import context

from backend.storage.metadata import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
