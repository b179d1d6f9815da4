"""`tiepdon restore`: a backup in the place of the database, by one command."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from backend.services.restore import choose_backup, restore
from tiepdon.options import (
    backup_key,
    database_option,
    load_backup_config,
    refusals,
    register_of,
)


@click.command()
@click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False, exists=True)
)
@click.option("--at", "name", metavar="NAME", help="This backup instead of the newest good one.")
@click.option("--yes", is_flag=True, help="Overwrite even what is newer than the backup.")
@database_option
def command(folder: Path, name: str | None, yes: bool, database_url: str | None) -> None:
    """Put the newest good backup of DIR in the place of the database, and prove it.

    Everything is checked before anything is touched. A database with newer rows is refused, with
    what would be lost, unless --yes is given. Prints JSON; exit status 1 when it is not right.
    """
    with refusals():
        key = backup_key(os.environ)
        config = load_backup_config(os.environ, database_url)
        chosen = choose_backup(folder, key, name=name)
        for each, why in chosen.damaged.items():
            click.echo(f"passed over {each}: {why}", err=True)
        verdict = restore(
            chosen,
            config.database_url,
            key,
            facility_id=config.facility_id,
            environ=os.environ,
            register=register_of(config),
            overwrite=yes,
        )
    click.echo(json.dumps({"ok": verdict.ok, **asdict(verdict)}, ensure_ascii=False))
    if verdict.keys_match is False:
        click.echo("TIEPDON_KEYS_FILE is not the one these data were sealed with", err=True)
    if not verdict.ok or verdict.keys_match is False:
        raise SystemExit(1)
