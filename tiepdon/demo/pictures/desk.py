"""The reception desk, and calls for help that it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from his_adapter.demo.faults import Faults, write_faults
from tiepdon.demo.hall import Hall, Party
from tiepdon.demo.pictures.picture import DESK_TALL, TABLET, TABLET_LONG, Picture, press

if TYPE_CHECKING:
    from playwright.sync_api import Page

SERVICE = "Khám Nội tổng hợp"
_open_matters = press("[data-tab=open]", shows=".desk-filters")


def list_help() -> list[Picture]:
    return [Picture(name="help", path="/staff/help", account="letan", ready=".help-call, .row")]


def list_pictures(hall: Hall, agent: Party) -> list[Picture]:
    """`agent` prints for the desk."""
    desk = Picture(
        name="reception", path="/staff/reception", account="letan", ready="#list .desk-row"
    )
    tall = replace(desk, size=DESK_TALL)
    open_visit = _open_visit(_declare_priority(hall), agent)
    evidence = f"/staff/reception/visits/{_take_without_insurer(hall)}/evidence"
    return [
        desk,
        desk.in_english(),
        replace(desk, name="reception-tablet", size=TABLET),
        replace(desk, name="reception-open", prepare=_open_matters),
        replace(tall, name="reception-rooms", prepare=_open_room_of_the_day),
        replace(tall, name="reception-visit", prepare=open_visit),
        replace(desk, name="reception-evidence", path=evidence, ready=".evidence .lookup"),
        replace(tall, name="reception-register", prepare=_describe),
        replace(desk, name="reception-number", prepare=_take_number),
        replace(tall, name="reception-search", prepare=_search),
        replace(desk, name="reception-continue", size=TABLET_LONG, prepare=_go_on),
    ]


def ask_for_help(hall: Hall) -> None:
    """Somebody who gave up at the question about priority."""
    scan = hall.scan()
    services = hall.get(f"/services?scan_id={scan['scan_id']}")["items"]
    service = next(each for each in services if each["name"]["vi"] == SERVICE)
    chosen = {"visit_kind": "new", "service_id": service["id"], "priority_group": "disabled"}
    call = {"kind": "help", "screen": "priority", "scan_id": scan["scan_id"], "chosen": chosen}
    hall.post("/help-calls", call)


def enrol_print_agent(hall: Hall) -> Party:
    enrolled = Party(hall.address).post(
        "/kiosks/enrol", {"code": "DEMO-AGENT", "name": "Máy in quầy 1"}
    )
    return Party(hall.address, enrolled["token"])


def _declare_priority(hall: Hall) -> str:
    number: str = hall.take(SERVICE, priority_group="disabled")["ticket"]["number"]
    return number


def _take_without_insurer(hall: Hall) -> str:
    """The visit of somebody whose card could not be looked up."""
    write_faults(hall.server.his_folder, Faults(coverage_code="101"))
    visit_id: str = hall.take(SERVICE)["id"]
    write_faults(hall.server.his_folder, Faults())
    return visit_id


def _open_room_of_the_day(page: Page) -> None:
    page.click("[data-tab=rooms]")
    page.locator("#list .desk-row", has_text=re.compile(r"[1-9]\d* người chờ")).first.click()
    page.wait_for_selector("#room-why")


def _open_visit(number: str, agent: Party) -> Callable[[Page], None]:
    def open_visit(page: Page) -> None:
        agent.say_alive()
        page.fill("#search-text", number)
        page.press("#search-text", "Enter")
        page.wait_for_selector("#detail .question")
        page.wait_for_selector("#print-agent option:not([disabled])", state="attached")

    return open_visit


def _describe(page: Page) -> None:
    page.click("#register")
    page.get_by_role("button", name="Không có giấy tờ").click()
    page.check("#notice")
    page.fill("#full-name", "Nguyễn Thị Bưởi")
    page.fill("#born", "1958")
    page.get_by_label("Nữ").check()


def _take_number(page: Page) -> None:
    _describe(page)
    page.get_by_role("button", name="Tiếp tục").click()
    page.fill("#service-filter", "tim mach")
    page.locator(".services .desk-row").first.click()
    page.get_by_role("button", name="Lấy số", exact=True).click()
    page.wait_for_selector("#detail .big-number")


def _search(page: Page) -> None:
    page.fill("#search-text", "thi buoi")
    page.press("#search-text", "Enter")
    page.wait_for_selector("#detail .person")


def _go_on(page: Page) -> None:
    page.get_by_role("button", name="Làm tiếp tại đây").last.click()
    page.wait_for_selector("#detail .hint")
