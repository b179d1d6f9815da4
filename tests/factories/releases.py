"""Tiny releases: a wheel of ours with a command that behaves as told, in a real signed bundle."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tiepdon.release.make import sign_content

MADE_AT = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)

GOOD = "serve"
SILENT = "never_ready"
CRASHES = "crash"
NOTIFIES = "notify"
STUMBLES = "ready_then_crash"

_COMMAND = """
import http.server, json, os, pathlib, socket, sys, time

VERSION, MANNER = {version!r}, {manner!r}
SHAPE = {shape!r}


def main():
    arguments = sys.argv[1:]
    with open(os.environ.get("CALLS", os.devnull), "a") as calls:
        print(VERSION, *arguments, file=calls)
    if arguments == ["--version"]:
        print("tiepdon, version", VERSION)
    elif arguments[0] == "backup" and "--check" in arguments:
        if MANNER == "bad_migration":
            print("column visit.colour is missing", file=sys.stderr)
            raise SystemExit(1)
        print(json.dumps({{"ok": True}}))
    elif arguments[0] == "backup":
        print(json.dumps({{"ok": True, "name": "tiepdon-one"}}))
    elif arguments[0] == "restore":
        if MANNER == "cannot_restore":
            print("Error: newer than the backup", file=sys.stderr)
            raise SystemExit(1)
        print(json.dumps({{"ok": True}}))
    elif arguments[0] == "serve":
        serve(int(arguments[1]))


def serve(port):
    pathlib.Path("ran.txt").open("a").write(VERSION + "\\n")
    if MANNER == "crash":
        print("cannot serve like this", file=sys.stderr)
        raise SystemExit(3)
    if MANNER in ("notify", "ready_then_crash"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"STATUS=here\\nREADY=1", os.environ["NOTIFY_SOCKET"])
        if MANNER == "ready_then_crash":
            raise SystemExit(4)
    status = 503 if MANNER == "never_ready" else 200

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(VERSION.encode())

        def log_message(self, *_):
            pass

    http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

_MIGRATION = "revision = {number!r}\ndown_revision = {before!r}\n"


def make_release(
    folder: Path,
    key: Ed25519PrivateKey,
    version: str = "1.0.0",
    manner: str = GOOD,
    shapes: int = 1,
) -> Path:
    """The bundle of a release whose database has seen `shapes` migrations."""
    content = folder / f"content-{version}"
    (content / "wheels").mkdir(parents=True)
    (content / "fonts").mkdir()
    (content / "fonts/BeVietnamPro_400Regular.ttf").write_bytes(b"not really a font")
    (content / "deploy").mkdir()
    (content / "deploy/install.sh").write_text("#!/bin/sh\n")
    (content / "deploy/tiepdon-alert@.service").write_text("[Unit]\n")
    wheel = content / "wheels" / f"tiepdon-{version}-py3-none-any.whl"
    _write_wheel(wheel, version, manner, shapes)
    bundle, _manifest = sign_content(content, wheel, "", key, folder, now=MADE_AT)
    return bundle


def _write_wheel(path: Path, version: str, manner: str, shapes: int) -> None:
    info = f"tiepdon-{version}.dist-info"
    files = {
        "tiny.py": _COMMAND.format(version=version, manner=manner, shape=shapes),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiepdon\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntiepdon = tiny:main\n",
    }
    for number in range(1, shapes + 1):
        files[f"backend/storage/migrations/versions/{number:04d}.py"] = _MIGRATION.format(
            number=f"{number:04d}", before=f"{number - 1:04d}" if number > 1 else None
        )
    record = [f"{name},sha256={_digest(text)},{len(text)}" for name, text in files.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
