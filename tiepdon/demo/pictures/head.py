"""The page of the head of a department."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.pictures.picture import Picture, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

HEAD = Picture(
    name="head", path="/staff/head", account="truongkhoa", ready="#rooms .room [data-do]"
)
_ask_to_move = press("#rooms [data-do=move]:visible", shows="#move[open]")
_ask_for_state = press("#rooms [data-do=change]:visible", shows="#state[open]")


def list_pictures() -> list[Picture]:
    return [
        HEAD,
        HEAD.in_english(),
        replace(HEAD, name="head-move", prepare=_ask_to_move),
        replace(HEAD, name="head-room", prepare=_ask_for_state),
    ]


def list_log() -> list[Picture]:
    """People are moved for it."""
    return [replace(HEAD, name="head-log", prepare=_move_and_read_log)]


def _move_and_read_log(page: Page) -> None:
    _ask_to_move(page)
    page.click("#move-do")
    page.wait_for_selector("#undo:visible")
    page.locator("#log li").first.scroll_into_view_if_needed()
