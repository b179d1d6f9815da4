"""systemd reads our units without a word, and what they start is there as they write it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.config import load_config
from backend.domain.alert_words import name_subject
from backend.domain.alerts import AlertKind
from tests.units import PROGRAM, UNITS, Unit
from tiepdon.cli import main

ROOT = Path(__file__).parents[3]
ENV = ROOT / "deploy" / "env"
NAMES = sorted(path.name for path in UNITS.iterdir() if path.is_file())
SERVICES = [name for name in NAMES if name.endswith(".service")]
TIMERS = [name for name in NAMES if name.endswith(".timer")]
# systemd-analyze security, 0 (closed) to 10 (open). The kiosk needs devices and a console, the
# watch removes logs, the two databases are stopped by their guard.
EXPOSURE = {
    "tiepdon-server.service": 2.0,
    "tiepdon-worker.service": 2.0,
    "tiepdon-alert@.service": 2.0,
    "tiepdon-backup.service": 2.0,
    "tiepdon-backup-check.service": 2.0,
    "tiepdon-ca-renew.service": 2.5,
    "tiepdon-kiosk.service": 3.0,
    "tiepdon-standby.service": 4.0,
    "tiepdon-watch.service": 7.5,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as on a machine where everything they start is installed."""
    folder = tmp_path_factory.mktemp("units")
    program = folder / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in UNITS.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            text = text.replace(PROGRAM, str(program)).replace("/usr/bin/cage", str(program))
            text = re.sub(r"/usr/local/sbin/tiepdon-[\w-]+", str(program), text)
            target = folder / path.relative_to(UNITS)
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")
    for what in ("backup_overdue", "backup-check"):
        shutil.copy(folder / "tiepdon-alert@.service", folder / f"tiepdon-alert@{what}.service")
    return folder


def test_systemd_verifies_every_unit(folder: Path) -> None:
    units = [path for path in folder.iterdir() if path.suffix in {".service", ".timer"}]
    assert len(units) == len(NAMES) + 2
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("timer", TIMERS)
def test_every_timer_has_its_service_and_a_time_that_comes(timer: str) -> None:
    unit = Unit(UNITS / timer)
    assert timer.replace(".timer", ".service") in SERVICES
    for when in unit.all("OnCalendar"):
        subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, check=True)
    assert unit.all("OnCalendar") or unit.all("OnUnitActiveSec")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_more_open_than_it_needs(folder: Path, name: str) -> None:
    if name not in EXPOSURE:
        assert "oneshot" in Unit(UNITS / name).all("Type")
        return
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", folder / name],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None, done.stderr
    assert float(found[1]) <= EXPOSURE[name]


def commands() -> list[tuple[str, list[str]]]:
    found = []
    for name in SERVICES:
        unit = Unit(UNITS / name)
        for key in ("ExecStart", "ExecStartPost"):
            for line in unit.all(key):
                words = shlex.split(line.lstrip("-"))
                if PROGRAM in words:
                    found.append((name, words[words.index(PROGRAM) + 1 :]))
    return found


@pytest.mark.parametrize(("name", "words"), commands())
def test_what_a_unit_starts_is_there_with_these_options(name: str, words: list[str]) -> None:
    path = [words[0]]
    if words[0] in {"alerts", "bundle", "ca", "release"}:
        path.append(words[1])
    shown = CliRunner().invoke(main, [*path, "--help"])
    assert shown.exit_code == 0, name
    for word in words:
        if word.startswith("--"):
            assert f" {word} " in shown.output.replace("\n", " "), (name, word)


def test_every_release_is_reached_by_the_link_alone() -> None:
    for name in SERVICES:
        text = (UNITS / name).read_text(encoding="utf-8")
        assert "/opt/tiepdon/" not in text.replace(PROGRAM, ""), name


def test_servers_come_back_by_themselves_for_ever() -> None:
    for name in ("tiepdon-server.service", "tiepdon-worker.service", "tiepdon-kiosk.service"):
        unit = Unit(UNITS / name)
        assert unit.one("Restart") == "always"
        assert float(unit.one("RestartSec")) <= 2
        assert unit.one("StartLimitIntervalSec") == "0"
        assert unit.all("MemoryMax")
        assert unit.all("LogRateLimitBurst")
    kiosk = Unit(UNITS / "tiepdon-kiosk.service")
    assert (kiosk.one("Type"), kiosk.one("NotifyAccess")) == ("notify", "all")
    assert kiosk.one("WatchdogSec") == "20"
    assert " -s" not in kiosk.one("ExecStart"), "with -s Ctrl-Alt-F2 leaves the kiosk"


def test_a_kiosk_lent_to_a_lesson_is_for_patients_again_by_night() -> None:
    kiosk, night = (
        Unit(UNITS / "tiepdon-kiosk.service"),
        Unit(UNITS / "tiepdon-kiosk-restart.service"),
    )
    settings, lesson = kiosk.all("EnvironmentFile")
    assert settings == "/etc/tiepdon/kiosk.env", "the later one wins"
    assert lesson.startswith("-/run/"), "gone with the power"
    assert kiosk.one("ExecStart").endswith("$TIEPDON_KIOSK_ARGS $TIEPDON_LESSON_ARGS")
    script = (ROOT / "deploy" / "bin" / "tiepdon-lesson").read_text(encoding="utf-8")
    assert lesson.removeprefix("-") in script
    assert night.one("ExecStartPre") == f"/usr/bin/rm -f {lesson.removeprefix('-')}"


def test_an_additional_worker_goes_and_comes_with_its_server() -> None:
    """Updates stop and start the server alone."""
    worker = Unit(UNITS / "tiepdon-worker.service")
    server = "tiepdon-server.service"
    assert (worker.one("PartOf"), worker.one("WantedBy")) == (server, server)
    assert server in worker.one("After").split()


def told_by(unit: str) -> set[tuple[str, str]]:
    """Kind and subject of what systemd says when this service fails."""
    said = set()
    for name in Unit(UNITS / unit).all("OnFailure"):
        instance = re.fullmatch(r"tiepdon-alert@([\w-]+)\.service", name)
        assert instance is not None
        own = UNITS / f"{name}.d" / "tiepdon.conf"
        *_, line = Unit(own if own.exists() else UNITS / "tiepdon-alert@.service").all("ExecStart")
        words = shlex.split(line.replace("%i", instance[1]))
        said.add((words[words.index("raise") + 1], words[words.index("--subject") + 1]))
    return said


def test_alerts_of_units_are_of_the_list_and_have_words() -> None:
    for name in SERVICES:
        for kind, subject in told_by(name):
            assert AlertKind(kind)
            assert name_subject(subject, "vi") != subject


@pytest.mark.parametrize("name", ["tiepdon-backup.service", "tiepdon-backup-check.service"])
def test_what_failed_is_over_only_when_the_same_worked(name: str) -> None:
    """A copy that cannot be restored is not over because the next one was written."""
    words = shlex.split(Unit(UNITS / name).one("ExecStartPost"))
    cleared = (words[words.index("clear") + 1], words[words.index("--subject") + 1])
    assert told_by(name) == {cleared}
    others = {"tiepdon-backup.service", "tiepdon-backup-check.service"} - {name}
    assert all(cleared not in told_by(other) for other in others)


def read_env(name: str) -> dict[str, str]:
    lines = (ENV / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_settings_we_lay_down_are_accepted() -> None:
    config = load_config(read_env("server.env"))
    assert config.database_url.startswith("postgresql://")
    assert config.audit_heads == Path("/var/lib/tiepdon/audit-heads")
    backup = read_env("backup.env")
    assert backup["TIEPDON_BACKUP_1"] != backup["TIEPDON_BACKUP_2"]
    # A timer that no longer runs is told by the server.
    assert list(map(str, config.backups)) == [
        backup["TIEPDON_BACKUP_1"],
        backup["TIEPDON_BACKUP_2"],
    ]


def test_the_page_on_alerts_names_the_file_of_the_settings() -> None:
    settings = (ENV / "server.env").read_text(encoding="utf-8")
    (named,) = re.findall(r"TIEPDON_ALERTS_CONFIG=(\S+)", settings)
    page = (ROOT / "docs" / "how-to" / "canh-bao.md").read_text(encoding="utf-8")
    assert set(re.findall(r"/etc/tiepdon/\S+\.toml", page)) == {named}


def test_a_renewed_certificate_is_used_though_another_was_not_renewed() -> None:
    unit = Unit(UNITS / "tiepdon-ca-renew.service")
    assert any("nginx.service" in line for line in unit.all("ExecStopPost"))
    assert unit.all("ExecStartPost") == []


def test_the_heads_of_the_audit_are_copied_off_the_host_from_where_they_are_written() -> None:
    text = (ROOT / "deploy" / "rsyslog" / "tiepdon.conf").read_text(encoding="utf-8")
    assert read_env("server.env")["TIEPDON_AUDIT_HEADS"] in text
