"""Options that several commands share, and how their errors end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from backend.bootstrap import set_up
from backend.config import Config, load_config
from backend.errors import BackendError
from backend.storage.database import Database, open_database
from his_adapter.errors import HisError

Command = TypeVar("Command", bound=Callable[..., Any])


def database_option(command: Command) -> Command:
    return click.option(
        "--db",
        "database_url",
        metavar="URL",
        help="sqlite:///FILE or postgresql://…; otherwise TIEPDON_DB, else ./tiepdon.sqlite3.",
    )(command)


@contextmanager
def refusals() -> Iterator[None]:
    """What the server refuses becomes one line on standard error and exit status 1."""
    try:
        yield
    except (BackendError, HisError) as error:
        detail = str(error)
        raise click.ClickException(f"{detail} [{error.code}]") from error


@contextmanager
def open_set_up_database(database_url: str | None) -> Iterator[Database]:
    """For commands without data of people: needs no keys. Sets an empty database up."""
    with refusals():
        config: Config = load_config(os.environ, needs_keys=False, database_url=database_url)
        database = open_database(config)
        try:
            set_up(database, config)
            yield database
        finally:
            database.close()
