"""The bundle of this very code: made, carried to a machine without network, installed, running."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TIEPDON = str(Path(sys.executable).with_name("tiepdon"))

# A network of its own with nothing in it but the machine itself (SIOCSIFFLAGS: lo is up).
ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))
os.execv(sys.argv[1], sys.argv[1:])
"""
ASK = """
import sys, urllib.request
for name in sys.argv[2:]:
    with urllib.request.urlopen(sys.argv[1] + name, timeout=20) as reply:
        print(reply.status, len(reply.read()))
"""


def without_network() -> list[str]:
    for way in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if shutil.which("unshare") and subprocess.run([*way, "true"], check=False).returncode == 0:
            return [*way, sys.executable, "-c", ALONE]
    return []


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@contextmanager
def ended_at_last(root: Path) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(OSError, ValueError):
            process = int((root / "service.pid").read_text().split()[0])
            os.killpg(process, signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_machine_without_internet_gets_a_running_server(tmp_path: Path) -> None:
    key, root = tmp_path / "release.key", tmp_path / "opt"
    run(TIEPDON, "keys", "new-release", str(key))
    made = subprocess.run(
        [TIEPDON, "bundle", "make", str(tmp_path), "--key", str(key), "--no-debs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "pip download" in made.stderr:
        pytest.skip(f"the package registry is away: {made.stderr[-200:]}")
    assert made.returncode == 0, made.stderr
    manifest = json.loads(made.stdout)
    assert manifest["left_out"][0] == "debs: packages of Debian"
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with ended_at_last(root):
        # Installed, served and asked inside: nothing else reaches a network of its own.
        install = [
            TIEPDON, "bundle", "install", manifest["file"], "--key", f"{key}.pub",
            "--root", str(root), "--ready-url", f"{address}/readyz", "--wait", "120",
            "--start", f"current/.venv/bin/tiepdon serve --demo --port {port}",
        ]  # fmt: skip
        ask = [
            sys.executable,
            "-c",
            ASK,
            address,
            "/readyz",
            "/staff/login",
            "/assets/fonts/400Regular.ttf",
        ]
        both = f'"$0" "$@" && exec {shlex.join(ask)}'
        said = run(*without_network(), "/bin/sh", "-c", both, *install, cwd=tmp_path).splitlines()
    assert json.loads(said[0])["version"] == manifest["version"]
    assert [line.split()[0] for line in said[1:]] == ["200", "200", "200"]
    assert int(said[3].split()[1]) > 50_000
    release = root / "current"
    assert not release.resolve().is_relative_to(ROOT)
    listed = run(str(release / ".venv/bin/python"), "-m", "pip", "check")
    assert "No broken requirements" in listed
