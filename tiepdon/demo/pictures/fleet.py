"""The pages of kiosks, and of what is wrong in the house."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from backend.services.change_kiosk import KioskWish, change_kiosk
from backend.services.order_kiosk import order_kiosk
from tiepdon.demo.alerts import bring_trouble
from tiepdon.demo.fleet import TROUBLED, fill_fleet
from tiepdon.demo.hall import Hall, open_records
from tiepdon.demo.pictures.picture import DESK, DESK_FULL, DESK_LONG, Picture, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

OWNED = KioskWish(
    name=TROUBLED,
    profile="reception",
    owner="Ngân hàng Mẫu, chi nhánh Bình An",
    contact="Tổng đài 1900 0000",
    serial_number="KX-0001",
)


def list_pictures(hall: Hall) -> list[Picture]:
    kiosks = fill_fleet(hall)
    troubled = kiosks[TROUBLED]
    with open_records(hall.server.database_url) as database:
        change_kiosk(database, troubled.id, OWNED, actor="command")
        order_kiosk(database, troubled.id, "test_print", actor="command")
    for order in troubled.orders()["commands"]:
        troubled.answer(order["id"], state="failed", reason="paper_end")
    board = Picture(
        name="fleet", path="/staff/fleet", account="it", size=DESK_LONG, ready="#state table"
    )
    page = f"/staff/fleet/{troubled.id}"
    return [
        board,
        board.in_english(),
        replace(board, name="fleet-desk", account="letan", size=DESK),
        replace(board, name="kiosk-page", path=page, size=DESK_FULL, ready=".charts svg"),
        replace(board, name="kiosk-ticket", path=f"{page}/ticket", ready=".fault-ticket"),
        replace(board, name="kiosk-new", path="/staff/fleet/new", size=DESK, ready="form.stack"),
        replace(
            board,
            name="kiosk-code",
            path=page,
            size=DESK,
            ready="form[action$=replace]",
            prepare=press("form[action$=replace] button"),
        ),
    ]


def list_alerts(hall: Hall) -> list[Picture]:
    return [
        Picture(
            name="alerts",
            path="/staff/alerts",
            account="it",
            size=DESK_LONG,
            ready="#now .panel",
            prepare=_bring_trouble(hall),
        )
    ]


def _bring_trouble(hall: Hall) -> Callable[[Page], None]:
    def prepare(page: Page) -> None:
        with open_records(hall.server.database_url) as database:
            bring_trouble(database)
        page.reload()
        page.wait_for_selector(".alert")

    return prepare
