"""`tiepdon release`: which release each group of kiosks runs, and the kiosk that follows."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

import click

from backend.config import load_config
from backend.domain.releases import Scope
from backend.errors import ReleaseRolledBack
from backend.services.stage_release import (
    add_release,
    list_releases,
    show_staging,
    stage_release,
)
from kiosk_ui.errors import ConfigRefused
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import checked_url
from tiepdon.commands.bundle import File, place_options, read_place
from tiepdon.options import database_option, open_set_up_database, refusals
from tiepdon.release.archive import hash_of, verify
from tiepdon.release.follow import Server, follow_release, is_hour, tell_rolled_back
from tiepdon.release.install import settle
from tiepdon.release.keys import load_public_key


@click.group()
def command() -> None:
    """Give releases to kiosks, group by group."""


@command.command()
@click.argument("file", type=File)
@click.option("--key", "key_file", type=File, required=True, help="Public key of releases.")
@database_option
def add(file: Path, key_file: Path, database_url: str | None) -> None:
    """Check a bundle and lay it where kiosks fetch it. No kiosk runs it yet."""
    with open_set_up_database(database_url) as database:
        manifest = verify(file, load_public_key(key_file))
        config = load_config(os.environ, needs_keys=False, database_url=database_url)
        folder = config.releases_folder
        target = folder / f"tiepdon-{manifest.version}.bundle"
        fresh = folder / f".{target.name}.new"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, fresh)
            digest, size = hash_of(fresh), fresh.stat().st_size
            add_release(database, version=manifest.version, sha256=digest, size_bytes=size)
            fresh.replace(target)
        except OSError as error:
            raise click.ClickException(f"{target} was not written: {error.strerror}") from error
        finally:
            fresh.unlink(missing_ok=True)
    click.echo(json.dumps({"ok": True, "version": manifest.version, "sha256": digest}))


@command.command()
@click.argument("version")
@click.option("--kiosk", help="One kiosk, by its name: try a release there first.")
@click.option("--profile", help="reception, examination, laboratory or fees.")
@click.option("--all", "all_", is_flag=True, help="Every kiosk of which nothing else is said.")
@database_option
def stage(
    *,
    version: str,
    kiosk: str | None,
    profile: str | None,
    all_: bool,
    database_url: str | None,
) -> None:
    """Let a group of kiosks run VERSION; "none": nothing is said of the group any more."""
    groups: list[tuple[Scope, str]] = []
    if kiosk:
        groups.append(("kiosk", kiosk))
    if profile:
        groups.append(("profile", profile))
    if all_:
        groups.append(("all", ""))
    if len(groups) != 1:
        raise click.UsageError("takes one of --kiosk, --profile and --all")
    scope, name = groups[0]
    with open_set_up_database(database_url) as database:
        wanted = None if version == "none" else version
        stage_release(database, version=wanted, scope=scope, name=name)
    click.echo(f"{scope} {name}: {version}", err=True)


@command.command("list")
@database_option
def list_(database_url: str | None) -> None:
    """One JSON line for each bundle the server has, then one for each kiosk."""
    with open_set_up_database(database_url) as database:
        for release in list_releases(database):
            line = {"release": release.version, **asdict(release)}
            click.echo(json.dumps(line, default=datetime.isoformat, ensure_ascii=False))
        for stand in show_staging(database):
            click.echo(json.dumps(asdict(stand), ensure_ascii=False))


@command.command()
@click.option("--backend", "backend_url", required=True, help="Address of the server: https://…")
@click.option("--key", "key_file", type=File, required=True, help="Public key of releases.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="Folder with the credential of this kiosk, as `tiepdon kiosk` has it.",
)
@click.option("--between", default="20:00-05:00", show_default=True, help="Hours for changes.")
@click.option(
    "--now",
    is_flag=True,
    help="Whatever the hour, and although it failed before; a patient may stand there.",
)
@place_options
def follow(
    *,
    backend_url: str,
    key_file: Path,
    data: Path,
    between: str,
    now: bool,
    **place: Any,
) -> None:
    """On a kiosk: run what the server decided, once. A timer calls this every quarter of an hour.

    A change that a power cut interrupted is ended first, whatever the hour.
    """
    root, service, rules = read_place(**place)
    if service is None:
        raise click.UsageError("takes --unit or --start")
    begins, ends = _read_hours(between)
    with refusals():
        change = root.state.change
        try:
            settle(root, service, replace(rules, role="kiosk"))
        except ReleaseRolledBack as error:
            if change is not None and (server := _find_server(backend_url, data)) is not None:
                tell_rolled_back(server, change.version, error.code)
            raise
    if not now and not is_hour(datetime.now().astimezone(), begins, ends):
        click.echo(json.dumps({"ok": True, "installed": None, "hour": False}))
        return
    server = _find_server(backend_url, data)
    if server is None:
        raise click.ClickException(f"this kiosk is not enrolled: no credential in {data}")
    with refusals():
        key = load_public_key(key_file)
        rules = replace(rules, role="kiosk", again=now)
        installed = follow_release(server, key, root, service, rules)
    click.echo(json.dumps({"ok": True, "installed": installed, "hour": True}))


def _find_server(backend_url: str, data: Path) -> Server | None:
    """None: this kiosk is not enrolled."""
    try:
        url = checked_url(backend_url)
    except ConfigRefused as error:
        raise click.UsageError(str(error)) from error
    credential = _find_credential(data, url)
    if credential is None:
        return None
    return Server(url=url, credential=credential, ca_file=os.environ.get("TIEPDON_CA_FILE"))


def _find_credential(data: Path, url: str) -> str | None:
    """In the folder of the kiosk, or in the one its account keeps all of its state in."""
    files = sorted(data.rglob("credential.json"))
    return next(filter(None, (CredentialFile(file, url).find() for file in files)), None)


def _read_hours(text: str) -> tuple[time, time]:
    try:
        begins, ends = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError as error:
        raise click.UsageError("--between takes HH:MM-HH:MM") from error
    return begins, ends
