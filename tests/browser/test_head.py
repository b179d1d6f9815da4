"""The head of the department at a real page: seen, moved, undone, in step, by keys alone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall, Party, RoomStaff

HEAD = "truongkhoa"


@pytest.fixture
def head(hall: Hall) -> Party:
    return hall.staff(HEAD)


@pytest.fixture
def busy(hall: Hall, head: Party) -> str:
    """The id of a room with people of its own, and with rooms they can go to."""
    for _ in range(6):
        hall.take("Khám Nội tổng hợp")
    rooms = head.get("/departments/overview")["rooms"]
    room = max((each for each in rooms if each["move_to"]), key=lambda each: each["own_waiting"])
    assert room["own_waiting"] >= 2
    return str(room["id"])


def find(head: Party, room_id: str) -> dict[str, Any]:
    rooms = head.get("/departments/overview")["rooms"]
    return next(each for each in rooms if each["id"] == room_id)


def row(page: Page, room_id: str) -> Locator:
    return page.locator(f'[data-room="{room_id}"]')


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("size", [(1920, 1080), (360, 740)])
def test_usable_by_everybody_and_no_wider_than_the_screen(
    open_page: OpenPage, busy: str, lang: str, size: tuple[int, int]
) -> None:
    width, height = size
    page = open_page("/staff/head", name=HEAD, lang=lang, size={"width": width, "height": height})
    expect(row(page, busy)).to_be_visible()
    assert list_serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    row(page, busy).locator("[data-do=move]").click()
    assert list_serious_faults(page) == []


def test_people_are_moved_in_two_clicks_and_back_in_one(
    open_page: OpenPage, head: Party, busy: str
) -> None:
    before = find(head, busy)
    page = open_page("/staff/head", name=HEAD)
    row(page, busy).locator("[data-do=move]").click()
    page.click("#move-do")
    expect(row(page, busy).locator("[data-do=move]")).to_be_hidden()
    assert find(head, busy)["own_waiting"] == 0
    expect(page.locator("#log li").first).to_contain_text(before["code"])
    page.get_by_role("button", name="Hoàn tác").click()
    expect(row(page, busy).locator("[data-do=move]")).to_be_visible()
    assert find(head, busy)["own_waiting"] == before["own_waiting"]
    expect(page.locator("#undo")).to_be_hidden()


def test_two_browsers_stay_in_step(open_page: OpenPage, hall: Hall, head: Party, busy: str) -> None:
    mine = open_page("/staff/head", name=HEAD)
    other = open_page("/staff/head", name=HEAD, lang="en")
    waiting = find(head, busy)["waiting"]
    RoomStaff(hall.staff("phong"), busy).next()
    for page in (mine, other):
        expect(row(page, busy).locator(".waiting")).to_contain_text(
            re.compile(rf"^({waiting - 1} |Không ai|Nobody)")
        )
    row(mine, busy).locator("[data-do=change]").click()
    mine.select_option("#state [name=reason]", "meeting")
    mine.click("#state-pause")
    expect(row(other, busy).locator(".state")).to_have_text(re.compile("Paused.*Meeting"))
    expect(other.locator("#alarms").locator(f'[data-room="{busy}"]')).to_be_visible()
    row(other, busy).locator("[data-do=open]").click()
    expect(row(mine, busy).locator(".state")).to_have_text("Đang mở")


def test_keys_are_enough(open_page: OpenPage, head: Party, busy: str) -> None:
    page = open_page("/staff/head", name=HEAD)
    row(page, busy).locator("[data-do=move]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#move-do")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#move")).to_be_hidden()
    expect(row(page, busy).locator("[data-do=move]")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    expect(row(page, busy).locator("[data-do=move]")).to_be_hidden()
    assert find(head, busy)["own_waiting"] == 0
    page.locator("#undo-do").focus()
    page.keyboard.press("Enter")
    expect(row(page, busy).locator("[data-do=move]")).to_be_visible()


def test_an_old_page_is_told_so(open_page: OpenPage, hall: Hall, head: Party, busy: str) -> None:
    page = open_page("/staff/head", name=HEAD)
    row(page, busy).locator("[data-do=move]").click()
    page.click("#move-do")
    expect(page.locator("#undo")).to_be_visible()
    targets = find(head, busy)["move_to"]
    caller = hall.staff("phong")
    for target in targets:
        staff = RoomStaff(caller, target)
        for _ in range(staff.seen["waiting_total"]):
            staff.next()
    page.click("#undo-do")
    expect(page.locator("#said")).to_be_visible()


def test_the_log_can_be_filtered(open_page: OpenPage, busy: str) -> None:
    page = open_page("/staff/head", name=HEAD)
    row(page, busy).locator("[data-do=move]").click()
    page.click("#move-do")
    page.select_option("#filters [name=kind]", "move_people")
    page.select_option("#filters [name=room]", busy)
    expect(page.locator("#log li").first).to_contain_text("Chia đều người chờ")
    page.select_option("#filters [name=kind]", "leave")
    expect(page.locator("#log-empty")).to_be_visible()


def test_only_the_head_sees_it(open_page: OpenPage) -> None:
    page = open_page("/staff/head", name="letan")
    expect(page.locator("#rooms")).to_have_count(0)
