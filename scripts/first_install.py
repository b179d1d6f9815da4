#!/usr/bin/env python3
"""The first installation on a machine that has nothing of ours yet: bare Debian and a USB stick.

    python3 first_install.py BUNDLE PUBLIC_KEY ROOT [options of `tiepdon bundle install`]

Checks the signature with the machine's own openssl and every file it uses against the signed
list, makes a passing environment of them, and hands over to `tiepdon bundle install`, which
checks everything once more. Without python3-venv it is installed from the bundle; that needs root.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

MAX_MANIFEST_BYTES = 8 * 1024 * 1024
NEEDED = ("wheels", "debs", "requirements.txt")


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    bundle, key, root = (Path(each).absolute() for each in sys.argv[1:4])
    with tempfile.TemporaryDirectory(prefix="tiepdon-first-") as name:
        folder = Path(name)
        unpack(bundle, key, folder)
        if importlib.util.find_spec("ensurepip") is None:
            install_venv(folder)
        run(sys.executable, "-m", "venv", str(folder / "venv"))
        run(
            str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--isolated",
            "--no-index", "--no-cache-dir", "--disable-pip-version-check", "--require-hashes",
            "--find-links", str(folder / "wheels"), "-r", str(folder / "requirements.txt"),
        )  # fmt: skip
        tiepdon = str(folder / "venv/bin/tiepdon")
        place = ["--key", str(key), "--root", str(root)]
        done = subprocess.run(
            [tiepdon, "bundle", "install", str(bundle), *place, *sys.argv[4:]], check=False
        )
    sys.exit(done.returncode)


def unpack(bundle: Path, key: Path, folder: Path) -> None:
    """Writes only what the signed list names, where it names it, after its hash was right."""
    try:
        with tarfile.open(bundle, "r:") as archive:
            manifest = read_next(archive, "manifest.json", folder)
            read_next(archive, "manifest.sig", folder)
            check_signature(key, folder)
            listed = {part["path"]: part["sha256"] for part in json.loads(manifest)["files"]}
            for member in archive:
                if member.name.split("/")[0] not in NEEDED:
                    continue
                if not member.isreg() or ".." in member.name.split("/"):
                    refuse(f"{member.name!a} is not a plain file")
                content = archive.extractfile(member).read()
                if hashlib.sha256(content).hexdigest() != listed.get(member.name):
                    refuse(f"{member.name!a} is not what was signed")
                place = folder / member.name
                place.parent.mkdir(exist_ok=True)
                place.write_bytes(content)
    except (OSError, tarfile.TarError) as error:
        refuse(f"{bundle} cannot be read: {error}")


def read_next(archive: tarfile.TarFile, name: str, folder: Path) -> bytes:
    member = archive.next()
    if member is None or member.name != name or not member.isreg():
        refuse(f"this is not a bundle: {name} is not in its place")
    content = archive.extractfile(member).read(MAX_MANIFEST_BYTES)
    (folder / name).write_bytes(content)
    return content


def check_signature(key: Path, folder: Path) -> None:
    checked = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(key), "-rawin",
         "-in", str(folder / "manifest.json"), "-sigfile", str(folder / "manifest.sig")],
        capture_output=True, check=False,
    )  # fmt: skip
    if checked.returncode != 0:
        refuse("the signature is wrong, or was made with another key")


def install_venv(folder: Path) -> None:
    (folder / "lists/partial").mkdir(parents=True)
    (folder / "bundle.list").write_text(f"deb [trusted=yes] file:{folder / 'debs'} ./\n")
    options = [
        f"Dir::Etc::SourceList={folder / 'bundle.list'}", "Dir::Etc::SourceParts=/dev/null",
        f"Dir::State::Lists={folder / 'lists'}", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=",
        "APT::Install-Recommends=0", "APT::Sandbox::User=root",
    ]  # fmt: skip
    settings = [part for each in options for part in ("-o", each)]
    run("apt-get", "-q", *settings, "update")
    run("apt-get", "-q", *settings, "-y", "install", "python3-venv")


def run(*command: str) -> None:
    quiet = {"PIP_CONFIG_FILE": "/dev/null", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=os.environ | quiet, check=False)
    if done.returncode != 0:
        refuse(f"{command[0]} failed with status {done.returncode}")


def refuse(why: str) -> None:
    sys.exit(f"not installed: {why}")


if __name__ == "__main__":
    main()
