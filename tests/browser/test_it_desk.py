"""The IT desk and a real kiosk process: seen, asked for a picture, taken out, restarted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.server import DemoServer

PATIENCE_MS = 90_000
"""A kiosk starts, draws in software and hears its orders every thirty seconds."""
NAME = "Sảnh A, máy thật"


@pytest.fixture(scope="module")
def kiosk(server: DemoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """`tiepdon kiosk` as an own process without a display; its process id."""
    folder = tmp_path_factory.mktemp("kiosk")
    (folder / "cards").mkdir()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "tiepdon", "kiosk",
            "--backend", server.address, "--enrol-code", "DEMO-KIOSK", "--name", NAME,
            "--scanner", f"dir:{folder / 'cards'}", "--printer", f"file:{folder / 'paper.bin'}",
            "--window", "540x960", "--data", str(folder / "data"),
        ],
        env=os.environ | {"SDL_VIDEODRIVER": "offscreen", "KIVY_HOME": str(folder / "kivy")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield process.pid
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def open_kiosk(open_page: OpenPage) -> Page:
    page = open_page("/staff/fleet", name="it")
    row = page.locator("tr", has_text=NAME)
    expect(row).to_contain_text("Đang phục vụ", timeout=PATIENCE_MS)
    page.get_by_role("link", name=NAME).click()
    return page


def order(page: Page, words: str) -> None:
    page.get_by_role("button", name=words).click()
    newest = page.locator(".order").first
    expect(newest).to_contain_text(words)
    expect(newest).to_have_attribute("data-state", "done", timeout=PATIENCE_MS)


@pytest.mark.usefixtures("kiosk")
def test_a_picture_of_the_glass_comes_back(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_kiosk(open_page)
    assert list_serious_faults(page) == []
    order(page, "Chụp màn hình")
    link = page.get_by_role("link", name="Xem hình").first.get_attribute("href")
    reply = page.request.get(str(link))
    assert reply.headers["content-type"] == "image/png"
    picture = Image.open(BytesIO(reply.body())).convert("RGB")
    assert picture.size == (540, 960)
    assert len(picture.getcolors(maxcolors=1 << 20) or []) > 100, "an empty glass"


@pytest.mark.usefixtures("kiosk")
def test_logs_and_a_trial_paper(open_page: OpenPage) -> None:
    page = open_kiosk(open_page)
    order(page, "Lấy nhật ký")
    reply = page.request.get(
        str(page.get_by_role("link", name="Tải về").first.get_attribute("href"))
    )
    assert reply.body()[:2] == b"\x1f\x8b"
    order(page, "In thử")


@pytest.mark.usefixtures("kiosk")
def test_out_of_service_and_back(open_page: OpenPage) -> None:
    page = open_kiosk(open_page)
    page.get_by_role("button", name="Tạm ngưng", exact=True).click()
    expect(page.locator("#state")).to_contain_text("Tạm ngưng")
    order(page, "Chụp màn hình")
    page.get_by_role("button", name="Phục vụ trở lại").click()
    expect(page.locator("#state")).to_contain_text("Đang phục vụ", timeout=PATIENCE_MS)


def test_a_restart_from_afar(open_page: OpenPage, kiosk: int) -> None:
    page = open_kiosk(open_page)
    order(page, "Khởi động lại")
    os.kill(kiosk, 0)
    expect(page.locator("#state")).to_contain_text("Đang phục vụ", timeout=PATIENCE_MS)
    order(page, "Chụp màn hình")
