"""The pages of settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.pictures.picture import DESK, DESK_LONG, Picture, choose_file

if TYPE_CHECKING:
    from playwright.sync_api import Page


def list_pictures() -> list[Picture]:
    start = Picture(
        name="settings",
        path="/staff/settings",
        account="it",
        size=DESK_LONG,
        ready=".settings .cards",
    )
    form = replace(start, path="/staff/settings/numbers", size=DESK, ready="main.settings")
    return [
        start,
        replace(
            form,
            name="settings-priority",
            path="/staff/settings/priority",
            prepare=lambda page: page.locator("summary").nth(1).click(),
        ),
        replace(form, name="settings-group", path="/staff/settings/calling"),
        replace(form, name="settings-fault", prepare=_change_letter("1")),
        replace(form, name="settings-preview", prepare=_change_letter("C")),
        replace(form, name="settings-done", path="/staff/settings/times", prepare=_keep_minutes),
        replace(form, name="settings-import", path="/staff/settings/import", prepare=_hand_in_file),
        replace(form, name="settings-versions", path="/staff/settings/versions"),
    ]


def _change_letter(letter: str) -> Callable[[Page], None]:
    def change(page: Page) -> None:
        page.get_by_label("Hàng thường").fill(letter)
        page.get_by_role("button", name="Xem trước").click()

    return change


def _keep_minutes(page: Page) -> None:
    page.get_by_label("Có hẹn, được đến muộn").fill("20")
    page.get_by_role("button", name="Xem trước").click()
    page.get_by_role("button", name="Áp dụng").click()
    page.wait_for_selector(".done-now")


def _hand_in_file(page: Page) -> None:
    """With a room that is not there: refused whole, its row named."""
    text = page.evaluate("fetch('/staff/settings/settings.json').then((reply) => reply.text())")
    document = json.loads(text)
    document["displays"]["Sảnh tầng 1"]["rooms"][1] = "999"
    content = json.dumps(document).encode()
    choose_file(page, "cau-hinh.json", "application/json", content)
    page.get_by_role("button", name="Kiểm tra và xem trước").click()
    page.wait_for_selector("table.changes")
