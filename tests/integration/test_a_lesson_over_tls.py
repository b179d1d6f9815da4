"""Kiosks and browsers of other machines in a lesson: the real nginx, the real processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from backend.domain.roles import StaffRole
from backend.storage.crypto import write_new_keys
from backend.storage.database import Database, open_engine
from kiosk_ui.errors import ServerAway
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import HttpGateway
from tests.factories.accounts import Accounts
from tests.lesson import Lesson
from tests.nginx import NAME, Nginx
from tiepdon.authority import make_authority
from tiepdon.commands.practice import CA_FILE
from tiepdon.demo.server import free_port, sign_in

pytestmark = [pytest.mark.gui, pytest.mark.slow, pytest.mark.timeout(240)]


class Scene:
    """The server of the hospital itself is away: a lesson does not need it."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.nginx = Nginx(folder, 9, practice_upstream_port=port)
        self.lesson = Lesson(
            folder / "hospital",
            port=port,
            address=self.nginx.practice_address,
            environ=_settings_of_a_hospital(folder),
        )
        checked = self.nginx.check()
        assert checked.returncode == 0, checked.stderr

    def browser(self) -> requests.Session:
        browser = requests.Session()
        browser.trust_env = False
        browser.verify = self.nginx.ca
        return browser

    def kiosks_that_beat(self) -> set[str]:
        file = self.lesson.database_url.removeprefix("sqlite:///")
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            rows = database.execute(
                "SELECT kiosk.name FROM kiosk JOIN heartbeat ON heartbeat.kiosk_id = kiosk.id"
            )
            return {str(name) for (name,) in rows}
        finally:
            database.close()


def _settings_of_a_hospital(folder: Path) -> dict[str, str]:
    """As `sudo tiepdon practice` gets them from /etc/tiepdon: no lesson would begin with them."""
    write_new_keys(folder / "keys.json")
    alerts = folder / "alerts.toml"
    alerts.write_text('[smtp]\nhost = "mail.example"\nfrom = "a@example"\nto = ["it@example"]\n')
    return {
        "TIEPDON_ENV": "production",
        "TIEPDON_KEYS_FILE": str(folder / "keys.json"),
        "TIEPDON_HIS_SETTINGS": json.dumps({"file": str(folder / "register.sqlite3")}),
        "TIEPDON_DATA": str(folder / "data"),
        "TIEPDON_AUDIT_HEADS": str(folder / "heads"),
        "TIEPDON_CALL_LISTS": str(folder / "lists"),
        "TIEPDON_ALERTS_CONFIG": str(alerts),
        "TIEPDON_BACKUPS": str(folder / "backup"),
        "TIEPDON_PUBLIC_BASE": "https://so.example",
    }


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("lesson"))
    scene.nginx.start()
    try:
        _no_lesson_is_said_kindly(scene)
        with scene.lesson:
            yield scene
        _no_lesson_is_said_kindly(scene)
    finally:
        scene.nginx.stop()


def _no_lesson_is_said_kindly(scene: Scene) -> None:
    """Before a lesson and after it; pages open by themselves when one begins."""
    with scene.browser() as browser:
        for path in ("/", "/staff/login"):
            page = browser.get(f"{scene.nginx.practice_address}{path}", timeout=20)
            assert (page.status_code, page.headers["Refresh"]) == (503, "5")
            assert "Chưa mở lớp" in page.content.decode()
        api = browser.get(f"{scene.nginx.practice_address}/api/v1/kiosk", timeout=20)
        assert (api.status_code, api.json()["code"]) == (503, "unavailable")


def test_staff_sign_in_and_stay_signed_in_at_work(scene: Scene) -> None:
    """Cookies know no ports: the one of a lesson has another name than the one of work."""
    address = scene.nginx.practice_address
    with scene.browser() as browser:
        browser.cookies.set("staff", "of-work", domain="localhost.local", path="/")
        sign_in(browser, address, "letan")
        home = browser.get(f"{address}/staff", timeout=20)
        assert home.ok
        assert "LUYỆN TẬP" in home.text
        assert "/staff/login" not in home.url
        found = {cookie.name: cookie for cookie in browser.cookies}
    assert found["staff"].value == "of-work"
    assert found["staff-practice"].secure


def test_nothing_else_is_open_there(scene: Scene) -> None:
    address = scene.nginx.practice_address
    with scene.browser() as browser:
        assert browser.get(f"{address}/metrics", timeout=20).status_code == 404
        other = browser.get(f"{address}/readyz", headers={"Host": "bank.example"}, timeout=20)
        assert other.status_code == 421
        big = browser.post(f"{address}/api/v1/visits", data=b"x" * 70_000, timeout=20)
        assert (big.status_code, "nginx" in big.text) == (413, True)
        work = browser.get(f"{scene.nginx.address}/readyz", timeout=20)
        assert work.status_code == 503, "the address of work does not lead to the lesson"
    plain = requests.get(f"http://127.0.0.1:{scene.nginx.practice}/readyz", timeout=20)
    assert plain.status_code == 400


def test_live_events_pass_at_once(scene: Scene) -> None:
    engine = open_engine(scene.lesson.database_url, pool_size=1)
    database = Database(engine, facility_id="main")
    try:
        accounts = Accounts(database)
        accounts.add("nv", StaffRole.ROOM_CALLER)
        headers = {"Authorization": f"Bearer {accounts.token('nv')}"}
        with (
            scene.browser() as browser,
            browser.get(
                f"{scene.nginx.practice_address}/api/v1/live",
                headers=headers, stream=True, timeout=20,
            ) as stream,
        ):  # fmt: skip
            lines = stream.iter_lines(chunk_size=1)
            assert next(line for line in lines if b"event:" in line) == b"event: hello"
            database.transact(
                lambda unit: unit.publish("step_called", subject="step:1", detail={"number": "L1"})
            )
            assert next(line for line in lines if b"L1" in line)
    finally:
        database.close()


def test_a_kiosk_trusts_the_authority_of_the_house_and_no_other(
    scene: Scene, tmp_path: Path
) -> None:
    make_authority(
        tmp_path / "other", title="Khác", domains=[NAME], now=datetime.now(UTC) - timedelta(days=1)
    )
    address = scene.nginx.practice_address
    credential = CredentialFile(tmp_path / "credential", address)
    gateway = HttpGateway(
        address, credential=credential, ca_file=str(tmp_path / "other" / "ca.crt")
    )
    try:
        with pytest.raises(ServerAway):
            gateway.check()
    finally:
        gateway.close()


def run_until(command: str, condition: Callable[[], bool], *, home: Path, **environ: str) -> None:
    """As somebody types it. On this machine there is neither a screen nor a camera."""
    program = str(Path(sys.executable).parent)
    clean = {name: each for name, each in os.environ.items() if not name.startswith("TIEPDON_")}
    path = f"{program}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["/bin/bash", "-c", f"exec env {command}"],
        env=clean | {"HOME": str(home), "PATH": path, "SDL_VIDEODRIVER": "offscreen"} | environ,
        cwd=home,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 90
        while not condition():
            assert process.poll() is None, "the command is not whole"
            assert time.monotonic() < until
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_the_command_for_another_machine_joins_the_lesson_as_it_is_told(
    scene: Scene, tmp_path: Path
) -> None:
    command = scene.lesson.told["kiosk_elsewhere"]
    assert f" --backend {scene.nginx.practice_address} " in command
    assert command.startswith(f"TIEPDON_CA_FILE={CA_FILE} ")
    command = command.replace(CA_FILE, shlex.quote(scene.nginx.ca))
    run_until(
        f"{command} --name elsewhere --window 540x960",
        lambda: "elsewhere" in scene.kiosks_that_beat(),
        home=tmp_path,
    )
    assert (tmp_path / "tiepdon-practice-kiosk" / "credential.json").exists()


def test_the_command_for_this_machine_joins_the_lesson_as_it_is_told(
    scene: Scene, tmp_path: Path
) -> None:
    command = scene.lesson.told["kiosk_here"]
    assert f" --backend {scene.lesson.address} " in command
    before = scene.kiosks_that_beat()
    run_until(command, lambda: bool(scene.kiosks_that_beat() - before), home=tmp_path)


def test_what_is_told_is_what_people_need(scene: Scene) -> None:
    told = scene.lesson.told
    assert told["pages"] == f"{scene.nginx.practice_address}/staff"
    assert told["kiosk_installed"] == f"sudo tiepdon-lesson {scene.nginx.practice_address}"
    assert "0.0.0.0" not in str(told)
