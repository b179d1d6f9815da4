"""Debian packages for a machine without internet: what we need beyond a bare Debian, no more.

apt itself works the list out, against an imagined machine with nothing installed, and checks what
it downloads against Debian's signatures. The folder is made an apt source of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from backend.errors import ReleaseRefused

# Tests and builds need more (see scripts/setup.sh); a hospital's machine needs these.
PACKAGES = (
    "python3-venv", "ca-certificates",
    "libgl1", "libegl1", "libgles2", "libgl1-mesa-dri", "libmtdev1",
    "libzbar0", "libusb-1.0-0", "libglib2.0-0",
    "postgresql", "espeak-ng",
    "nginx", "curl", "rsyslog", "rsyslog-gnutls",
)  # fmt: skip
ONLY_FOR_SERVERS = ("postgresql", "nginx", "rsyslog", "rsyslog-gnutls")
ONLY_FOR_KIOSKS = ("cage", "xwayland")
"""Beside PACKAGES; set-up draws without a compositor."""
ONLY_FOR_TESTS = ("xvfb", "xdotool", "chromium", "systemd")
"""systemd is on every machine that has units to run."""
INDEX = "Packages"
_URI = re.compile(r"^'[^']+' (?P<file>\S+\.deb) \d+", re.MULTILINE)


def packages_for(more: Sequence[str] = ()) -> dict[str, tuple[str, ...]]:
    """What a server and what a kiosk needs, by role; `more` for both."""
    return {
        "server": (*(each for each in PACKAGES if each not in ONLY_FOR_KIOSKS), *more),
        "kiosk": (
            *(each for each in PACKAGES if each not in ONLY_FOR_SERVERS),
            *ONLY_FOR_KIOSKS,
            *more,
        ),
    }


def download_debs(folder: Path, wanted: Mapping[str, Sequence[str]]) -> int:
    """Fills `folder` and writes its index; how many. Raises ReleaseRefused when apt cannot."""
    with tempfile.TemporaryDirectory(prefix="tiepdon-debs-") as name:
        options = _as_on_an_empty_machine(Path(name))
        base = _base_packages()
        names = {name for each in wanted.values() for name in each}
        missing = _files(options, [*base, *sorted(names)]) - _files(options, base)
        if missing:
            exact = [_name_and_version(file) for file in sorted(missing)]
            _apt([*options, "download", *exact], folder)
    count = len(list(folder.glob("*.deb")))
    if count != len(missing):
        raise ReleaseRefused(f"apt downloaded {count} of {len(missing)} packages")
    write_index(folder, wanted)
    return count


def _as_on_an_empty_machine(folder: Path) -> list[str]:
    status = folder / "status"
    status.touch()
    (folder / "archives/partial").mkdir(parents=True)
    settings = {
        "Dir::State::status": status,
        "Dir::Cache": folder,
        "Debug::NoLocking": 1,
        "APT::Install-Recommends": 0,
        "APT::Sandbox::User": "root",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _base_packages() -> list[str]:
    """What every Debian has: the priorities its installer never leaves out."""
    if shutil.which("apt-cache") is None:
        raise ReleaseRefused("this machine has no apt: Debian packages can be left out")
    listing = subprocess.run(
        ["apt-cache", "dumpavail"], capture_output=True, text=True, check=False
    ).stdout
    names = {
        fields["Package"]
        for fields in _paragraphs(listing)
        if fields.get("Priority") in {"required", "important"} or fields.get("Essential") == "yes"
    }
    if not names:
        raise ReleaseRefused("apt knows no packages here: run apt-get update first")
    return sorted(names)


def _paragraphs(text: str) -> Iterator[dict[str, str]]:
    for paragraph in text.split("\n\n"):
        fields = [line.split(": ", 1) for line in paragraph.splitlines() if ": " in line]
        found = {key: value for key, value in fields if not key.startswith(" ")}
        if "Package" in found:
            yield found


def _files(options: Sequence[str], names: Iterable[str]) -> set[str]:
    listing = _apt([*options, "-y", "--print-uris", "install", *names], Path.cwd())
    return {match["file"] for match in _URI.finditer(listing)}


def _name_and_version(file: str) -> str:
    name, version, _rest = file.split("_", 2)
    return f"{name}={version.replace('%3a', ':')}"


def _apt(arguments: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        ["apt-get", "-q", *arguments],
        cwd=folder,
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ReleaseRefused(f"apt-get: {done.stderr.strip()[-300:]}")
    return done.stdout


def write_index(folder: Path, wanted: Mapping[str, Sequence[str]]) -> None:
    """Makes a folder of packages an apt source, with the names each role is to install."""
    (folder / INDEX).write_text(_index(folder), encoding="utf-8")
    for role, names in wanted.items():
        (folder / f"{role}.txt").write_text("\n".join(names) + "\n", encoding="ascii")


def _index(folder: Path) -> str:
    """As apt wants it: the control fields of each package, where it lies, how large, its hash."""
    entries = []
    for deb in sorted(folder.glob("*.deb")):
        control = subprocess.run(
            ["dpkg-deb", "--field", str(deb)], capture_output=True, text=True, check=True
        ).stdout
        with deb.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        entries.append(
            f"{control.rstrip()}\nFilename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
            f"SHA256: {digest}\n"
        )
    return "\n".join(entries)


def install_debs(folder: Path, role: str, *, more: Sequence[str] = ()) -> None:
    """Installs what is missing here from `folder` alone. Needs root. Raises ReleaseRefused.

    The packages were checked with the bundle they came in, so this apt source is trusted; no
    other source is looked at. `more`: further options of apt.
    """
    with tempfile.TemporaryDirectory(prefix="tiepdon-apt-") as name:
        source = Path(name) / "bundle.list"
        source.write_text(f"deb [trusted=yes] file:{folder.absolute()} ./\n", encoding="utf-8")
        (Path(name) / "lists/partial").mkdir(parents=True)
        settings = {
            "Dir::Etc::SourceList": source,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": Path(name) / "lists",
            # The machine's own memory of its sources is left alone.
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "APT::Install-Recommends": 0,
            "APT::Sandbox::User": "root",
            "DPkg::Options::": "--force-confold",
        }
        options = [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]
        options += more
        wanted = (folder / f"{role}.txt").read_text(encoding="ascii").split()
        _apt([*options, "update"], folder)
        _apt([*options, "-y", "install", *wanted], folder)
