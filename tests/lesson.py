"""`tiepdon practice` as a process, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import requests

from tiepdon.demo.server import free_port

PATIENCE_S = 60.0


class Lesson:
    """Of the hospital whose database is `real.sqlite3` in `folder`; without one a demo's.

    `address`: by which other machines reach it. `environ`: settings of the hospital's server.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        address: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.port = port or free_port()
        self._more = ["--address", address] if address else []
        clean = {name: each for name, each in os.environ.items() if not name.startswith("TIEPDON_")}
        self._environ = clean | (environ or {"TIEPDON_DEMO": "1"})

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def told(self) -> dict[str, Any]:
        """What the command printed."""
        line = self._output.read_text(encoding="utf-8").splitlines()[0]
        told: dict[str, Any] = json.loads(line)
        return told

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder}/lesson/practice.sqlite3"

    @property
    def _output(self) -> Path:
        return self.folder / "told"

    @property
    def _said(self) -> Path:
        return self.folder / "said"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tiepdon", "practice"]
        command += ["--db", f"sqlite:///{self.folder}/real.sqlite3"]
        command += ["--folder", str(self.folder / "lesson"), "--port", str(self.port)]
        with self._output.open("wb") as output, self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [*command, *self._more], env=self._environ, cwd=self.folder,
                stdout=output, stderr=said,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.address}/readyz", timeout=1).ok:
                    return self
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                raise AssertionError(self._said.read_text(encoding="utf-8"))
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(PATIENCE_S) == 0

    def post(self, path: str, body: dict[str, Any], *, token: str = "") -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": os.urandom(8).hex()}
        reply = requests.post(
            f"{self.address}/api/v1{path}", json=body, headers=headers, timeout=20
        )
        assert reply.status_code in {200, 201}, reply.text
        content: dict[str, Any] = reply.json()
        return content
