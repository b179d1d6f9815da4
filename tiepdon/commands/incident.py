"""`tiepdon incident`: the pack of an incident for those who look into it."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from backend.services.export_incident import export_incident, find_incident, open_pack
from backend.services.keep_incidents import list_incidents
from tiepdon.options import (
    database_option,
    open_set_up_database,
    open_set_up_resources,
    refusals,
)

COMMAND = "command"


@click.group()
def command() -> None:
    """List incidents, make their packs, open what is sealed in one."""


@command.command("list")
@database_option
def list_(database_url: str | None) -> None:
    """A line of JSON for each: number, kind, when it was noticed, what is due."""
    with open_set_up_database(database_url) as database, refusals():
        for incident in list_incidents(database):
            facts = {
                "number": incident.number,
                "kind": incident.kind.value,
                "noticed_at": incident.noticed_at.isoformat(),
                "closed_at": incident.closed_at.isoformat() if incident.closed_at else None,
                "due": [
                    {"name": duty.name, "by": duty.due_at.isoformat()}
                    for duty in incident.duties
                    if duty.done_at is None
                ],
            }
            click.echo(json.dumps(facts))


@command.command()
@click.argument("number", type=click.IntRange(1))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--log",
    "logs",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A log file to put in; may be given several times.",
)
@click.option("--demo", is_flag=True, help="Demo hospital and demo keys.")
@database_option
def export(
    number: int, file: Path, logs: tuple[Path, ...], demo: bool, database_url: str | None
) -> None:
    """Write the pack of incident NUMBER to FILE (ZIP): trail, alerts, settings, logs, contacts,
    and, sealed for this hospital, who may be concerned and who looked at them.

    Prints one JSON object with what is in it. Never overwrites a file.
    """
    with open_set_up_resources(database_url, demo=demo) as resources, refusals():
        incident_id = find_incident(resources.database, number)
        with _new_file(file) as target:
            summary = export_incident(
                resources, incident_id, target, actor=COMMAND, logs=list(logs)
            )
    click.echo(json.dumps(asdict(summary)))


@command.command("open")
@click.argument("pack", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--demo", is_flag=True, help="Demo hospital and demo keys.")
@database_option
def open_(pack: Path, file: Path, demo: bool, database_url: str | None) -> None:
    """Write what is sealed in PACK to FILE, readable by its owner only. Needs the hospital's keys."""
    with open_set_up_resources(database_url, demo=demo) as resources, refusals():
        try:
            with pack.open("rb") as source, _new_file(file) as target:
                for piece in open_pack(resources, source):
                    target.write(piece)
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise click.ClickException(f"{pack} is no pack of an incident") from error


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """For the eyes of its owner; gone again when it was not finished."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise click.ClickException(f"{path} is there already") from error
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:  # Ctrl-C too: half a pack of people must not lie about
        path.unlink(missing_ok=True)
        raise
