"""Gathers what a machine without internet needs, and makes one signed file of it.

Runs where tiepdon is developed: there the package registry can be reached.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.errors import ReleaseRefused
from backend.voice.recorded import load_pack
from tiepdon.release.archive import hash_of, list_parts, pack
from tiepdon.release.debs import download_debs, packages_for
from tiepdon.release.manifest import Manifest
from tiepdon.release.sbom import SBOM, compose_sbom, read_wheel_metadata

REQUIREMENTS = "requirements.txt"
RUNTIME = Path("requirements/runtime.txt")
NOT_OURS_TO_BUILD = (
    ".*", "node_modules", "build", "*.egg-info", "out", "tests", "bench", "docs", "fonts",
    "__pycache__",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`source`: the folder of the project. None leaves a part out, and the manifest says so."""

    source: Path
    fonts: Path | None
    packages: Mapping[str, Sequence[str]] | None = field(default_factory=packages_for)
    voices: tuple[Path, ...] = ()


def make_bundle(
    wanted: Wanted, key: Ed25519PrivateKey, folder: Path, *, now: datetime
) -> tuple[Path, Manifest]:
    """Writes `tiepdon-VERSION.bundle` into `folder`. Raises ReleaseRefused with the tool's words."""
    with tempfile.TemporaryDirectory(prefix="tiepdon-bundle-") as name:
        content = Path(name)
        wheels = content / "wheels"
        wheels.mkdir()
        own = build_wheel(wanted.source, wheels)
        pinned = (wanted.source / RUNTIME).read_text(encoding="utf-8")
        download_wheels(wanted.source / RUNTIME, wheels)
        _copy_fonts(wanted.fonts, content / "fonts")
        _copy_voices(wanted.voices, content / "voice")
        if (wanted.source / "deploy").is_dir():
            shutil.copytree(wanted.source / "deploy", content / "deploy")
        if wanted.packages is not None:
            (content / "debs").mkdir()
            download_debs(content / "debs", wanted.packages)
        return sign_content(content, own, pinned, key, folder, _left_out(wanted), now=now)


def sign_content(
    content: Path,
    own: Path,
    pinned: str,
    key: Ed25519PrivateKey,
    folder: Path,
    left_out: tuple[str, ...] = (),
    *,
    now: datetime,
) -> tuple[Path, Manifest]:
    """The last step of making: requirements, bill of materials, manifest, signature, one file."""
    version = str(read_wheel_metadata(own)["Version"])
    line = f"tiepdon=={version} --hash=sha256:{hash_of(own)}\n"
    (content / REQUIREMENTS).write_text(pinned + line, encoding="utf-8")
    sbom = compose_sbom(content, version=version, made_at=now)
    (content / SBOM).write_text(sbom, encoding="utf-8")
    manifest = Manifest(
        version=version,
        made_at=now,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        machine=platform.machine().lower(),
        migrations=read_migrations(own),
        left_out=left_out,
        files=list_parts(content),
    )
    target = folder / f"tiepdon-{version}.bundle"
    pack(content, manifest, key, target)
    return target, manifest


def build_wheel(source: Path, wheels: Path) -> Path:
    """Our own wheel, from a copy: what an earlier build left in the folder stays out of it."""
    with tempfile.TemporaryDirectory(prefix="tiepdon-source-") as name:
        copy = Path(name) / "source"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*NOT_OURS_TO_BUILD))
        _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(copy))
    return next(wheels.glob("tiepdon-*.whl"))


def download_wheels(requirements: Path, wheels: Path) -> None:
    """Each pinned wheel of this Python and machine, checked against its hash."""
    _pip(
        "download", "--only-binary=:all:", "--no-deps", "--require-hashes",
        "--requirement", str(requirements), "--dest", str(wheels),
    )  # fmt: skip


def read_migrations(wheel: Path) -> tuple[str, ...]:
    """All shapes of a database that the code in this wheel knows, the newest first."""
    prefix = "backend/storage/migrations/"
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        names = [each for each in archive.namelist() if each.startswith(prefix)]
        if not names:
            raise ReleaseRefused("the wheel of tiepdon has no migrations")
        archive.extractall(folder, members=names)
        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(folder) / prefix).replace("%", "%%"))
        scripts = ScriptDirectory.from_config(config)
        return tuple(script.revision for script in scripts.walk_revisions())


def _copy_fonts(source: Path | None, target: Path) -> None:
    if source is None:
        return
    files = sorted(source.glob("*.ttf"))
    if not files:
        raise ReleaseRefused(f"no typeface in {source}: run make setup")
    target.mkdir()
    for file in files:
        shutil.copyfile(file, target / file.name)


def _copy_voices(sources: Iterable[Path], target: Path) -> None:
    """Only packs that are fit for use."""
    for source in sources:
        found = load_pack(source)
        if found.faults:
            raise ReleaseRefused(f"{source.name}: {found.faults[0]}")
        name = re.sub(r"[^A-Za-z0-9_-]", "-", source.name)
        shutil.copytree(source, target / name)


def _left_out(wanted: Wanted) -> tuple[str, ...]:
    return tuple(
        words
        for words, is_out in (
            ("fonts: the typeface", wanted.fonts is None),
            ("debs: packages of Debian", wanted.packages is None),
            ("voice: recorded clips; the synthetic voice speaks", not wanted.voices),
        )
        if is_out
    )


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise ReleaseRefused(f"pip {arguments[0]}: {' '.join(errors)[-400:]}")
