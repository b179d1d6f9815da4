"""The page of a room: called by mouse and by keys, in step with others, and without a server."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall, RoomStaff
from tiepdon.demo.server import DemoServer

PAUSE_MS = 800
"""A second press of a double click is none: whoever means two presses waits that long."""

SERVICES = {
    "104": "Khám Ngoại tổng hợp",
    "203": "Khám Nội tiết",
    "204": "Khám Mắt",
    "205": "Khám Tai Mũi Họng",
    "206": "Khám Răng Hàm Mặt",
    "207": "Khám Da liễu",
    "301": "Khám Y học cổ truyền",
    "302": "Khám Phục hồi chức năng",
}
"""Rooms that are alone with their service: each test has one for itself."""


def take(hall: Hall, code: str, count: int) -> list[str]:
    return [hall.take(SERVICES[code])["ticket"]["number"] for _ in range(count)]


def open_room(open_page: OpenPage, hall: Hall, code: str, **options: Any) -> Page:
    options.setdefault("address", hall.address)
    page = open_page(f"/staff/rooms/{hall.find_room(code)}", name="phong", **options)
    page.wait_for_selector("html[data-ready]")
    return page


def expect_in(page: Page, number: str) -> None:
    expect(page.locator(".now-number")).to_have_text(number)


def expect_waiting(page: Page, *numbers: str) -> None:
    expect(page.locator("#waiting .number")).to_have_text(list(numbers))


def calls_of(hall: Hall, code: str) -> list[str]:
    """Who left the room or is in it, as the server has it."""
    staff = RoomStaff(hall.staff("phong"), hall.find_room(code))
    return [step["number"] for step in staff.seen["current"]]


def test_choosing_a_room_and_calling_by_mouse(open_page: OpenPage, hall: Hall) -> None:
    first, second = take(hall, "104", 2)
    page = open_page("/staff", name="phong")
    page.click("a[href='/staff/rooms']")
    page.fill("#find", "kham ngoai")
    expect(page.locator("#rooms a:visible")).to_have_count(1)
    page.click("#rooms a:visible")
    page.wait_for_selector("html[data-ready]")
    expect_waiting(page, first, second)
    expect(page.locator("#waiting .why").first).to_contain_text("Đến lượt")
    page.click("#act-next")
    expect_in(page, first)
    expect(page.locator(".now .name")).not_to_be_empty()
    expect(page.locator(".now .birth")).to_contain_text("Sinh")
    expect(page.locator("#undo")).to_contain_text(f"Đã gọi {first}")
    assert list_serious_faults(page) == []


def test_a_whole_visit_with_keys_only(open_page: OpenPage, hall: Hall) -> None:
    first, second, third = take(hall, "203", 3)
    page = open_room(open_page, hall, "203")
    page.keyboard.press("F2")
    expect_in(page, first)
    page.keyboard.press("F3")
    expect(page.locator(".now-foot")).to_contain_text("Gọi lần 2")
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F8")
    expect(page.locator(".now-head")).to_contain_text("Trong phòng")
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F6")
    expect(page.locator("#aside .number")).to_have_text([first])
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("Control+z")
    expect_in(page, first)
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F9")
    expect(page.locator(".now-number")).to_have_count(0)
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("Space")
    expect_in(page, second)
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F4")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.press("F2")
    expect_in(page, second)
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_be_hidden()
    expect(page.locator("#aside .number")).to_have_text([second])
    expect(page.locator("#act-next")).to_be_focused()
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("Enter")
    expect_in(page, third)
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_contain_text("Phím tắt")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()


def test_a_double_click_and_a_held_key_call_one(open_page: OpenPage, hall: Hall) -> None:
    first, second, third = take(hall, "204", 3)
    page = open_room(open_page, hall, "204")
    page.dblclick("#act-next")
    expect_in(page, first)
    page.wait_for_timeout(PAUSE_MS)
    expect_waiting(page, second, third)
    for _ in range(12):
        page.keyboard.down("Enter")
        page.wait_for_timeout(120)
    page.keyboard.up("Enter")
    expect_in(page, second)
    page.wait_for_timeout(PAUSE_MS)
    expect_waiting(page, third)


def test_a_press_on_an_old_page_calls_nobody_and_says_so(open_page: OpenPage, hall: Hall) -> None:
    first, second, third = take(hall, "205", 3)
    page = open_room(open_page, hall, "205")
    expect_waiting(page, first, second, third)
    other = RoomStaff(hall.staff("letan"), hall.find_room("205"))

    def go_first(route: Route) -> None:
        """Another computer is faster by the time of one request: the page gives up after five seconds."""
        other.next()
        route.continue_()

    page.route("**/next", go_first)
    page.keyboard.press("F2")
    expect(page.locator("#banner")).to_contain_text("Có người vừa thay đổi trước")
    expect_in(page, first)
    expect_waiting(page, second, third)


def test_two_browsers_stay_in_step_and_undo_gives_way(open_page: OpenPage, hall: Hall) -> None:
    first, second = take(hall, "206", 2)
    one, other = (open_room(open_page, hall, "206") for _ in range(2))
    one.click("#act-next")
    expect_in(one, first)
    expect_in(other, first)
    expect(other.locator("#undo")).to_be_visible()
    other.wait_for_timeout(PAUSE_MS)
    # The other goes on with the same number while the answer to the first is still on its way.
    undo: str = one.evaluate(
        """() => fetch(location.pathname.replace('/staff', '/api/v1'))
          .then((reply) => reply.json()).then((room) => room.undo.id)"""
    )
    other.keyboard.press("F8")
    expect(one.locator(".now-head")).to_contain_text("Trong phòng")
    refused: dict[str, Any] = one.evaluate(
        """(id) => fetch(`${location.pathname.replace('/staff', '/api/v1')}/acts/${id}/undo`, {
          method: 'POST',
          headers: {
            'Idempotency-Key': 'late-undo',
            'X-CSRF-Token': document.querySelector('meta[name=csrf]').content,
          },
        }).then((reply) => reply.json())""",
        undo,
    )
    assert refused["code"] == "changed_meanwhile"
    expect_waiting(one, second)
    one.wait_for_timeout(PAUSE_MS)
    one.keyboard.press("Control+z")
    expect(other.locator(".now-head")).to_contain_text("Đang gọi")


def test_undo_that_comes_too_late_says_why(open_page: OpenPage, hall: Hall) -> None:
    (first,) = take(hall, "207", 1)
    page = open_room(open_page, hall, "207")
    page.keyboard.press("F2")
    expect_in(page, first)
    page.wait_for_timeout(PAUSE_MS)

    def go_on_first(route: Route) -> None:
        """Somebody else is faster by the time of one request."""
        RoomStaff(hall.staff("letan"), hall.find_room("207")).act("serve")
        route.continue_()

    page.route("**/undo", go_on_first)
    page.keyboard.press("Control+z")
    expect(page.locator("#banner")).to_contain_text("đã có người thao tác tiếp")
    expect(page.locator(".now-head")).to_contain_text("Trong phòng")


def test_to_tests_and_back_with_results(open_page: OpenPage, hall: Hall) -> None:
    (first,) = take(hall, "301", 1)
    page = open_room(open_page, hall, "301")
    page.click("#act-next")
    expect_in(page, first)
    page.wait_for_timeout(PAUSE_MS)
    page.click("#act-tests")
    page.fill("dialog input[type=search]", "lay mau")
    page.click("dialog .pick:visible")
    page.fill("dialog input[type=search]", "x-quang")
    page.click("dialog .pick:visible")
    expect(page.locator("dialog .chosen b")).to_have_text(["Lấy máu xét nghiệm", "Chụp X-quang"])
    expect(page.locator("#come-back")).to_be_checked()
    page.click("dialog [aria-label='Lên: Chụp X-quang']")
    expect(page.locator("dialog .chosen b")).to_have_text(["Chụp X-quang", "Lấy máu xét nghiệm"])
    assert list_serious_faults(page) == []
    page.click("#send")
    expect(page.locator(".now-number")).to_have_count(0)
    expect(page.locator("#aside")).to_contain_text("Chờ bước trước")
    for code in ("B202", "B201"):
        tests = RoomStaff(hall.staff("phong"), hall.find_room(code))
        tests.next()
        tests.act("finish")
    expect(page.locator("#aside")).to_contain_text("Chờ kết quả")
    page.wait_for_timeout(PAUSE_MS)
    page.click("#aside >> text=Đã có đủ kết quả")
    expect(page.locator("#waiting .why")).to_contain_text("Quay lại với kết quả")
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F2")
    expect_in(page, first)


def test_pausing_closing_and_opening(open_page: OpenPage, hall: Hall) -> None:
    take(hall, "302", 1)
    page = open_room(open_page, hall, "302", lang="en")
    page.click("#act-pause")
    page.click("dialog >> text=15 min")
    page.click("dialog >> text=Meeting")
    expect(page.locator("#room-state")).to_contain_text("Paused until")
    expect(page.locator("#act-next")).to_be_disabled()
    page.wait_for_timeout(PAUSE_MS)
    page.click("#act-close")
    expect(page.locator("dialog")).to_contain_text("people still wait here")
    page.click("dialog >> text=End of the day")
    expect(page.locator("#room-state")).to_contain_text("Closed")
    page.wait_for_timeout(PAUSE_MS)
    page.click("#act-open")
    expect(page.locator("#room-state")).to_have_text("Open")
    page.wait_for_timeout(PAUSE_MS)
    page.click("#act-doctor")
    page.click("dialog .pick >> nth=1")
    expect(page.locator("#doctor")).not_to_have_text("No doctor named")


def test_the_list_to_print(open_page: OpenPage, hall: Hall) -> None:
    numbers = take(hall, "302", 2)
    page = open_page(f"/staff/rooms/{hall.find_room('302')}/list", name="phong")
    for number in numbers:
        expect(page.locator("td.number", has_text=number)).to_be_visible()
    assert list_serious_faults(page) == []
    page.emulate_media(media="print")
    expect(page.locator("header.bar")).to_be_hidden()


def test_nothing_kept_outlives_the_day(open_page: OpenPage, hall: Hall) -> None:
    page = open_room(open_page, hall, "302")
    page.evaluate(
        """() => localStorage.setItem('tiepdon-room-old', JSON.stringify({ day: '2026-01-01' }))"""
    )
    assert page.evaluate("Object.keys(localStorage).length") == 2
    page.reload()
    page.wait_for_selector("html[data-ready]")
    kept: list[str] = page.evaluate("Object.keys(localStorage)")
    assert kept == [f"tiepdon-room-{hall.find_room('302')}"]


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_of_a_room_fits_a_phone(open_page: OpenPage, hall: Hall, width: int) -> None:
    take(hall, "302", 1)
    page = open_room(open_page, hall, "302", size={"width": width, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert list_serious_faults(page) == []
    box = page.locator("#act-next").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 740, "the main button is in sight without scrolling"


def when_away(page: Page) -> None:
    expect(page.locator("#lost")).to_contain_text("Mất kết nối")


def when_back(page: Page) -> None:
    expect(page.locator("#lost")).to_be_hidden(timeout=30_000)


@pytest.fixture
def own_hall(own_server: DemoServer) -> Hall:
    return Hall(own_server)


def test_calling_on_without_the_server_and_handing_it_in(
    open_page: OpenPage, own_server: DemoServer, own_hall: Hall
) -> None:
    first, second, third, fourth = take(own_hall, "104", 4)
    page = open_room(open_page, own_hall, "104")
    page.evaluate(
        """() => {
          window.heard = [];
          const room = location.pathname.split('/').pop();
          window.ear = new BroadcastChannel(`tiepdon-room-${room}`);
          window.ear.onmessage = ({ data }) => window.heard.push([data.number, data.attempt]);
        }"""
    )
    page.keyboard.press("F2")
    expect_in(page, first)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_timeout(PAUSE_MS)
    name = page.locator(".now .name").inner_text()
    kept: str = page.evaluate("JSON.stringify(localStorage)")
    assert second in kept
    assert name not in kept

    own_server.kill()
    when_away(page)
    expect(page.locator("#lost")).to_contain_text("đang gọi theo danh sách lúc")
    page.keyboard.press("F2")
    expect_in(page, second)
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F3")
    expect(page.locator(".now-foot")).to_contain_text("Gọi lần 2")
    page.wait_for_timeout(PAUSE_MS)
    assert page.evaluate("window.heard") == [[second, 1], [second, 2]]
    page.keyboard.press("F4")
    expect(page.locator(".now-number")).to_have_count(0)

    # Also a page that is opened again while the server is away.
    page.reload()
    when_away(page)
    expect_waiting(page, third, fourth)
    page.keyboard.press("F2")
    expect_in(page, third)

    own_server.start()
    when_back(page)
    expect(page.locator("#banner")).to_contain_text("Đã kết nối lại")
    expect_in(page, third)
    expect_waiting(page, fourth)
    expect(page.locator("#aside .number")).to_have_text([second])
    assert calls_of(own_hall, "104") == [third]
    page.wait_for_timeout(PAUSE_MS)
    page.keyboard.press("F2")
    expect_in(page, fourth)


def test_what_another_room_called_meanwhile_is_told(
    open_page: OpenPage, own_server: DemoServer, own_hall: Hall
) -> None:
    first, second = take(own_hall, "104", 2)
    page = open_room(open_page, own_hall, "104")
    expect_waiting(page, first, second)
    page.route("**/api/v1/**", cut_off)
    when_away(page)
    page.keyboard.press("F2")
    expect_in(page, first)
    # Another computer, which the server answers, sends the same patient home meanwhile.
    staff = own_hall.staff("letan")
    room_id = own_hall.find_room("104")
    step = staff.get(f"/rooms/{room_id}")["waiting"][0]
    body = {"version": step["version"], "reason": "patient_asked"}
    staff.post(f"/rooms/{room_id}/steps/{step['step_id']}/leave", body)
    page.unroute("**/api/v1/**", cut_off)
    when_back(page)
    expect(page.locator("#banner")).to_contain_text("Có lượt gọi chưa được ghi nhận")
    expect(page.locator("#banner li")).to_have_text([f"{first}: người bệnh đã hủy"])
    expect_waiting(page, second)


def cut_off(route: Route) -> None:
    route.abort("connectionfailed")
