"""The demo server as processes of its own, so that it can be killed and started again."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import requests
from sqlalchemy import create_engine, func, select

from backend.domain.queueing import format_number
from backend.services.settle_demo_accounts import DEMO_PASSWORD
from backend.storage.crypto import write_new_keys
from backend.storage.insurance_tables import CoverageRecheck
from backend.storage.number_tables import Number
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.payment_tables import Payment
from payments.states import TO_POST

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
SIGN_IN_TIMEOUT_S = 20
PORTS = range(15_000, 32_000)


class DemoServerError(RuntimeError):
    """The server did not do as asked."""


def free_port() -> int:
    """A port that stays free: the system gives none of these to connections that go out.

    Chance picks, so that servers started side by side at the same moment do not meet.
    """
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def sign_in(browser: requests.Session, address: str, name: str) -> None:
    """As a person does it on the page. Raises requests.RequestException."""
    page = browser.get(f"{address}/staff/login", timeout=SIGN_IN_TIMEOUT_S)
    page.raise_for_status()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    form = {"name": name, "password": DEMO_PASSWORD, "csrf_token": token[1] if token else ""}
    browser.post(f"{address}/staff/login", data=form, timeout=SIGN_IN_TIMEOUT_S).raise_for_status()


class DemoServer:
    """`tiepdon serve --demo` on loopback, with its files below `folder`.

    The port stays the same over restarts, as a hospital's server keeps its address.
    `environment` are settings of its own (see backend.config), such as another HIS.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str | None = None,
        workers: int = 2,
        environment: Mapping[str, str] | None = None,
        demo: bool = True,
    ) -> None:
        """Without `demo` it is a hospital on its first day: keys of its own, nobody on the staff,
        the register of a commune station instead of a HIS.
        """
        self._folder = folder
        self._demo = demo
        self._workers = workers
        self._settings = dict(environment or {})
        self.his_folder = folder / "his"
        self.database_url = database_url or f"sqlite:///{(folder / 'tiepdon.sqlite3').resolve()}"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the first of its processes. Raises DemoServerError when it does not run."""
        if self._process is None:
            raise DemoServerError("it does not run")
        return self._process.pid

    def add_settings(self, environment: Mapping[str, str]) -> None:
        """From the next start on."""
        self._settings.update(environment)

    def start(self) -> None:
        """Returns when the server answers. Raises DemoServerError with what it printed last."""
        self._folder.mkdir(parents=True, exist_ok=True)
        log = (self._folder / "server.log").open("ab")
        command = [sys.executable, "-m", "tiepdon", "serve", *(["--demo"] if self._demo else [])]
        command += ["--db", self.database_url, "--port", str(self.port)]
        command += ["--workers", str(self._workers)]
        with log:
            # A session of its own: killing the group kills every process of the server at once.
            self._process = subprocess.Popen(
                command,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready()

    def kill(self) -> None:
        """As when the power goes: every process of the server, without a warning."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_TIMEOUT_S)
        self._process = None

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def staff_page(self, path: str = "/staff/help/live") -> str:
        """What a page shows reception now: the calls for help, or another one.

        Raises requests.RequestException.
        """
        with requests.Session() as browser:
            sign_in(browser, self.address, "letan")
            reply = browser.get(f"{self.address}{path}", timeout=5)
            reply.raise_for_status()
            return reply.text

    def numbers(self) -> list[str]:
        """Every queue number in the records, as printed."""
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                rows = connection.execute(select(Number.letter, Number.number)).all()
        finally:
            engine.dispose()
        return [format_number(letter, number) for letter, number in rows]

    def unsettled(self) -> int:
        """Messages to other systems that wait to be sent or for a person, and cards to ask about."""
        engine = create_engine(self.database_url)
        message, recheck = OutboxMessage, CoverageRecheck
        try:
            with engine.connect() as connection:
                counts = (
                    select(func.count()).where(message.settled_at.is_(None)),
                    select(func.count()).where(recheck.state == "pending"),
                )
                return sum(connection.scalar(count) or 0 for count in counts)
        finally:
            engine.dispose()

    def set_up_code(self) -> str:
        """As it stands on the console of whoever started a server without an administrator."""
        log = (self._folder / "server.log").read_text(encoding="utf-8", errors="replace")
        codes = re.findall(r"^ +(\w{4}-\w{4}-\w{4})$", log, re.MULTILINE)
        if not codes:
            raise DemoServerError("the server showed no code for its first set-up")
        return str(codes[-1])

    def untold(self) -> int:
        """Payments the HIS has still to hear of."""
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                to_tell = Payment.state.in_([state.value for state in TO_POST])
                return connection.scalar(select(func.count()).where(to_tell)) or 0
        finally:
            engine.dispose()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        # What it leaves is thrown away: nothing has to be brought to an end.
        self.kill()

    def _environment(self) -> dict[str, str]:
        if not self._demo:
            return {**os.environ, **self._first_day_settings(), **self._settings}
        settings = {"folder": str(self.his_folder.resolve())}
        return {**os.environ, "TIEPDON_HIS_SETTINGS": json.dumps(settings), **self._settings}

    def _first_day_settings(self) -> dict[str, str]:
        keys, register = self._folder / "keys", self._folder / "register.sqlite3"
        if not keys.exists():
            write_new_keys(keys)
        return {
            "TIEPDON_KEYS_FILE": str(keys.resolve()),
            "TIEPDON_HIS_SETTINGS": json.dumps({"file": str(register.resolve())}),
        }

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            if self._process is not None and self._process.poll() is not None:
                break
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"{self.address}/readyz", timeout=1).ok:
                    return
            time.sleep(0.05)
        self.kill()
        lines = (self._folder / "server.log").read_text(errors="replace").splitlines()[-5:]
        raise DemoServerError("the server did not start: " + " | ".join(lines))
