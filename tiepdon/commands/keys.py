"""`tiepdon keys`: the secret keys of a server."""

from __future__ import annotations

from pathlib import Path

import click

from backend.storage.backup_key import write_new_backup_key
from backend.storage.crypto import write_new_keys
from tiepdon.release.keys import write_new_release_key


@click.group()
def command() -> None:
    """Make keys: of data of people, of backups, of releases."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new(file: Path) -> None:
    """Write new keys to FILE, readable by its owner only.

    Keep a copy apart from the database: without the keys its personal data cannot be read.
    """
    try:
        write_new_keys(file)
    except OSError as error:
        raise click.ClickException(f"{file} was not written: {error.strerror}") from error
    click.echo(f"wrote {file}; set TIEPDON_KEYS_FILE to it", err=True)


@command.command("new-backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new_backup(file: Path) -> None:
    """Write a new key of backups to FILE, readable by its owner only.

    Keep a copy away from this machine and from the backups: without it they open nothing.
    """
    try:
        write_new_backup_key(file)
    except OSError as error:
        raise click.ClickException(f"{file} was not written: {error.strerror}") from error
    click.echo(f"wrote {file}; set TIEPDON_BACKUP_KEY_FILE to it", err=True)


@command.command("new-release")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def new_release(file: Path) -> None:
    """Write a new secret key of releases to FILE and its public half to FILE.pub.

    Who has FILE can make releases that machines believe: keep it off the network. Machines get
    FILE.pub.
    """
    try:
        public = write_new_release_key(file)
    except OSError as error:
        raise click.ClickException(f"{file} was not written: {error.strerror}") from error
    click.echo(f"wrote {file} to sign with, {public} for the machines", err=True)
