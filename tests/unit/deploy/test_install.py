"""install.sh below a folder of its own: everything in its place, once, and nothing twice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend.services.enrol_kiosk import DEMO_CODE
from tiepdon.authority import look_at
from tiepdon.commands.practice import PORT

DEPLOY = Path(__file__).parents[3] / "deploy"
SCRIPTS = [
    DEPLOY / "install.sh",
    DEPLOY / "bin" / "tiepdon",
    DEPLOY / "bin" / "tiepdon-lesson",
    DEPLOY / "bin" / "tiepdon-watch",
    DEPLOY / "bin" / "tiepdon-fail-over",
    DEPLOY / "postgres" / "tiepdon-standby",
]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "install.env"
    text = (DEPLOY / "env" / "install.env").read_text(encoding="utf-8")
    text = text.replace("TIEPDON_LOG_HOST=", "TIEPDON_LOG_HOST=log.benhvien.example")
    path.write_text(text.replace("ROTATION=0", "ROTATION=90"), encoding="utf-8")
    return path


def install(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("tiepdon")
    return subprocess.run(
        [DEPLOY / "install.sh", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "TIEPDON_PROGRAM": str(program), "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_read_by_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert os.access(script, os.X_OK)


def test_a_server_is_installed_once_and_keeps_the_hospitals_settings(
    tmp_path: Path, answers: Path
) -> None:
    root = tmp_path / "root"
    (root / "etc/nginx/sites-enabled").mkdir(parents=True)
    (root / "etc/nginx/sites-enabled/default").write_text("welcome")
    first = install("server", "--root", root, "--answers", answers)
    assert first.returncode == 0, first.stderr
    assert not (root / "etc/nginx/sites-enabled/default").exists()
    for secret in ("keys.json", "backup.key", "tls.key", "ca/ca.key"):
        assert (root / "etc/tiepdon" / secret).stat().st_mode & 0o077 == 0, secret
    assert (root / "etc/tiepdon/server.env").stat().st_mode & 0o007 == 0
    found = look_at(root / "etc/tiepdon/tls.crt")
    assert found.names == ["tiepdon.benhvien.example", "10.0.0.10"]
    for text in (root / "etc/nginx/conf.d/tiepdon.conf", root / "etc/rsyslog.d/00-tiepdon.conf"):
        assert not re.search(r"@[A-Z_]+@", text.read_text(encoding="utf-8"))
    settings = root / "etc/tiepdon/server.env"
    settings.write_text("TIEPDON_DB=postgresql://tiepdon@/ban-that\n")
    before = snapshot(root)
    second = install("server", "--root", root, "--answers", answers)
    assert "wrote /etc/tiepdon/server.env.example" in second.stdout
    after = snapshot(root)
    assert {name for name in after if after[name] != before.get(name)} == {
        "etc/tiepdon/server.env.example"
    }
    assert (
        "Everything was in its place."
        in install("server", "--root", root, "--answers", answers).stdout
    )
    assert snapshot(root) == after


def test_lessons_are_let_in_at_a_port_that_can_be_closed_again(
    tmp_path: Path, answers: Path
) -> None:
    root = tmp_path / "root"
    files = [root / "etc/nginx/conf.d/zz-tiepdon-practice.conf", root / "etc/tiepdon/practice.env"]
    assert install("server", "--root", root, "--answers", answers).returncode == 0
    text = files[0].read_text(encoding="utf-8")
    assert "listen 8444 ssl" in text
    assert f"server 127.0.0.1:{PORT};" in text, "where `tiepdon practice` listens unless told"
    assert files[1].read_text() == (
        "TIEPDON_PRACTICE_ADDRESS=https://tiepdon.benhvien.example:8444\n"
    )
    closed = answers.read_text(encoding="utf-8").replace("PRACTICE_PORT=8444", "PRACTICE_PORT=")
    answers.write_text(closed, encoding="utf-8")
    dry = install("server", "--root", root, "--answers", answers, "--dry-run")
    assert "would remove /etc/nginx/conf.d/zz-tiepdon-practice.conf" in dry.stdout
    assert all(file.exists() for file in files)
    assert install("server", "--root", root, "--answers", answers).returncode == 0
    assert not any(file.exists() for file in files)
    again = install("server", "--root", root, "--answers", answers)
    assert "Everything was in its place." in again.stdout


def lend(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "systemctl").write_text(f'#!/bin/bash\necho "$*" >>{folder}/called\n')
    (folder / "systemctl").chmod(0o755)
    return subprocess.run(
        [DEPLOY / "bin" / "tiepdon-lesson", *arguments],
        env={
            "PATH": f"{folder}:{os.environ['PATH']}",
            "TIEPDON_LESSON_FILE": str(folder / "lesson.env"),
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_kiosk_is_lent_to_a_lesson_and_taken_back(tmp_path: Path) -> None:
    lesson = tmp_path / "lesson.env"
    assert lend(tmp_path, "https://tiepdon.example:8444/").returncode == 0
    assert lesson.read_text().splitlines() == [
        "TIEPDON_BACKEND=https://tiepdon.example:8444",
        f"TIEPDON_LESSON_ARGS=--enrol-code {DEMO_CODE}",
    ]
    assert lend(tmp_path, "end").returncode == 0
    assert not lesson.exists()
    assert lend(tmp_path, "end").returncode == 0
    assert (tmp_path / "called").read_text() == "restart tiepdon-kiosk.service\n" * 3


@pytest.mark.parametrize(
    "wrong",
    [[], ["http://a.example"], ["https://a b"], ["https://a\nX=1"], ["https://a", "end"], ["-h"]],
)
def test_a_kiosk_is_not_lent_to_anything_else(tmp_path: Path, wrong: list[str]) -> None:
    done = lend(tmp_path, *wrong)
    assert done.returncode == 2
    assert "tiepdon-lesson end" in done.stdout
    assert not (tmp_path / "lesson.env").exists()
    assert not (tmp_path / "called").exists()


def test_the_page_for_the_internet_is_read_after_what_it_builds_on(
    tmp_path: Path, answers: Path
) -> None:
    """nginx reads conf.d in the order of names; tests/nginx.py tries these names with it."""
    root = tmp_path / "root"
    with answers.open("a", encoding="utf-8") as file:
        file.write("TIEPDON_OUTSIDE_NAMES=so.benhvien.example\n")
        file.write("TIEPDON_OUTSIDE_CERTIFICATE=/x.crt\nTIEPDON_OUTSIDE_KEY=/x.key\n")
    done = install("server", "--root", root, "--answers", answers)
    assert done.returncode == 0, done.stderr
    files = sorted((root / "etc/nginx/conf.d").iterdir())
    assert [path.name for path in files] == sorted(
        path.name for path in (DEPLOY / "nginx").iterdir()
    )
    assert files[0].name == "tiepdon.conf"
    assert "log_format tiepdon " in files[0].read_text(encoding="utf-8")


def test_a_dry_run_touches_nothing(tmp_path: Path, answers: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    for role in ("server", "standby", "kiosk"):
        done = install(role, "--root", root, "--answers", answers, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert "would write /etc/systemd/system/" in done.stdout
    assert list(root.iterdir()) == []


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """Commands of a real machine that only say what they were asked; `serves`: what is active."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("systemctl", "runuser", "curl", "ip", "arping", "id"):
        text = f'echo "{name} $*" >>"{tmp_path}/asked"'
        if name == "systemctl":
            text += f'; case "$*" in *is-active*) [ -e "{tmp_path}/serves" ] ;; esac'
        if name == "id":
            text = "echo 0"
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    return folder


def test_what_a_fail_over_started_is_not_switched_off_by_the_next_installation(
    tmp_path: Path, answers: Path, stand_ins: Path
) -> None:
    def plan() -> str:
        done = subprocess.run(
            [DEPLOY / "install.sh", "standby", "--answers", answers, "--dry-run"],
            env={"PATH": f"{stand_ins}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    assert "would run: systemctl disable tiepdon-server.service" in plan()
    (tmp_path / "serves").touch()
    assert "systemctl disable" not in plan()


def test_a_fail_over_switches_on_what_a_server_has_and_keeps_its_address(
    tmp_path: Path, answers: Path, stand_ins: Path
) -> None:
    env = tmp_path / "standby.env"
    env.write_text("TIEPDON_SERVICE_ADDRESS=10.0.0.10/24\nTIEPDON_SERVICE_DEVICE=eth0\n")
    environ = {"PATH": f"{stand_ins}:{os.environ['PATH']}", "TIEPDON_STANDBY_ENV": str(env)}

    def fail_over(*arguments: str) -> list[str]:
        (tmp_path / "asked").unlink(missing_ok=True)
        subprocess.run(
            [DEPLOY / "bin" / "tiepdon-fail-over", *arguments],
            env=environ, capture_output=True, check=True,
        )  # fmt: skip
        return (tmp_path / "asked").read_text().splitlines()

    def enabled(lines: list[str]) -> set[str]:
        return {word for line in lines if " enable " in line for word in line.split()[2:]}

    asked = fail_over()
    planned = subprocess.run(
        [DEPLOY / "install.sh", "server", "--answers", answers, "--dry-run"],
        env=environ | {"TIEPDON_PROGRAM": "/bin/true", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=True,
    ).stdout.replace("would run: ", "")  # fmt: skip
    assert enabled(asked) == enabled(planned.splitlines()) | {"tiepdon-address.service"}
    assert fail_over("--take-address")[0] == "ip address replace 10.0.0.10/24 dev eth0"


def test_a_kiosk_is_locked_and_its_panel_turned(tmp_path: Path, answers: Path) -> None:
    root = tmp_path / "root"
    (tmp_path / "ca.crt").write_text("certificate")
    done = install("kiosk", "--root", root, "--answers", answers, "--ca", tmp_path / "ca.crt")
    assert done.returncode == 0, done.stderr
    rules = root / "etc/udev/rules.d"
    assert '"0 -1 1 1 0 0"' in (rules / "60-tiepdon-touch.rules").read_text()
    assert (root / "etc/tiepdon/ca.crt").read_text() == "certificate"
    assert "usb-storage" in (root / "etc/modprobe.d/tiepdon-kiosk.conf").read_text()
    assert "NAutoVTs=0" in (root / "etc/systemd/logind.conf.d/tiepdon.conf").read_text()
    keyboards = (rules / "63-tiepdon-no-keyboard.rules").read_text()
    assert 'ENV{ID_INPUT_KEY}=="1"' in keyboards, "also one that does not call itself a keyboard"
    assert 'ENV{LIBINPUT_IGNORE_DEVICE}="1"' in keyboards


def test_a_scanner_that_types_is_not_shut_out(tmp_path: Path, answers: Path) -> None:
    root = tmp_path / "root"
    (root / "etc/tiepdon").mkdir(parents=True)
    (root / "etc/tiepdon/kiosk.env").write_text("TIEPDON_KIOSK_ARGS=--scanner hid:/dev/x\n")
    done = install("kiosk", "--root", root, "--answers", answers)
    assert done.returncode == 0, done.stderr
    assert not (root / "etc/udev/rules.d/63-tiepdon-no-keyboard.rules").exists()


def test_the_first_run_asks(tmp_path: Path) -> None:
    done = install("server", "--root", tmp_path / "root")
    assert done.returncode == 0
    assert "Answer the questions" in done.stdout
    assert [path.name for path in (tmp_path / "root/etc/tiepdon").iterdir()] == ["install.env"]


@pytest.mark.parametrize("path", sorted((DEPLOY / "udev").iterdir()), ids=lambda path: path.name)
def test_udev_rules_are_of_known_keys(path: Path) -> None:
    """`udevadm verify` came after Debian 12: keys, operators and quotes are looked at here."""
    keys = r"ACTION|SUBSYSTEM|KERNEL|GROUP|MODE|SYMLINK|(?:ENV|ATTR)\{[\w/]+\}"
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            for part in re.split(r", (?=[A-Z])", line):
                assert re.fullmatch(rf'(?:{keys})(?:==|!=|=)"[^"]*"', part), part


def test_sysusers_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", tmp_path / "etc" / name)
    for path in sorted((DEPLOY / "sysusers").iterdir()):
        subprocess.run(
            ["systemd-sysusers", f"--root={tmp_path}", path], check=True, capture_output=True
        )
    users = (tmp_path / "etc/passwd").read_text()
    assert "\ntiepdon:" in users
    assert "\ntiepdon-kiosk:" in users


def test_the_command_runs_with_the_settings_of_the_machine_as_systemd_reads_them(
    tmp_path: Path,
) -> None:
    address = "postgresql://tiepdon:m$k&1@/tiepdon?host=a,b&port=1,2"
    (tmp_path / "server.env").write_text(
        f"# TIEPDON_DB=old\nTIEPDON_DB={address}\nTIEPDON_X='a b'\n"
    )
    (tmp_path / "backup.env").write_text('TIEPDON_BACKUP_1="/srv/mot"')
    (tmp_path / "practice.env").write_text("TIEPDON_PRACTICE_ADDRESS=https://a.example:8444\n")
    for name, text in {
        "setpriv": 'echo "$1 $2"; while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
        "program": 'echo "$TIEPDON_DB|$TIEPDON_X|$TIEPDON_BACKUP_1|$TIEPDON_PRACTICE_ADDRESS|$*"',
        "id": "if [ $1 = -u ]; then echo 0; else echo root; fi",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [DEPLOY / "bin" / "tiepdon", "doctor", "--json"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "TIEPDON_PROGRAM": str(tmp_path / "program"),
            "TIEPDON_SETTINGS": str(tmp_path),
        },
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "--reuid=tiepdon --regid=tiepdon",
        f"{address}|a b|/srv/mot|https://a.example:8444|doctor --json",
    ]
