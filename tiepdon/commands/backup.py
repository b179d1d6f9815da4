"""`tiepdon backup`: a sealed copy of the running service, and the proof of one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from backend.services.back_up import back_up
from backend.services.restore import choose_backup, try_backup
from tiepdon.options import (
    backup_key,
    database_option,
    load_backup_config,
    refusals,
    register_of,
)

Folder = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command()
@click.argument("folders", metavar="DIR [DIR2]", type=Folder, nargs=-1, required=True)
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(min=1),
    default=14,
    show_default=True,
    help="Backups to keep in each folder; older ones are removed.",
)
@click.option("--check", is_flag=True, help="Make none; restore the newest into a trial database.")
@database_option
def command(folders: tuple[Path, ...], keep: int, check: bool, database_url: str | None) -> None:
    """Write a sealed backup to DIR, and to DIR2 as well, while the service goes on.

    The key is in the file that TIEPDON_BACKUP_KEY_FILE names (`tiepdon keys new-backup`). Keys,
    passwords and settings files are not in it. Prints JSON; exit status 1 when a folder did not
    get its backup.
    """
    if len(folders) > 2:
        raise click.UsageError("takes one folder or two")
    if check:
        _check(folders, database_url)
        return
    with refusals():
        key = backup_key(os.environ)
        config = load_backup_config(os.environ, database_url)
        backup = back_up(
            config.database_url,
            folders,
            key,
            now=datetime.now(UTC),
            environ=os.environ,
            register=register_of(config),
            keep=keep,
        )
    answer = {
        "ok": backup.ok,
        "name": backup.name,
        "bytes": sum(part.size_bytes for part in backup.manifest.parts) if backup.manifest else 0,
        "rows": sum(backup.manifest.rows.values()) if backup.manifest else 0,
        "targets": [asdict(target) for target in backup.targets],
        "not_in_it": [file.path for file in backup.manifest.settings_files]
        if backup.manifest
        else [],
    }
    click.echo(json.dumps(answer, ensure_ascii=False))
    if not backup.ok:
        raise SystemExit(1)


def _check(folders: tuple[Path, ...], database_url: str | None) -> None:
    good = True
    for folder in folders:
        with refusals():
            key = backup_key(os.environ)
            config = load_backup_config(os.environ, database_url)
            verdict = try_backup(
                choose_backup(folder, key),
                config.database_url,
                key,
                facility_id=config.facility_id,
                environ=os.environ,
            )
        # Older ones stand in for a damaged one at a restore; a proof does not hide it.
        good = good and verdict.ok and not verdict.damaged
        document = {"ok": verdict.ok and not verdict.damaged, "folder": str(folder)}
        click.echo(json.dumps(document | asdict(verdict), ensure_ascii=False))
    if not good:
        raise SystemExit(1)
