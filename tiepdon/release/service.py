"""What is stopped and started around a change of release, and how it says that it is ready."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import requests

from backend.errors import ReleaseRefused

ASK_EVERY_S = 0.25
ANSWER_TIMEOUT_S = 3.0
STOP_TIMEOUT_S = 20.0
LAST_LINES_BYTES = 2_000

_left_running: list[subprocess.Popen[bytes]] = []
"""They outlive this process on purpose; Python warns of children that nobody holds."""


class Service(Protocol):
    def stop(self) -> None:
        """Returns when it runs no more. Raises ReleaseRefused when it cannot be stopped."""

    def start(self, wait_s: float) -> str | None:
        """None once it is ready; otherwise why not. Then it may still run: stop it."""


@dataclass(kw_only=True)
class SystemdService:
    """A unit of systemd. With Type=notify its READY=1 is awaited, else the address is asked."""

    unit: str
    ready_url: str | None = None
    steady_s: float = 3.0

    def stop(self) -> None:
        done = self._systemctl("stop", self.unit, wait_s=90)
        if done != 0:
            raise ReleaseRefused(f"systemctl stop {self.unit} failed with status {done}")

    def start(self, wait_s: float) -> str | None:
        ends = time.monotonic() + wait_s
        self._systemctl("reset-failed", self.unit, wait_s=10)
        done = self._systemctl("start", self.unit, wait_s=wait_s)
        if done is None:
            return f"{self.unit} did not say READY within {wait_s:g} s"
        if done != 0:
            return f"{self.unit} did not start (status {done})"
        why = _ask_until(self.ready_url, ends, wait_s) if self.ready_url else None
        if why is not None:
            return why
        time.sleep(self.steady_s)
        if self._systemctl("is-active", "--quiet", self.unit, wait_s=10) != 0:
            return f"{self.unit} was ready and ended again within {self.steady_s:g} s"
        return None

    @staticmethod
    def _systemctl(*arguments: str, wait_s: float) -> int | None:
        """Exit status; None when it took too long."""
        try:
            return subprocess.run(
                ["systemctl", *arguments], capture_output=True, timeout=wait_s, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            return None
        except OSError as error:
            raise ReleaseRefused("there is no systemd here: use --start") from error


@dataclass(kw_only=True)
class CommandService:
    """A command of ours below the root, for machines without systemd; one at a time.

    Its process is remembered with the time it began: another that got its number is left alone.
    Without an address READY=1 is awaited on a socket named in NOTIFY_SOCKET, as systemd does.
    """

    folder: Path
    command: str
    ready_url: str | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    steady_s: float = 3.0

    def stop(self) -> None:
        process = self._find_running()
        if process is None:
            return
        os.killpg(process, signal.SIGTERM)
        if not _gone(process, STOP_TIMEOUT_S):
            os.killpg(process, signal.SIGKILL)
            if not _gone(process, STOP_TIMEOUT_S):
                raise ReleaseRefused(f"process {process} cannot be ended")
        self._record.unlink(missing_ok=True)

    def start(self, wait_s: float) -> str | None:
        ends = time.monotonic() + wait_s
        with tempfile.TemporaryDirectory(prefix="tiepdon-notify-") as name:
            address = Path(name) / "notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                notify.bind(str(address))
                try:
                    child = self._spawn(address)
                except OSError as error:
                    return f"the command cannot be started: {error.strerror}"
                if self.ready_url:
                    why = _ask_until(self.ready_url, ends, wait_s, child)
                else:
                    why = _hear_until(notify, ends, wait_s, child)
        if why is None and _ended(child, time.monotonic() + self.steady_s):
            why = f"it was ready and ended again with status {child.returncode}"
        return None if why is None else f"{why}{self._last_words()}"

    @property
    def _record(self) -> Path:
        return self.folder / "service.pid"

    @property
    def _log(self) -> Path:
        return self.folder / "service.log"

    def _spawn(self, notify: Path) -> subprocess.Popen[bytes]:
        arguments = shlex.split(self.command)
        with self._log.open("wb") as log:
            child = subprocess.Popen(
                arguments,
                cwd=self.folder,
                env={**self.environ, "NOTIFY_SOCKET": str(notify)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _left_running.append(child)
        self._record.write_text(f"{child.pid} {_began(child.pid)}\n", encoding="ascii")
        return child

    def _find_running(self) -> int | None:
        try:
            number, began = self._record.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        process = int(number)
        return process if _began(process) == began else None

    def _last_words(self) -> str:
        lines = self._log.read_bytes()[-LAST_LINES_BYTES:].decode("utf-8", "replace").splitlines()
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {said[:200]}" if said else ""


def _ask_until(
    url: str, ends: float, wait_s: float, child: subprocess.Popen[bytes] | None = None
) -> str | None:
    why = "no answer"
    with requests.Session() as session:
        session.verify = os.environ.get("TIEPDON_CA_FILE") or True
        while time.monotonic() < ends:
            if child is not None and child.poll() is not None:
                return f"it ended with status {child.returncode}"
            try:
                reply = session.get(url, timeout=ANSWER_TIMEOUT_S, allow_redirects=False)
            except requests.RequestException as error:
                why = type(error).__name__
            else:
                if reply.status_code == requests.codes.ok:
                    return None
                why = f"status {reply.status_code}"
            time.sleep(ASK_EVERY_S)
    return f"not ready within {wait_s:g} s ({why})"


def _hear_until(
    notify: socket.socket, ends: float, wait_s: float, child: subprocess.Popen[bytes]
) -> str | None:
    notify.settimeout(ASK_EVERY_S)
    while time.monotonic() < ends:
        try:
            said: Sequence[bytes] = notify.recv(4096).split(b"\n")
        except TimeoutError:
            if child.poll() is not None:
                return f"it ended with status {child.returncode}"
        else:
            if b"READY=1" in said:
                return None
    return f"it did not say READY within {wait_s:g} s"


def _ended(child: subprocess.Popen[bytes], ends: float) -> bool:
    while time.monotonic() < ends:
        if child.poll() is not None:
            return True
        time.sleep(ASK_EVERY_S)
    return child.poll() is not None


def _began(process: int) -> str:
    """The moment a process began, in ticks since the machine did; empty when it is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _gone(process: int, wait_s: float) -> bool:
    ends = time.monotonic() + wait_s
    while time.monotonic() < ends:
        if not _began(process):
            return True
        time.sleep(0.1)
    return False
