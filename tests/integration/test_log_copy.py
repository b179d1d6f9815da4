"""A copy of every log line on another machine: two real rsyslogd, TLS between them."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend.domain.audit_chain import Head, Link, read_heads, write_head
from tiepdon.authority import issue, make_authority
from tiepdon.demo.server import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "rsyslog" / "tiepdon.conf"
PROGRAM = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin") or "rsyslogd"


class Log:
    """`send` on the hospital's server, `received` on the machine for logs."""

    def __init__(self) -> None:
        # Short: the path of a Unix socket has 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="tiepdon-log-", dir="/tmp"))
        self.port = free_port()
        now = datetime.now(UTC).replace(microsecond=0)
        for name in ("ca", "stranger"):
            make_authority(self.folder / name, title=name, domains=["localhost"], now=now)
            issue(self.folder / name, ["localhost"], self.folder / f"{name}.crt", days=9, now=now)
        (self.folder / "spool").mkdir()
        self.heads = self.folder / "audit-heads"
        self.heads.touch()
        values = {
            "LOG_HOST": "localhost",
            "LOG_PORT": str(self.port),
            "LOG_CA": str(self.folder / "ca" / "ca.crt"),
        }
        text = CONFIGURATION.read_text(encoding="utf-8")
        text = re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text)
        text = text.replace("/var/spool/rsyslog", str(self.folder / "spool"))
        text = text.replace("/var/lib/tiepdon/audit-heads", str(self.heads))
        own = f'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="{self.folder}/s")\n'
        (self.folder / "sender.conf").write_text(own + text, encoding="utf-8")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def received(self) -> str:
        path = self.folder / "received"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def start_receiver(self, authority: str = "ca") -> None:
        (self.folder / "receiver.conf").write_text(
            f'global(workDirectory="{self.folder}" DefaultNetstreamDriver="gtls"\n'
            f' DefaultNetstreamDriverCAFile="{self.folder}/{authority}/ca.crt"\n'
            f' DefaultNetstreamDriverCertFile="{self.folder}/{authority}.crt"\n'
            f' DefaultNetstreamDriverKeyFile="{self.folder}/{authority}.key")\n'
            'module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")\n'
            f'input(type="imtcp" address="127.0.0.1" port="{self.port}")\n'
            f'action(type="omfile" file="{self.folder}/received")\n',
            encoding="utf-8",
        )
        self._start("receiver")

    def start_sender(self) -> None:
        checked = subprocess.run(
            [PROGRAM, "-N1", "-f", self.folder / "sender.conf"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stderr
        self._start("sender")
        self.wait(lambda: (self.folder / "s").exists())

    def _start(self, name: str) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                [PROGRAM, "-n", "-f", self.folder / f"{name}.conf", "-i", self.folder / f"{name}.pid"],
                stdout=out, stderr=out,
            )  # fmt: skip

    def stop(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            process.terminate()
            process.wait(20)
            (self.folder / f"{name}.pid").unlink(missing_ok=True)

    def send(self, text: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.connect(str(self.folder / "s"))
            line.send(f"<134>{datetime.now():%b %d %H:%M:%S} tiepdon[1]: {text}".encode())

    def wait(self, is_so: object, within_s: float = 40) -> None:
        deadline = time.monotonic() + within_s
        while not is_so():  # type: ignore[operator]
            assert time.monotonic() < deadline, self.received
            time.sleep(0.05)

    def close(self) -> None:
        for name in list(self._processes):
            self.stop(name)
        shutil.rmtree(self.folder)


@pytest.fixture
def log() -> Iterator[Log]:
    log = Log()
    yield log
    log.close()


def test_every_line_and_every_head_of_the_audit_are_on_the_other_machine(log: Log) -> None:
    log.start_receiver()
    log.start_sender()
    began = time.monotonic()
    log.send('{"event": "ticket_issued"}')
    log.wait(lambda: "ticket_issued" in log.received)
    print(f"copied after {time.monotonic() - began:.2f} s")
    link = Link(sequence=4711, chain_hash="c0ffee00" * 8)
    head = Head(facility_id="main", at=datetime(2026, 11, 26, 2, tzinfo=UTC), link=link)
    with log.heads.open("a", encoding="ascii") as file:
        file.write(write_head(head) + "\n")
    log.wait(lambda: "c0ffee" in log.received)
    # As `tiepdon audit verify --head` reads what the log server kept.
    kept = [line for line in log.received.splitlines() if "tiepdon-audit-head" in line]
    assert read_heads(kept, facility_id="main") == ([head], 0)


def test_what_was_written_while_the_log_server_was_away_arrives_later(log: Log) -> None:
    log.start_sender()
    log.send("before-anybody-listened")
    time.sleep(1)
    # Started again, as after an update: what waits is kept.
    log.stop("sender")
    log.start_sender()
    log.start_receiver()
    log.send("now")
    log.wait(lambda: "now" in log.received and "before-anybody-listened" in log.received, 90)


def test_a_stranger_hears_nothing(log: Log) -> None:
    log.start_receiver("stranger")
    log.start_sender()
    log.send("not-for-strangers")
    time.sleep(4)
    assert "not-for-strangers" not in log.received
