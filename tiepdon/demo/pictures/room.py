"""The page of a room that calls people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tiepdon.demo.hall import Hall
from tiepdon.demo.pictures.picture import PHONE, Picture, cut_line, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

_ask_how_long = press("#act-pause", shows="dialog[open] .spans")


def list_pictures(hall: Hall) -> list[Picture]:
    path = f"/staff/rooms/{hall.find_room('101')}"
    room = Picture(name="room", path=path, account="phong", ready="html[data-ready]")
    return [
        room,
        room.in_english(),
        replace(room, name="room-phone", size=PHONE),
        replace(room, name="rooms", path="/staff/rooms", ready="#rooms a"),
        replace(room, name="call-list", path=f"{path}/list", ready=".sheets table"),
        replace(room, name="room-reason", prepare=_ask_why_missed),
        replace(room, name="room-send-on", prepare=_ask_for_tests),
        replace(room, name="room-pause", prepare=_ask_how_long),
        replace(room, name="room-keys", prepare=_ask_for_keys),
        replace(room, name="room-away", prepare=_cut_line),
    ]


def _ask_why_missed(page: Page) -> None:
    page.keyboard.press("F4")
    page.wait_for_selector("dialog[open] .choice")


def _ask_for_tests(page: Page) -> None:
    page.click("#act-tests")
    for kind in ("laboratory", "imaging"):
        page.locator(f"dialog [data-kind={kind}]").first.click()
    page.wait_for_selector("dialog[open] .chosen-name")


def _ask_for_keys(page: Page) -> None:
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open] .keys")


def _cut_line(page: Page) -> None:
    cut_line(page, shows="#lost:visible")
    page.keyboard.press("F2")
    page.wait_for_timeout(500)
