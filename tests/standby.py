"""Two PostgreSQL machines on loopback, set up and switched by deploy/postgres/tiepdon-standby."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.postgres import BINARIES
from tiepdon.authority import issue, make_authority
from tiepdon.demo.server import free_port

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "deploy" / "postgres" / "tiepdon-standby"
PASSWORD = "chi-de-thu-8842"


class Machine:
    """One of the two: its own cluster, settings of the script, and its guard."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder = folder
        self.port = free_port()
        self.user = user
        self.peer: Machine | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.environ: dict[str, str] = {}

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def settle(self, peer: Machine, *, alone_after_s: int, link: str) -> None:
        self.peer = peer
        passfile = self.folder / "standby.pgpass"
        passfile.write_text(f"*:*:*:tiepdon_replica:{PASSWORD}\n", encoding="ascii")
        passfile.chmod(0o600)
        if self.user:
            shutil.chown(passfile, self.user, self.user)
        command = [
            BINARIES[0] / "pg_ctl",
            "-D",
            self.data,
            "-l",
            self.folder / "log",
            "-w",
            "start",
        ]
        self.environ = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "TIEPDON_STANDBY_ENV": str(self.folder / "none.env"),
            "TIEPDON_PEER": "127.0.0.1",
            "TIEPDON_PEER_PORT": str(peer.port),
            "TIEPDON_PG_PASSFILE": str(passfile),
            "TIEPDON_PG_LINK": link,
            "TIEPDON_PG_DATA": str(self.data),
            "TIEPDON_PG_CONF": str(self.folder / "conf.d"),
            "TIEPDON_PG_HBA": str(self.data / "pg_hba.conf"),
            "TIEPDON_PG_CERTIFICATE": str(self.folder / "tls.crt"),
            "TIEPDON_PG_LISTEN": "127.0.0.1",
            "TIEPDON_PG_BIN": str(BINARIES[0]),
            "TIEPDON_PG_RUN": str(self.folder / "run"),
            "TIEPDON_PG_SOCKET": str(self.folder),
            "TIEPDON_PG_PORT": str(self.port),
            "TIEPDON_PG_START": shlex.join(map(str, command)),
            "TIEPDON_ALONE_AFTER_S": str(alone_after_s),
            "TIEPDON_GUARD_BEAT_S": "0.5",
        }

    def make_cluster(self) -> None:
        self._run(
            BINARIES[0] / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        self.write_conf()

    def write_conf(self) -> None:
        """What Debian has in /etc/postgresql; a copy of the primary's is put right here."""
        (self.data / "postgresql.conf").write_text(
            f"listen_addresses = '127.0.0.1'\nport = {self.port}\n"
            f"unix_socket_directories = '{self.folder}'\n"
            "max_connections = 100\ndynamic_shared_memory_type = mmap\n"
            f"include_dir = '{self.folder}/conf.d'\n"
        )
        if self.user:
            shutil.chown(self.data / "postgresql.conf", self.user, self.user)

    def start(self) -> None:
        self._run(*shlex.split(self.environ["TIEPDON_PG_START"]))

    def restart(self) -> None:
        self._run(BINARIES[0] / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
        self.start()

    def script(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, *arguments], env=self.environ, cwd=self.folder, user=self.user,
            group=self.user, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def guard(self) -> None:
        with (self.folder / "guard.log").open("ab") as log:
            self._guard = subprocess.Popen(
                [SCRIPT, "guard"], env=self.environ, cwd=self.folder, user=self.user,
                group=self.user, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def told(self) -> str:
        return (self.folder / "guard.log").read_text(encoding="utf-8")

    def query(self, statement: str) -> list[tuple[object, ...]]:
        address = f"host={self.folder} port={self.port} dbname=postgres user=postgres"
        with psycopg.connect(address, autocommit=True, connect_timeout=3) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def is_running(self) -> bool:
        try:
            return not _is_dead(int((self.data / "postmaster.pid").read_text().split()[0]))
        except (FileNotFoundError, IndexError):
            return False

    def kill(self) -> None:
        """kill -9 of every PostgreSQL process of this machine, as a power cut ends them."""
        if not self.is_running():
            return
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        processes = [pid, *map(int, children)]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while not all(map(_is_dead, processes)):
            time.sleep(0.01)
        # After a power cut the number is free, or somebody else's; here nobody may have reaped it.
        (self.data / "postmaster.pid").unlink()
        (self.folder / f".s.PGSQL.{self.port}.lock").unlink(missing_ok=True)

    def end_guard(self) -> None:
        if self._guard is not None:
            if self._guard.poll() is None:
                os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait(10)
            self._guard = None

    def _run(self, *command: object) -> None:
        subprocess.run(
            list(map(str, command)), user=self.user, group=self.user, cwd=self.folder,
            env=os.environ | {"HOME": str(self.folder)},
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class StandbyPair:
    """`first` serves and `second` follows, as the page for IT sets them up.

    Everything goes over TLS with certificates of an authority of our own, names looked at.
    """

    def __init__(self, *, alone_after_s: int = 30) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tiepdon-pair-"))
        self.folder.chmod(0o755)
        user = "postgres" if os.geteuid() == 0 else None
        now = datetime.now(UTC).replace(microsecond=0)
        make_authority(self.folder / "ca", title="Thử", domains=["127.0.0.0/8"], now=now)
        shutil.copy(self.folder / "ca" / "ca.crt", self.folder / "ca.crt")
        link = f"sslmode=verify-full sslrootcert={self.folder / 'ca.crt'}"
        self.machines = []
        for name in ("first", "second"):
            folder = self.folder / name
            folder.mkdir()
            (folder / "conf.d").mkdir()
            (folder / "run").mkdir()
            issue(self.folder / "ca", ["127.0.0.1"], folder / "tls.crt", days=9, now=now)
            if user:
                for part in (folder, *folder.iterdir()):
                    shutil.chown(part, user, user)
            self.machines.append(Machine(folder, user))
        self.first, self.second = self.machines
        self.first.settle(self.second, alone_after_s=alone_after_s, link=link)
        self.second.settle(self.first, alone_after_s=alone_after_s, link=link)

    def set_up(self) -> None:
        self.first.make_cluster()
        self.first.start()
        done = self.first.script("primary")
        assert done.returncode == 0, done.stderr
        assert "Restart PostgreSQL once" in done.stderr
        self.first.restart()
        self.join(self.second)
        for machine in self.machines:
            machine.guard()
        self.wait_until_in_step(self.first)

    def join(self, machine: Machine, *arguments: str) -> None:
        """Debian keeps the configuration apart from the data; here it is copied along, then put
        right before the start."""
        start = machine.environ["TIEPDON_PG_START"]
        machine.environ["TIEPDON_PG_START"] = "true"
        done = machine.script("join", *arguments)
        machine.environ["TIEPDON_PG_START"] = start
        assert done.returncode == 0, done.stderr
        machine.write_conf()
        machine.start()

    def wait_until_in_step(self, primary: Machine, within_s: float = 30) -> None:
        deadline = time.monotonic() + within_s
        while primary.script("status").returncode != 0:
            if time.monotonic() > deadline:
                raise AssertionError(primary.script("status"), primary.told)
            time.sleep(0.1)

    def url(self, name: str) -> str:
        ports = ",".join(str(machine.port) for machine in self.machines)
        return (
            f"postgresql://postgres@/{name}?host=127.0.0.1,127.0.0.1&port={ports}"
            "&target_session_attrs=read-write"
            f"&sslmode=verify-full&sslrootcert={self.folder / 'ca.crt'}"
        )

    def remove(self) -> None:
        for machine in self.machines:
            machine.end_guard()
            machine.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
