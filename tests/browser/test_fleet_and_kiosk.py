"""The IT desk in a browser and a kiosk that runs as a process of its own, window and all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backend.services.enrol_kiosk import invite_kiosk
from backend.services.show_fleet import show_fleet
from tests.browser.conftest import OpenPage
from tiepdon.demo.hall import open_records
from tiepdon.demo.server import DemoServer

NAME = "Sảnh thật"
STARTED_WITHIN_MS = 60_000
OBEYED_WITHIN_MS = 30_000
"""It asks every ten seconds; a busy machine draws slowly."""


@pytest.fixture
def kiosk_name(server: DemoServer, tmp_path: Path) -> Iterator[str]:
    """Of a kiosk that runs, without a screen of its own: SDL draws into memory."""
    with open_records(server.database_url) as database:
        code = invite_kiosk(database, name=NAME)
    (tmp_path / "cards").mkdir()
    command = [sys.executable, "-m", "tiepdon", "kiosk", "--backend", server.address]
    command += ["--enrol-code", code, "--scanner", f"dir:{tmp_path / 'cards'}"]
    command += ["--printer", f"file:{tmp_path / 'paper.bin'}", "--window", "540x960"]
    command += ["--data", str(tmp_path / "kiosk")]
    environment = os.environ | {"SDL_VIDEODRIVER": "offscreen", "KIVY_HOME": str(tmp_path / "kivy")}
    environment.pop("DISPLAY", None)
    with (tmp_path / "kiosk.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield NAME
    finally:
        process.terminate()
        process.wait(20)


def test_a_real_kiosk_reports_obeys_and_is_paused(
    kiosk_name: str, open_page: OpenPage, server: DemoServer
) -> None:
    page = open_page("/staff/fleet", name="it")
    row = page.locator(f"tr:has-text('{kiosk_name}')")
    expect(row).to_contain_text("%", timeout=STARTED_WITHIN_MS)
    with open_records(server.database_url) as database:
        (view,) = [each for each in show_fleet(database) if each.name == NAME]
    page.goto(f"/staff/fleet/{view.id}")
    page.get_by_role("button", name="Chụp màn hình").click()
    link = page.get_by_role("link", name="Xem hình")
    expect(link).to_be_visible(timeout=OBEYED_WITHIN_MS)
    picture = page.request.get(link.get_attribute("href") or "")
    assert picture.body().startswith(b"\x89PNG")
    page.get_by_role("button", name="Lấy nhật ký").click()
    expect(page.get_by_role("link", name="Tải về")).to_be_visible(timeout=OBEYED_WITHIN_MS)
    page.get_by_role("button", name="Tạm ngưng").click()
    expect(page.locator(".now-state")).to_contain_text("Tạm ngưng")
