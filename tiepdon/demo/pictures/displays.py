"""Boards in halls, at doors and at counters, and the page where displays are made."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from backend.domain.displays import DisplayKind, DisplayWish
from backend.services.manage_displays import add_display
from backend.storage.catalogue import CatalogueSource
from tiepdon.demo.hall import Hall, open_records
from tiepdon.demo.pictures.picture import TV, TV_UPRIGHT, Picture, cut_line, fill_and_press

if TYPE_CHECKING:
    from playwright.sync_api import Page

HALL_ROOMS = ("101", "102", "103", "104", "201", "202", "204", "205")
UPSTAIRS = ("106", "205", "206", "301", "302")
"""Rooms with long names."""


def list_boards(hall: Hall) -> list[Picture]:
    board = _add_display(hall, "Sảnh tầng 1", DisplayKind.HALL, HALL_ROOMS)
    upstairs = _add_display(hall, "Sảnh tầng 2", DisplayKind.HALL, UPSTAIRS)
    door = _add_display(hall, "Cửa phòng 101", DisplayKind.DOOR, ("101",))
    counter = _add_display(hall, "Quầy thu phí 1", DisplayKind.COUNTER, ("T1",))
    on_board = Picture(name="board", path=f"/d/{board}", size=TV, ready="#board:not([hidden])")
    return [
        on_board,
        replace(on_board, name="board-upright", path=f"/d/{upstairs}", size=TV_UPRIGHT),
        replace(on_board, name="board-away", prepare=partial(cut_line, shows=".lost:visible")),
        replace(on_board, name="door", path=f"/d/{door}"),
        replace(on_board, name="counter", path=f"/d/{counter}"),
    ]


def list_pictures() -> list[Picture]:
    page = Picture(name="displays", path="/staff/displays", account="it", ready=".displays .row")
    return [page, replace(page, name="display-new", prepare=_make_display)]


def _add_display(hall: Hall, name: str, kind: DisplayKind, codes: tuple[str, ...]) -> str:
    """The key of a new display."""
    rooms = tuple(hall.find_room(code) for code in codes)
    wish = DisplayWish(name=name, kind=kind, room_ids=rooms)
    with open_records(hall.server.database_url) as database:
        catalogue = CatalogueSource(database).get()
        return add_display(database, catalogue, wish, actor="command").key


def _make_display(page: Page) -> None:
    for code in ("201", "202", "204", "205"):
        page.locator("label.choice", has_text=code).first.locator("input").check()
    fill_and_press(page, {"name": "Sảnh tầng 3"}, "form.fields button", shows="img.qr")
