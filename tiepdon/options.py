"""Options that several commands share, and how their errors end."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import make_url

from backend.bootstrap import build_resources, check_shape, open_keys, set_up
from backend.config import DATABASE_SCHEMES, Config, load_config
from backend.domain.calling_settings import CallingSettings
from backend.errors import BackendError, ConfigError
from backend.services.resources import Resources
from backend.storage.backup_key import BackupKey, load_backup_key
from backend.storage.catalogue import CatalogueSource
from backend.storage.crypto import Keys
from backend.storage.database import Database, open_database
from backend.storage.origin import set_origin
from his_adapter.builtin.gateway import DEFAULT_FILE
from his_adapter.errors import HisError

MAX_NAME_CHARS = 80

Command = TypeVar("Command", bound=Callable[..., Any])


def _check_url(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.startswith(DATABASE_SCHEMES):
        raise click.BadParameter("takes sqlite:///… or postgresql://…")
    return value


def check_name(
    _context: click.Context, _argument: click.Parameter, value: str | None
) -> str | None:
    """The name of a kiosk or of a member of staff, as it stands on pages; None is left alone."""
    if value is None:
        return None
    name = " ".join(value.split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise click.BadParameter(f"takes 1 to {MAX_NAME_CHARS} letters that can be shown")
    return name


def database_option(command: Command) -> Command:
    return click.option(
        "--db",
        "database_url",
        metavar="URL",
        callback=_check_url,
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


def calling_option(command: Command) -> Command:
    return click.option(
        "--db",
        "database_url",
        metavar="URL",
        callback=_check_url,
        help="Use wording and region of this database's facility; otherwise the usual ones.",
    )(command)


def read_calling_settings(database_url: str | None) -> CallingSettings:
    """How the facility of a database calls; without one, what a hospital begins with."""
    if database_url is None:
        return CallingSettings()
    file = make_url(database_url).database
    if database_url.startswith("sqlite") and not Path(file or "").is_file():
        raise click.ClickException(f"{file} does not exist: start `tiepdon serve` once")
    with refusals():
        database = open_database(
            load_config(os.environ, needs_keys=False, database_url=database_url)
        )
        try:
            return CatalogueSource(database).get().settings.calling
        finally:
            database.close()


@contextmanager
def open_set_up_database(
    database_url: str | None, *, environ: Mapping[str, str] = os.environ
) -> Iterator[Database]:
    """For commands without data of people: needs no keys. Sets an empty database up.

    A database of another release is refused.
    """
    with refusals():
        _tell_origin()
        config: Config = load_config(environ, needs_keys=False, database_url=database_url)
        database = open_database(config)
        try:
            check_shape(database)
            set_up(database, config)
            yield database
        finally:
            database.close()


@contextmanager
def open_set_up_resources(database_url: str | None, *, demo: bool = False) -> Iterator[Resources]:
    """For commands that open what is sealed: needs the keys, or a demo.

    A database of another release is refused.
    """
    with refusals():
        _tell_origin()
        environ = os.environ | ({"TIEPDON_DEMO": "1"} if demo else {})
        config: Config = load_config(environ, database_url=database_url)
        resources = build_resources(config)
        try:
            check_shape(resources.database)
            set_up(resources.database, config)
            yield resources
        finally:
            resources.close()


def find_keys(database_url: str | None) -> Keys | None:
    """For commands that can do without; None where no keys are set. Raises ConfigError."""
    config = load_config(os.environ, needs_keys=False, database_url=database_url)
    return open_keys(config) if config.keys_file is not None or config.demo else None


def _tell_origin() -> None:
    """Commands name nobody as their actor: the account of this machine says who it was."""
    account = os.environ.get("SUDO_USER") or _find_account()
    set_origin(f"host:{account}")


def _find_account() -> str:
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(number)


def backup_key(environ: Mapping[str, str]) -> BackupKey:
    """Raises ConfigError."""
    name = environ.get("TIEPDON_BACKUP_KEY_FILE")
    if not name:
        raise ConfigError(
            "TIEPDON_BACKUP_KEY_FILE is not set: `tiepdon keys new-backup FILE` makes one"
        )
    return load_backup_key(Path(name))


def load_backup_config(environ: Mapping[str, str], database_url: str | None) -> Config:
    """Backups open nothing of a person: they need no keys. Raises ConfigError."""
    return load_config(environ, needs_keys=False, database_url=database_url)


def register_of(config: Config) -> Path | None:
    """The file of our own register of patients, when there is no HIS."""
    if config.his_adapter != "builtin":
        return None
    return Path(config.his_settings.get("file") or DEFAULT_FILE)
