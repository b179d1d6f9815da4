"""tiepdon-watch on disks that fill: stand-ins for df, journalctl and the alert stand in its way."""

from __future__ import annotations

import os
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
            "df", 'echo head; cat "$PLACE/free" | awk \'{ print "x x x x " 100 - $1 "% x" }\''
        )
        self._program("journalctl", 'echo "$@" >>"$PLACE/journalctl"')
        self._program("tiepdon", 'echo "$1 $2 $3" >>"$PLACE/told"; [ ! -e "$PLACE/broken" ]')

    def _program(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(0o755)

    def look(self, free_percent: int) -> str:
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
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stderr

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
