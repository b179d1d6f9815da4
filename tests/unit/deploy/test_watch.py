"""tiepdon-watch on disks that fill: stand-ins for df, journalctl and the alert stand in its way."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

WATCH = Path(__file__).parents[3] / "deploy" / "bin" / "tiepdon-watch"


class Machine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ballast = folder / "ballast"
        self.alone = folder / "standby" / "alone.conf"
        self.alone.parent.mkdir()
        (folder / "logs").mkdir()
        (folder / "bin").mkdir()
        self._program(
            "df",
            'cat "$2/free" "$PLACE/free" 2>/dev/null |'
            ' awk \'NR == 1 { print "head"; print "x x x x " 100 - $1 "% x" }\'',
        )
        # Folders of the test that hold a file `device` are disks of their own.
        self._program(
            "stat",
            'cat "$3/device" 2>/dev/null || cat "$(dirname "$3")/device" 2>/dev/null || echo 1',
        )
        self._program("systemctl", '[ -e "$PLACE/renewal-failed" ]')
        self._program("journalctl", 'echo "$@" >>"$PLACE/journalctl"')
        self._program(
            "tiepdon",
            'echo "$1 $2 $3" >>"$PLACE/told"; [ ! -e "$PLACE/broken" ] &&'
            ' [ "$1" = ca -o ! -e "$PLACE/broken-telling" ]',
        )

    def _program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def look(self, free_percent: int, **settings: str) -> str:
        (self.folder / "free").write_text(f"{free_percent}\n")
        done = subprocess.run(
            [WATCH],
            env={
                "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                "PLACE": str(self.folder),
                "RUNTIME_DIRECTORY": str(self.folder / "state"),
                "TIEPDON_LOG_FOLDER": str(self.folder / "logs"),
                "TIEPDON_BALLAST": str(self.ballast),
                "TIEPDON_BALLAST_MB": "1",
                "TIEPDON_STANDBY_ALONE": str(self.alone),
                "TIEPDON_CERTIFICATES": str(self.folder / "none.crt"),
                "TIEPDON_COMMAND": str(self.folder / "bin" / "tiepdon"),
                **settings,
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stderr

    def forget(self) -> None:
        (self.folder / "told").unlink()

    def restart(self) -> None:
        """What lies in /run is gone."""
        shutil.rmtree(self.folder / "state")

    @property
    def told(self) -> list[str]:
        path = self.folder / "told"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_disk_full_of_logs_gets_room_and_is_told_once(machine: Machine) -> None:
    machine.look(60)
    assert machine.ballast.stat().st_size == 1024 * 1024
    machine.forget()
    (machine.folder / "logs" / "syslog.1").write_text("old")
    (machine.folder / "logs" / "syslog").write_text("new")
    assert "logs are cut" in machine.look(7)
    assert "--vacuum-size=300M" in (machine.folder / "journalctl").read_text()
    assert [path.name for path in (machine.folder / "logs").iterdir()] == ["syslog"]
    assert machine.ballast.exists(), "not yet as bad as that"
    assert "ballast is gone" in machine.look(2)
    assert not machine.ballast.exists()
    assert machine.told == ["alerts raise disk_low"]
    machine.look(15)
    assert machine.told == ["alerts raise disk_low"], "between the two nothing is said"
    machine.look(60)
    assert machine.told == ["alerts raise disk_low", "alerts clear disk_low"]
    assert machine.ballast.exists()


def test_a_standby_that_is_away_is_told_and_told_again_when_telling_failed(
    machine: Machine,
) -> None:
    machine.look(60)
    machine.forget()
    machine.alone.touch()
    (machine.folder / "broken").touch()
    assert "could not tell" in machine.look(60)
    (machine.folder / "broken").unlink()
    machine.look(60)
    machine.look(60)
    assert machine.told == ["alerts raise standby_away"] * 2
    machine.alone.unlink()
    machine.look(60)
    assert machine.told[2:] == ["alerts clear standby_away"]


def test_what_is_over_after_a_restart_is_told_so(machine: Machine) -> None:
    machine.look(60)
    machine.alone.touch()
    machine.look(60)
    machine.restart()
    machine.alone.unlink()
    machine.forget()
    machine.look(60)
    assert "alerts clear standby_away" in machine.told


def test_a_certificate_is_told_every_day_and_until_telling_works(machine: Machine) -> None:
    """Its renewal raises the same alert: what was told from here last is no reason for silence."""
    certificate = machine.folder / "tls.crt"
    certificate.touch()
    named = {"TIEPDON_CERTIFICATES": str(certificate)}
    (machine.folder / "renewal-failed").touch()
    (machine.folder / "broken-telling").touch()
    assert "could not tell" in machine.look(60, **named)
    (machine.folder / "broken-telling").unlink()
    machine.forget()
    machine.look(60, **named)
    machine.look(60, **named)
    assert machine.told.count("alerts raise certificate_ending") == 1
    (machine.folder / "renewal-failed").unlink()
    machine.forget()
    for _ in range(2):
        (looked,) = (machine.folder / "state").glob("looked-*")
        looked.rename(looked.with_name("looked-2020-01-01"))
        machine.look(60, **named)
    assert machine.told.count("alerts clear certificate_ending") == 2


def test_only_what_lies_on_the_low_disk_is_given_up(machine: Machine) -> None:
    machine.look(60)
    database, logs = machine.folder / "database", machine.folder / "logs"
    database.mkdir()
    (database / "device").write_text("2")
    (database / "free").write_text("2\n")
    (logs / "syslog.1").write_text("old")
    disks = {"TIEPDON_DISKS": f"/ {database}"}
    machine.forget()
    assert "no logs lie there" in machine.look(60, **disks)
    assert machine.told == ["alerts raise disk_low"]
    assert (logs / "syslog.1").exists()
    assert not (machine.folder / "journalctl").exists()
    assert machine.ballast.exists()
    own = database / "ballast"
    own.touch()
    machine.look(60, **disks, TIEPDON_BALLAST=str(own))
    assert not own.exists()
