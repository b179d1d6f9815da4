"""Installs a bundle, changes over to it, and takes it back when it does not get ready.

Everything that can be found out beforehand is found out while the old release still runs: the
signature, the machine, the packages, the start of the new command, the change of the database on
a copy. Only then is the service stopped.
"""

from __future__ import annotations

import json
import platform
import pwd
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from backend.errors import BundleRefused, ReleaseRefused, ReleaseRolledBack
from tiepdon.release.archive import read_signed_manifest, unpack
from tiepdon.release.debs import install_debs
from tiepdon.release.layout import (
    ENVIRONMENT,
    RELEASE_FILE,
    Change,
    Release,
    Root,
    State,
    write_durably,
)
from tiepdon.release.manifest import Manifest
from tiepdon.release.service import Service

READY_WAIT_S = 60.0
PLACES = {
    "fonts": f"{ENVIRONMENT}/share/tiepdon/fonts",
    "voice": "voice",
    "deploy": "deploy",
}
ROOM_FACTOR = 4
"""Of the bundle's size: its files, the environment they unpack to, and some air."""
HOUR_S = 3600

Role = Literal["server", "standby", "kiosk"]
"""A standby has a server's packages, and a database that the other machine changes."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`role`: only a server has a database to care for. `environ`: what the service runs with."""

    role: Role = "server"
    backup_folder: Path | None = None
    wait_s: float = READY_WAIT_S
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str | None = None
    """The account that commands on the database run as; None: this one."""
    system_packages: bool = False
    """Whether Debian packages of the bundle are installed first; that needs root."""
    again: bool = True
    """Whether a release that failed here before may be tried once more."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    version: str
    before: str | None
    removed: tuple[str, ...] = ()
    was_there: bool = False


def install_bundle(
    bundle: Path, key: Ed25519PublicKey, root: Root, service: Service | None, rules: Rules
) -> Outcome:
    """The release in `bundle` runs and is ready when this returns.

    Without a service it is only put in its place and linked. Raises BundleRefused,
    ReleaseRefused: what ran still runs, untouched. Raises ReleaseRolledBack: what ran before
    runs again, or the message says why not.
    """
    with root.locked():
        if service is not None and (change := root.state.change) is not None:
            _settle(root, change, service, rules)
        before = root.find_current()
        manifest = read_signed_manifest(bundle, key)
        _check_machine(manifest)
        if rules.role == "server" and before is not None:
            _check_shape(manifest, before, rules)
        release = _put_in_place(bundle, key, manifest, root, rules)
        if before is not None and before.digest == release.digest:
            return Outcome(version=release.version, before=before.version, was_there=True)
        if before is not None and _changes_shape(release, before, rules):
            _prove_on_a_copy(root, release, before, rules)
        change_over(root, release, before, service, rules)
        return Outcome(
            version=release.version,
            before=before.version if before else None,
            removed=tuple(root.prune()),
        )


def change_over(
    root: Root, release: Release, before: Release | None, service: Service | None, rules: Rules
) -> None:
    """From `before` to `release`, or back. Raises ReleaseRolledBack, ReleaseRefused."""
    if service is None:
        root.switch(release.version)
        return
    change = Change(version=release.version, before=before.version if before else None)
    root.write_state(root.state.model_copy(update={"change": change}))
    try:
        service.stop()
    except ReleaseRefused:
        root.write_state(State(failed=root.state.failed))
        raise
    try:
        if before is not None and _changes_shape(release, before, rules):
            change = _back_up_at_rest(root, before, change, rules)
        root.switch(release.version)
        why = service.start(rules.wait_s)
    except (ReleaseRefused, OSError) as error:
        why = str(error)
    if why is None:
        failed = {key: said for key, said in root.state.failed.items() if key != release.digest}
        root.write_state(State(failed=failed))
        return
    _roll_back(root, change, service, rules, why)


def roll_back(root: Root, service: Service, rules: Rules, version: str | None) -> Outcome:
    """Back to an installed release, the one before unless named. Raises as install_bundle does."""
    with root.locked():
        if (change := root.state.change) is not None:
            _settle(root, change, service, rules)
        current = root.find_current()
        others = [each for each in root.list_releases() if current != each]
        wanted = next((each for each in others if version in {None, each.version}), None)
        if wanted is None:
            raise ReleaseRefused(f"there is no release {version or 'before'} on this machine")
        if rules.role == "server" and current is not None:
            _check_shape(wanted, current, rules)
        change_over(root, wanted, current, service, rules)
        return Outcome(version=wanted.version, before=current.version if current else None)


def settle(root: Root, service: Service, rules: Rules) -> str | None:
    """After a power cut in the middle of a change: the version that runs; None: nothing to settle.

    Raises ReleaseRolledBack when it was the one before that had to be started.
    """
    with root.locked():
        change = root.state.change
        if change is None:
            return None
        _settle(root, change, service, rules)
        return change.version


def _settle(root: Root, change: Change, service: Service, rules: Rules) -> None:
    """The change is gone through with if the new release gets ready now, else taken back."""
    current = root.find_current()
    service.stop()
    if current is None or current.version != change.version:
        _roll_back(root, change, service, rules, "the machine stopped in the middle of the change")
        return
    why = service.start(rules.wait_s)
    if why is None:
        root.write_state(State(failed=root.state.failed))
        return
    _roll_back(root, change, service, rules, why)


def _put_in_place(
    bundle: Path, key: Ed25519PublicKey, manifest: Manifest, root: Root, rules: Rules
) -> Release:
    """Unpacked while it is checked, then an environment of its own made from nothing else."""
    digest = sha256(manifest.dump()).hexdigest()
    if not rules.again and (why := root.state.failed.get(digest)) is not None:
        raise ReleaseRefused(f"{manifest.version} failed here before: {why}")
    there = root.find_release(manifest.version)
    if there is not None:
        if there.digest != digest:
            raise ReleaseRefused(f"another {manifest.version} is installed: versions never change")
        return there
    if rules.system_packages and not manifest.under("debs"):
        raise ReleaseRefused("this bundle was made without packages of Debian")
    incoming = root.folder / ".incoming"
    shutil.rmtree(incoming, ignore_errors=True)
    _check_room(root.folder, manifest)
    try:
        incoming.mkdir()
        if unpack(bundle, key, incoming) != manifest:
            raise BundleRefused("the file changed while it was read")
        # What an installation left that was killed in its middle.
        root.remove(manifest.version)
        if rules.system_packages:
            install_debs(incoming / "debs", "kiosk" if rules.role == "kiosk" else "server")
        _build(incoming, root.release_folder(manifest.version))
        release = Release(
            version=manifest.version,
            migrations=manifest.migrations,
            digest=digest,
            installed_at=datetime.now(UTC),
        )
        _check_command(root, release)
        place = root.release_folder(manifest.version) / RELEASE_FILE
        write_durably(place, release.model_dump_json(indent=1))
    except OSError as error:
        root.remove(manifest.version)
        raise ReleaseRefused(f"it was not installed: {error.strerror or error}") from error
    except ReleaseRefused:
        root.remove(manifest.version)
        raise
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return release


def _check_machine(manifest: Manifest) -> None:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    machine = platform.machine().lower()
    if (manifest.python, manifest.machine) != (python, machine):
        raise ReleaseRefused(
            f"made for Python {manifest.python} on {manifest.machine},"
            f" this is Python {python} on {machine}"
        )


def _check_room(folder: Path, manifest: Manifest) -> None:
    needed = sum(part.size for part in manifest.files) * ROOM_FACTOR
    if shutil.disk_usage(folder).free < needed:
        raise ReleaseRefused(f"needs {needed // 1_000_000} MB of free disk at {folder}")


def _build(content: Path, folder: Path) -> None:
    """An environment from the files of the bundle alone; no registry and no setting of pip."""
    pip = make_environment(folder / ENVIRONMENT)
    quiet = Rules(environ={"PIP_CONFIG_FILE": "/dev/null", "PATH": "/usr/bin:/bin"})
    install = [
        *pip, "install", "--quiet", "--isolated", "--no-index", "--no-cache-dir",
        "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:",
        "--find-links", str(content / "wheels"), "--requirement", str(content / "requirements.txt"),
    ]  # fmt: skip
    run(install, "the packages", quiet)
    for source, place in PLACES.items():
        if (content / source).is_dir():
            shutil.copytree(content / source, folder / place)
    for script in (path for path in (folder / "deploy").rglob("*") if path.is_file()):
        if script.read_bytes().startswith(b"#!"):
            script.chmod(0o755)
    shutil.copyfile(content / "sbom.cdx.json", folder / "sbom.cdx.json")


def make_environment(folder: Path) -> list[str]:
    """A new one of the machine's own Python, and the command of its pip."""
    run([sys.executable, "-m", "venv", str(folder)], "the environment")
    return [str(folder / "bin/python"), "-m", "pip"]


def _check_command(root: Root, release: Release) -> None:
    said = run([root.command(release.version), "--version"], "the new command")
    if release.version not in said:
        raise ReleaseRefused(f"the new command is not of version {release.version}")


def _check_shape(release: Manifest | Release, running: Release, rules: Rules) -> None:
    if running.schema_revision not in release.migrations:
        raise ReleaseRefused(
            f"the database has the newer shape of {running.version}, which {release.version} does"
            " not know: restore a backup of the older release first"
        )
    if _changes_shape(release, running, rules) and rules.backup_folder is None:
        raise ReleaseRefused(
            f"{release.version} changes the shape of the database: name a folder with --backup"
        )


def _changes_shape(release: Manifest | Release, running: Release, rules: Rules) -> bool:
    return rules.role == "server" and release.schema_revision != running.schema_revision


def _prove_on_a_copy(root: Root, release: Release, before: Release, rules: Rules) -> None:
    """The old release backs up, the new one restores that into a trial database and migrates it."""
    folder = str(rules.backup_folder)
    run([root.command(before.version), "backup", folder], "the backup", rules)
    run(
        [root.command(release.version), "backup", "--check", folder],
        "the change of the database, tried on a copy",
        rules,
    )


def _back_up_at_rest(root: Root, before: Release, change: Change, rules: Rules) -> Change:
    said = run(
        [root.command(before.version), "backup", str(rules.backup_folder)],
        "the backup",
        rules,
    )
    change = change.model_copy(
        update={
            "backup_folder": str(rules.backup_folder),
            "backup_name": str(json.loads(said)["name"]),
        }
    )
    root.write_state(root.state.model_copy(update={"change": change}))
    return change


def _roll_back(root: Root, change: Change, service: Service, rules: Rules, why: str) -> None:
    """The link, the database if its shape may have changed, and the service, as they were."""
    service.stop()
    failed = dict(root.state.failed)
    if (release := root.find_release(change.version)) is not None:
        failed[release.digest] = why[:200]
    troubles: list[str] = []
    # First the link: a command that waits for the restore to end is of the release that fits then.
    root.switch(change.before)
    if change.before is not None and change.backup_name is not None:
        try:
            run(
                [
                    root.command(change.before), "restore", str(change.backup_folder),
                    "--at", change.backup_name,
                ],
                "the restore of the database",
                rules,
            )  # fmt: skip
        except ReleaseRefused as error:
            troubles.append(f"{error.detail}; nothing was started: decide by hand")
    root.write_state(State(failed=failed))
    if change.before is None:
        raise ReleaseRolledBack(f"{change.version}: {why}. There was none before: nothing runs")
    if not troubles and (again := service.start(rules.wait_s)) is not None:
        troubles.append(f"{change.before} did not get ready either: {again}")
    after = "; ".join(troubles) or f"{change.before} runs again"
    raise ReleaseRolledBack(f"{change.version}: {why}. {after}")


def run(command: list[str], what: str, rules: Rules | None = None) -> str:
    """Its standard output. Raises ReleaseRefused with its last words."""
    try:
        done = subprocess.run(
            command,
            env=dict(rules.environ) if rules else None,
            user=rules.user if rules else None,
            group=_group_of(rules.user) if rules and rules.user else None,
            extra_groups=[] if rules and rules.user else None,
            cwd="/" if rules and rules.user else None,
            capture_output=True,
            text=True,
            timeout=2 * HOUR_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReleaseRefused(f"{what} failed: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        words = lines[-1].strip()[:300] if lines else f"status {done.returncode}"
        raise ReleaseRefused(f"{what} failed: {words}")
    return done.stdout


def _group_of(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError as error:
        raise ReleaseRefused(f"there is no account {user} on this machine") from error
