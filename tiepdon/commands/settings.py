"""`tiepdon settings`: how the facility wants things done, from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import click

from backend.domain.settings_file import MAX_FILE_CHARS, Change
from backend.services.change_settings import change_setting, read_settings
from backend.services.import_settings import (
    export_settings,
    import_settings,
    preview_import,
    preview_undo,
    undo_import,
)
from backend.services.keep_settings import Preview
from tiepdon.options import database_option, open_set_up_database, refusals


@click.group()
def command() -> None:
    """Show and change settings of the facility. Servers see a change within seconds."""


@command.command()
@database_option
def show(database_url: str | None) -> None:
    """All settings as one JSON document, defaults included."""
    with open_set_up_database(database_url) as database, refusals():
        settings = read_settings(database)
    click.echo(json.dumps(settings, ensure_ascii=False, indent=2))


@command.command("set")
@click.argument("name")
@click.argument("value")
@database_option
def set_(name: str, value: str, database_url: str | None) -> None:
    """Give NAME (or GROUP.NAME) the VALUE, JSON or a plain word. Every change is on record."""
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    with open_set_up_database(database_url) as database, refusals():
        before = change_setting(database, name, parsed)
    click.echo(json.dumps({"name": name, "before": before, "after": parsed}, ensure_ascii=False))


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@database_option
def export(file: Path, database_url: str | None) -> None:
    """Write all that the hospital decided to FILE, or to standard output as -. No credentials."""
    with open_set_up_database(database_url) as database, refusals():
        text = export_settings(database)
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error


@command.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--preview", "only_preview", is_flag=True, help="Show what would change, no more.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@database_option
def import_(file: TextIO, only_preview: bool, yes: bool, database_url: str | None) -> None:
    """Take the settings of FILE: all of them or none. What it leaves out stays as it is."""
    try:
        text = file.read(MAX_FILE_CHARS + 1)
    except ValueError as error:
        raise click.ClickException("The file is not UTF-8") from error
    with open_set_up_database(database_url) as database, refusals():
        _show_and_do(
            preview_import(database, text),
            lambda seen: import_settings(database, text, seen=seen),
            only_preview=only_preview,
            yes=yes,
        )


@command.command()
@click.option("--preview", "only_preview", is_flag=True, help="Show what would change, no more.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@database_option
def undo(only_preview: bool, yes: bool, database_url: str | None) -> None:
    """Take the newest import back. Undone once more, it stands as before."""
    with open_set_up_database(database_url) as database, refusals():
        _show_and_do(
            preview_undo(database),
            lambda seen: undo_import(database, seen=seen),
            only_preview=only_preview,
            yes=yes,
        )


def _show_and_do(
    preview: Preview,
    work: Callable[[str], tuple[Change, ...]],
    *,
    only_preview: bool,
    yes: bool,
) -> None:
    for change in preview.changes:
        click.echo(str(change))
    if not preview.changes:
        click.echo("Nothing to change.")
        return
    if only_preview:
        click.echo(f"{len(preview.changes)} would change. Nothing was changed.")
        return
    if not yes:
        click.confirm(f"Change these {len(preview.changes)}?", abort=True)
    changes = work(preview.seen)
    click.echo(f"{len(changes)} changed. Take it back: tiepdon settings undo")
