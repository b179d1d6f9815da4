"""nginx with the configuration of deploy/, on loopback ports, for tests."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from tiepdon.authority import issue, make_authority
from tiepdon.demo.server import free_port

ROOT = Path(__file__).parents[1]
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NAME = "localhost"


class Nginx:
    """In front of a server on `upstream_port`, with a certificate of an authority of its own.

    A lesson is looked for on `practice_upstream_port`, or nowhere.
    """

    def __init__(
        self, folder: Path, upstream_port: int, *, practice_upstream_port: int = 9
    ) -> None:
        self.folder = folder
        self.http, self.https, self.outside = free_port(), free_port(), free_port()
        self.practice = free_port()
        now = datetime.now(UTC).replace(microsecond=0)
        make_authority(folder / "ca", title="Thử", domains=[NAME, "127.0.0.0/8"], now=now)
        issue(folder / "ca", [NAME, "127.0.0.1"], folder / "tls.crt", days=30, now=now)
        self._values = {
            "UPSTREAM": f"127.0.0.1:{upstream_port}",
            "HTTP": f"127.0.0.1:{self.http}",
            "HTTPS": f"127.0.0.1:{self.https}",
            "PRACTICE": f"127.0.0.1:{self.practice}",
            "PRACTICE_UPSTREAM": f"127.0.0.1:{practice_upstream_port}",
            "OUTSIDE": f"127.0.0.1:{self.outside}",
            "NAMES": f"{NAME} 127.0.0.1",
            "OUTSIDE_NAMES": NAME,
            "CERTIFICATE": str(folder / "tls.crt"),
            "KEY": str(folder / "tls.key"),
            "OUTSIDE_CERTIFICATE": str(folder / "tls.crt"),
            "OUTSIDE_KEY": str(folder / "tls.key"),
            "ACCESS_LOG": f"{folder}/access.log tiepdon",
            "ERROR_LOG": f"{folder}/error.log",
        }
        # Read as on a machine: whatever is in the folder, in the order of names.
        (folder / "conf.d").mkdir()
        for source in (ROOT / "deploy" / "nginx").iterdir():
            (folder / "conf.d" / source.name).write_text(self._fill(source.name), encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/temp-{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"{user}\ndaemon off;\nmaster_process on;\nworker_processes 1;\n"
            f"pid {folder}/pid;\nerror_log {folder}/error.log;\n"
            f"events {{ worker_connections 512; }}\nhttp {{\n{temporary}\n"
            f"include {folder}/conf.d/*.conf;\n}}\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ca(self) -> str:
        return str(self.folder / "ca" / "ca.crt")

    @property
    def address(self) -> str:
        return f"https://{NAME}:{self.https}"

    @property
    def practice_address(self) -> str:
        return f"https://{NAME}:{self.practice}"

    @property
    def access_log(self) -> str:
        return (self.folder / "access.log").read_text(encoding="utf-8")

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), "-t", "-q", "-c", self.folder / "nginx.conf"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [str(PROGRAM), "-c", self.folder / "nginx.conf"], stderr=out
            )
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.https), timeout=1).close()
                return
            assert self._process.poll() is None, (self.folder / "out").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def _fill(self, name: str) -> str:
        text = (ROOT / "deploy" / "nginx" / name).read_text(encoding="utf-8")
        return re.sub(r"@([A-Z_]+)@", lambda found: self._values[found[1]], text)
