"""systemd's units, read and acted on where systemd itself does not run."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

UNITS = Path(__file__).parents[1] / "deploy" / "systemd"
PROGRAM = "/opt/tiepdon/current/.venv/bin/tiepdon"


class Unit:
    """Directives as written; a name given again adds to its list."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._values: dict[str, list[str]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith(("#", ";")):
                self._values.setdefault(name.strip(), []).append(value.strip())

    def all(self, name: str) -> list[str]:
        return self._values.get(name, [])

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


class Supervisor:
    """Starts a service as its unit says and keeps it: Type=notify, Restart=, RestartSec=.

    Like systemd it kills what is left of the service before it starts it again.
    """

    def __init__(
        self, unit: Unit, *, program: list[str], environ: Mapping[str, str], folder: Path
    ) -> None:
        self.restart_s = float(unit.one("RestartSec"))
        self._again = unit.one("Restart") == "always"
        settings = dict(one.split("=", 1) for one in unit.all("Environment")) | dict(environ)
        command = shlex.split(unit.one("ExecStart"))
        assert command[0] == PROGRAM
        self._command = [*program, *(_fill(word, settings) for word in command[1:])]
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listening.bind(str(folder / "notify"))
        self._environ = {**os.environ, **settings, "NOTIFY_SOCKET": str(folder / "notify")}
        self._folder = folder
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        self._thread.start()

    def wait_for_notice(self, within_s: float) -> None:
        """Until the service says READY=1. Raises TimeoutError."""
        until = time.monotonic() + within_s
        while True:
            self._listening.settimeout(max(until - time.monotonic(), 0.001))
            if b"READY=1" in self._listening.recv(4096).splitlines():
                return

    def stop(self) -> None:
        self._stopping.set()
        if self.process is not None:
            self.process.terminate()
        self._thread.join(40)
        self._listening.close()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            with (self._folder / "journal").open("ab") as journal:
                self.process = subprocess.Popen(
                    self._command, env=self._environ, cwd=self._folder, stdout=journal,
                    stderr=journal, start_new_session=True,
                )  # fmt: skip
            self.starts += 1
            self.process.wait()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            if not self._again:
                return
            self._stopping.wait(self.restart_s)


def _fill(word: str, settings: Mapping[str, str]) -> str:
    for name, value in settings.items():
        word = word.replace(f"${{{name}}}", value)
    assert "$" not in word, word
    return word
