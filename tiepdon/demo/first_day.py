"""The first set-up of an empty server, pressed through in a browser; a picture of every step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp

from tiepdon.demo.server import DemoServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PASSWORD = "Sen-hong-no-som-mai-24"  # noqa: S105  # of an invented person on an invented server
STEPS = ("facility", "his", "rooms", "numbers", "kiosk", "print", "payments", "backup")

Keep = Callable[[str], None]


def become_administrator(page: Page, code: str, keep: Keep) -> None:
    """From the address of the server to the first step: code, password, phone."""
    page.goto("/")
    page.wait_for_url("**/staff/setup/start")
    page.fill("[name=code]", code)
    page.fill("[name=name]", "minh.it")
    page.fill("[name=display_name]", "Nguyễn Văn Minh")
    keep("start")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.get_by_role("button", name="Tạo quản trị viên").click()
    page.wait_for_url("**/staff/second-factor")
    secret = (page.locator(".steps code").first.text_content() or "").replace(" ", "")
    page.fill("[name=code]", pyotp.TOTP(secret).now())
    page.locator("form[action$=enrol] button").click()
    page.wait_for_selector(".codes")
    page.goto("/staff/setup")
    page.wait_for_url("**/staff/setup/facility")


def go_through(page: Page, keep: Keep) -> None:
    """Every step once; the kiosk is invited and has not come yet."""
    page.fill("[name='facility.name_vi']", "Trạm Y tế xã Thạch Lũng")
    page.fill("[name='facility.hotline']", "1900 1234")
    keep("facility")
    page.get_by_role("button", name="Lưu và tiếp tục").click()
    page.wait_for_url("**/his")
    page.get_by_role("button", name="Kiểm tra ngay").click()
    page.wait_for_selector(".checks")
    keep("his")
    page.get_by_role("button", name="Tiếp tục").click()
    page.wait_for_url("**/rooms")
    keep("rooms")
    page.get_by_role("button", name="Tiếp tục").click()
    page.wait_for_url("**/numbers")
    keep("numbers")
    page.get_by_role("button", name="Lưu và tiếp tục").click()
    page.wait_for_url("**/kiosk")
    page.fill("[name=kiosk_name]", "Sảnh chính 1")
    page.get_by_role("button", name="Tạo mã").click()
    page.wait_for_selector(".big-code")
    keep("kiosk")
    page.get_by_role("button", name="Tiếp tục").click()
    for step in ("print", "payments"):
        page.wait_for_url(f"**/{step}")
        keep(step)
        page.get_by_role("button", name="Tiếp tục").click()
    page.wait_for_url("**/backup")
    keep("backup")
    page.get_by_role("button", name="Đã cất khóa").click()
    page.wait_for_url("**/end")
    keep("end")


def draw_first_day(
    browser: Browser,
    folder: Path,
    shoot: Callable[[Page, Path], None],
    names: frozenset[str] | None,
) -> None:
    """A PNG `set-up-STEP` of every step in `folder`, or of those among `names`."""
    with (
        tempfile.TemporaryDirectory() as place,
        DemoServer(Path(place), demo=False) as server,
    ):
        context = browser.new_context(
            base_url=server.address, viewport={"width": 1280, "height": 900}, locale="vi-VN"
        )
        page = context.new_page()

        def keep(step: str) -> None:
            name = f"set-up-{step}"
            if names is None or name in names:
                shoot(page, folder / f"{name}.png")

        try:
            become_administrator(page, server.set_up_code(), keep)
            go_through(page, keep)
        finally:
            context.close()
