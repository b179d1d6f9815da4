"""The trail of who did and read what, incidents, and requests of people about their data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.pictures.picture import DESK_LONG, DESK_TALL, Picture, fill_and_press, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

_check_chain = press("form[action='/staff/audit/check'] button", shows=".chain .tag.good")


def list_pictures() -> list[Picture]:
    audit = Picture(
        name="audit",
        path="/staff/audit",
        account="kiemtra",
        size=DESK_LONG,
        ready=".trail-table",
        prepare=_check_chain,
    )
    incidents = Picture(
        name="incidents",
        path="/staff/incidents",
        account="kiemtra",
        size=DESK_TALL,
        ready="[name=about]",
    )
    requests = replace(
        incidents, name="data-requests", path="/staff/data-requests", account="chatluong"
    )
    return [
        audit,
        replace(audit, name="audit-reads", prepare=_find_reads),
        replace(incidents, name="incident", size=DESK_LONG, prepare=_open_incident),
        incidents,
        replace(requests, name="data-request", prepare=_take_request),
        requests,
    ]


def _open_incident(page: Page) -> None:
    page.select_option("[name=kind]", "lost_machine")
    about = "Sáng nay không thấy máy ở sảnh B. Dây mạng còn, máy đã bị tháo."
    fill_and_press(page, {"about": about}, "form.stack button", shows=".duty")


def _take_request(page: Page) -> None:
    asked = {
        "name": "Trần Thị Thử",
        "reach": "0900 000 000",
        "about": "Muốn xem những lần đã đăng ký khám trong tháng 11.",
    }
    fill_and_press(page, asked, "form.stack button", shows="[name=outcome]")


def _find_reads(page: Page) -> None:
    page.select_option("[name=event]", "group:reads")
    press("form[role=search] button", shows=".trail-table tbody tr")(page)
    page.locator("#found").scroll_into_view_if_needed()
