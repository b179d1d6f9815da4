"""Announcements in halls, and the words that people are called with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.pictures.picture import DESK_TALL, Picture, press

if TYPE_CHECKING:
    from playwright.sync_api import Page


def list_pictures() -> list[Picture]:
    page = Picture(
        name="announcements",
        path="/staff/announcements",
        account="bientap",
        size=DESK_TALL,
        ready="#list-title",
        prepare=_announce,
    )
    return [
        page,
        replace(page, name="announcement-change", prepare=_change_announcement),
        Picture(
            name="calling-words",
            path="/staff/calling-words",
            account="bientap",
            size=DESK_TALL,
            ready="#words",
        ),
    ]


def _change_announcement(page: Page) -> None:
    _announce(page)
    press(".acts a.button", shows="#form a[href='/staff/announcements']")(page)


def _announce(page: Page) -> None:
    if page.locator("article.row").count():
        return
    for hour, text in (
        ("7h30, 13h", "Mời chuẩn bị sẵn căn cước và thẻ bảo hiểm y tế."),
        ("16h", "Nhà thuốc đóng cửa lúc 16 giờ 30. Mời nhận thuốc trước giờ ấy."),
    ):
        page.fill("[name=text_vi]", text)
        page.fill("[name=times]", hour)
        page.press("[name=times]", "Enter")
        page.wait_for_selector(f".row .text:has-text('{text[:12]}')")
