"""Brings a database to the newest shape, by one process at a time."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from backend.errors import ConfigError, StorageUnavailable

FOLDER = Path(__file__).parent / "migrations"
_REVISIONS = text("SELECT version_num FROM alembic_version")
# Any constant that nobody else takes: "tiep" in ASCII.
ADVISORY_LOCK = 0x74696570


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def migrate(engine: Engine) -> None:
    """Upgrades to head. Two processes at once: the second waits, then finds nothing to do.

    All steps run in one transaction: a migration that fails half-way leaves the old shape.
    Raises ConfigError when a newer release made this shape, StorageUnavailable.
    """
    revision = find_revision(engine)
    if revision is not None and not knows_migration(revision):
        raise ConfigError(
            f"the database has the shape of a newer release ({revision}): install that one here"
        )
    config = _alembic()
    try:
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK}
                )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise StorageUnavailable from error


@cache
def _head() -> str | None:
    """Each kiosk asks every second whether the server is ready; this code's head never changes."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def knows_migration(revision: str) -> bool:
    """Whether a database of this shape can be brought forward by this code."""
    scripts = ScriptDirectory.from_config(_alembic())
    return revision in {script.revision for script in scripts.walk_revisions()}


def is_at_head(engine: Engine) -> bool:
    """Whether the database has the shape this code expects. Raises StorageUnavailable.

    One statement: every kiosk asks once a second. Alembic's own look, which may be at an empty
    database, takes several.
    """
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execution_options(isolation_level="AUTOCOMMIT")  # no BEGIN around it
            return connection.scalars(_REVISIONS).all() == [_head()]
    except DBAPIError:
        return find_revision(engine) == _head()


def find_revision(engine: Engine) -> str | None:
    """The shape of the database; None: it is empty. Raises StorageUnavailable."""
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise StorageUnavailable from error
