"""`tiepdon bundle`: releases as one signed file, for machines without internet."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from backend.errors import ReleaseRolledBack
from backend.web.assets import font_folder
from tiepdon.options import refusals
from tiepdon.release.archive import verify as verify_bundle
from tiepdon.release.debs import packages_for
from tiepdon.release.install import READY_WAIT_S, Role, Rules, install_bundle, roll_back, settle
from tiepdon.release.keys import load_public_key, load_release_key
from tiepdon.release.layout import Root, read_environment
from tiepdon.release.make import Wanted, make_bundle
from tiepdon.release.manifest import Manifest
from tiepdon.release.service import CommandService, Service, SystemdService
from tiepdon.release.tell import tell_alerts

Command = TypeVar("Command", bound=Callable[..., Any])
File = click.Path(path_type=Path, dir_okay=False, exists=True)
Folder = click.Path(path_type=Path, file_okay=False)
FIRST_INSTALL = Path("scripts/first_install.py")


@click.group()
def command() -> None:
    """Make, verify and install releases; take one back."""


@command.command()
@click.argument("folder", metavar="DIR", type=Folder)
@click.option("--key", "key_file", type=File, required=True, help="`tiepdon keys new-release`.")
@click.option(
    "--source", type=Folder, default=".", help="Folder of the project; here unless given."
)
@click.option("--no-debs", is_flag=True, help="Without Debian packages; the manifest says so.")
@click.option("--package", "more", multiple=True, help="One more Debian package.")
@click.option("--voice", "voices", type=Folder, multiple=True, help="A recorded pack of clips.")
def make(
    *,
    folder: Path,
    key_file: Path,
    source: Path,
    no_debs: bool,
    more: tuple[str, ...],
    voices: tuple[Path, ...],
) -> None:
    """Write tiepdon-VERSION.bundle to DIR, signed. Needs the package registries.

    For machines with the Python and the processor of this one. Prints JSON.
    """
    with refusals():
        folder.mkdir(parents=True, exist_ok=True)
        wanted = Wanted(
            source=source.resolve(),
            fonts=font_folder(),
            packages=None if no_debs else packages_for(more),
            voices=voices,
        )
        now = datetime.now(UTC).replace(microsecond=0)
        path, manifest = make_bundle(wanted, load_release_key(key_file), folder, now=now)
        shutil.copyfile(wanted.source / FIRST_INSTALL, folder / FIRST_INSTALL.name)
    _print(manifest, file=str(path), file_bytes=path.stat().st_size)


@command.command()
@click.argument("file", type=File)
@click.option("--key", "key_file", type=File, required=True, help="Public key of releases.")
def verify(file: Path, key_file: Path) -> None:
    """Check every byte of a bundle. Prints JSON; exit status 1 with the reason when it is not good."""
    with refusals():
        manifest = verify_bundle(file, load_public_key(key_file))
    _print(manifest)


def place_options(command: Command) -> Command:
    for option in reversed(
        (
            click.option("--root", "folder", metavar="DIR", type=Folder, required=True),
            click.option("--unit", help="The systemd unit to stop and start."),
            click.option("--start", metavar="COMMAND", help="Started in DIR, without systemd."),
            click.option("--ready-url", metavar="URL", help="Answers 200 once ready: …/readyz."),
            click.option(
                "--role", type=click.Choice(["server", "standby", "kiosk"]), default="server",
                help="A standby is only put in its place: it serves after tiepdon-fail-over.",
            ),
            click.option(
                "--backup", "backup_folder", metavar="DIR", type=Folder,
                help="Where to back up first, when the database changes its shape.",
            ),
            click.option("--user", help="Account that commands on the database run as."),
            click.option(
                "--env-file",
                "env_files",
                multiple=True, type=File, help="NAME=value lines the server runs with."
            ),
            click.option(
                "--wait", "wait_s", type=click.FloatRange(1, 3600), default=READY_WAIT_S,
                show_default=True, help="Seconds until it has to be ready.",
            ),
        )
    ):  # fmt: skip
        command = option(command)
    return command


@command.command()
@click.argument("file", type=File)
@click.option("--key", "key_file", type=File, required=True, help="Public key of releases.")
@click.option(
    "--system-packages", is_flag=True, help="Install its Debian packages first; needs root."
)
@place_options
def install(*, file: Path, key_file: Path, system_packages: bool, **place: Any) -> None:
    """Install a bundle below DIR, change over to it, and wait until it is ready.

    Not ready in time: the release before runs again, and the exit status is 1. Without --unit
    and --start nothing is stopped or started.
    """
    root, service, rules = read_place(**place)
    rules = replace(rules, system_packages=system_packages)
    with refusals(), _alerted(root, service, rules):
        done = install_bundle(file, load_public_key(key_file), root, service, rules)
    click.echo(
        json.dumps(
            {
                "ok": True,
                "version": done.version,
                "before": done.before,
                "was_there": done.was_there,
                "removed": done.removed,
            }
        )
    )


@command.command()
@click.option("--to", "version", help="This release instead of the one installed before.")
@place_options
def rollback(version: str | None, **place: Any) -> None:
    """Change back to a release that is still on the machine."""
    root, service, rules = read_place(**place)
    if service is None:
        raise click.UsageError("takes --unit or --start")
    with refusals(), _alerted(root, service, rules):
        done = roll_back(root, service, rules, version)
    click.echo(json.dumps({"ok": True, "version": done.version, "before": done.before}))


@command.command("settle")
@place_options
def settle_(**place: Any) -> None:
    """After a power cut: end a change of release that was under way, one way or the other."""
    root, service, rules = read_place(**place)
    if service is None:
        raise click.UsageError("takes --unit or --start")
    with refusals(), _alerted(root, service, rules):
        version = settle(root, service, rules)
    click.echo(json.dumps({"ok": True, "settled": version}))


@command.command("list")
@click.option("--root", "folder", metavar="DIR", type=Folder, required=True)
def list_(folder: Path) -> None:
    """One JSON line for each release on this machine."""
    root = Root(folder=folder)
    current = root.find_current()
    for release in root.list_releases():
        document = {
            "version": release.version,
            "runs": release == current,
            "installed_at": release.installed_at.isoformat(timespec="seconds"),
            "shape": release.schema_revision,
            "failed": root.state.failed.get(release.digest),
        }
        click.echo(json.dumps(document, ensure_ascii=False))


def read_place(
    *,
    folder: Path,
    unit: str | None,
    start: str | None,
    ready_url: str | None,
    role: Role,
    backup_folder: Path | None,
    env_files: tuple[Path, ...],
    user: str | None,
    wait_s: float,
) -> tuple[Root, Service | None, Rules]:
    if unit and start:
        raise click.UsageError("takes --unit or --start, not both")
    with refusals():
        more = {k: v for file in env_files for k, v in read_environment(file).items()}
    # Other accounts run what is installed here, whatever the mask of this one.
    os.umask(0o022)
    if role == "standby" and (unit or start):
        raise click.UsageError("a standby does not serve: without --unit and --start")
    root = Root(folder=folder.absolute())
    rules = Rules(
        role=role,
        backup_folder=backup_folder.absolute() if backup_folder else None,
        wait_s=wait_s,
        environ=os.environ | more,
        user=user,
    )
    service: Service | None = None
    if unit:
        service = SystemdService(unit=unit, ready_url=ready_url)
    if start:
        service = CommandService(
            folder=root.folder, command=start, ready_url=ready_url, environ=rules.environ
        )
    return root, service, rules


@contextmanager
def _alerted(root: Root, service: Service | None, rules: Rules) -> Iterator[None]:
    """A server's own IT desk hears of a release that was taken back, and of one that was not."""
    try:
        yield
    except ReleaseRolledBack:
        tell_alerts(root, rules, rolled_back=True)
        raise
    if service is not None:
        tell_alerts(root, rules, rolled_back=False)


def _print(manifest: Manifest, **more: object) -> None:
    document = {
        "ok": True,
        "version": manifest.version,
        "made_at": manifest.made_at.isoformat(),
        "python": manifest.python,
        "machine": manifest.machine,
        "shape": manifest.schema_revision,
        "files": len(manifest.files),
        "bytes": sum(part.size for part in manifest.files),
        "left_out": manifest.left_out,
        **more,
    }
    click.echo(json.dumps(document, ensure_ascii=False))
