"""The reception desk in a real browser: what a day there is made of."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from backend.domain.ids import new_id
from his_adapter.demo.faults import Faults, write_faults
from tests.browser.conftest import Hall, OpenPage, list_serious_faults

SERVICE = "Khám Nội tổng hợp"
DESK = "/staff/reception"
SIZES = {
    "wide": {"width": 1920, "height": 1080},
    "tablet": {"width": 1024, "height": 768},
    "phone": {"width": 360, "height": 740},
}


def search(page: Page, text: str) -> None:
    page.fill("#search-text", text)
    page.press("#search-text", "Enter")


def open_number(page: Page, number: str) -> None:
    search(page, number)
    expect(page.locator("#detail .big-number")).to_have_text(number)


def describe(page: Page, name: str, born: str = "1992") -> None:
    """Somebody without papers, up to the choice of a service."""
    page.click("#register")
    page.get_by_role("button", name="Không có giấy tờ").click()
    page.check("#notice")
    page.fill("#full-name", name)
    page.fill("#born", born)
    page.get_by_label("Nữ").check()
    page.get_by_role("button", name="Tiếp tục").click()


def take(page: Page, service: str = SERVICE) -> str:
    """Chooses the service and takes the number."""
    page.fill("#service-filter", service)
    page.locator(".services .desk-row").first.click()
    page.get_by_role("button", name="Lấy số", exact=True).click()
    expect(page.get_by_role("button", name="Người tiếp theo")).to_be_visible()
    return page.locator("#detail .big-number").inner_text()


class Agent(requests.Session):
    """A print agent, with the name staff know it by."""

    name: str


@pytest.fixture
def agent(hall: Hall) -> Agent:
    """An enrolled print agent that has given a sign of life."""
    session = Agent()
    session.trust_env = False
    code = {"code": "DEMO-AGENT", "name": f"Máy in {new_id()[-4:]}"}
    reply = session.post(f"{hall.address}/api/v1/kiosks/enrol", json=code, timeout=10)
    session.headers["Authorization"] = f"Bearer {reply.json()['token']}"
    session.post(f"{hall.address}/api/v1/kiosks/heartbeat", timeout=10).raise_for_status()
    session.name = code["name"]
    return session


@pytest.mark.parametrize("size", SIZES)
def test_the_desk_is_usable_by_everybody(open_page: OpenPage, hall: Hall, size: str) -> None:
    number = hall.take(SERVICE)["number"]
    page = open_page(DESK, name="letan", size=SIZES[size], lang="en" if size == "wide" else "vi")
    expect(page.locator(".desk-row").first).to_be_visible()
    assert list_serious_faults(page) == []
    open_number(page, number)
    assert list_serious_faults(page) == []
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= SIZES[size]["width"]


def letters() -> str:
    """Tells people apart; a tail of digits would be looked for as a number."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in new_id()[-5:])


def test_a_name_is_found_without_accents_and_never_in_the_address(open_page: OpenPage) -> None:
    page = open_page(DESK, name="letan")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    name = f"Đặng Thị Mười Hường {letters()}"
    describe(page, name)
    number = take(page)
    search(page, "muoi huong dang")
    expect(page.locator("#list")).to_contain_text(name)
    expect(page.locator("#list")).to_contain_text(number)
    assert not [url for url in asked if "huong" in url.casefold() or "%C6" in url]


def test_a_script_in_a_name_is_shown_as_text(open_page: OpenPage) -> None:
    page = open_page(DESK, name="letan")
    tail = letters()
    name = f"<img src=x onerror=alert(1)> Thử {tail}"
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    describe(page, name)
    take(page)
    search(page, f"thu {tail}")
    expect(page.locator("#detail h2")).to_have_text(name)
    assert page.locator("#detail img, #list img").count() == 0


def test_somebody_without_papers_gets_a_number_with_keys_only(open_page: OpenPage) -> None:
    page = open_page(DESK, name="letan")
    page.focus("#register")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Không có giấy tờ").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#full-name")).to_be_focused()
    page.keyboard.type(f"Bé Na {new_id()[-6:]}")
    page.keyboard.press("Tab")
    page.keyboard.type("03/05/2023")
    page.focus("#notice")
    page.keyboard.press("Space")
    page.focus("#born")
    page.keyboard.press("Enter")
    expect(page.locator("#service-filter")).to_be_focused()
    page.keyboard.type("nhi")
    page.locator(".services .desk-row:not([disabled])").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_contain_text("Ưu tiên theo tuổi")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .big-number")).to_have_text(re.compile(r"U\d{3}"))


def test_the_notice_comes_before_anything_else(open_page: OpenPage, hall: Hall) -> None:
    """A demo takes it as read; elsewhere the desk says so. What is sent is what was ticked."""
    page = open_page(DESK, name="letan")
    sent: list[Any] = []
    page.on("request", lambda r: sent.append(r.post_data_json) if r.url.endswith("describe") else 0)
    describe(page, f"Lê Thử {new_id()[-6:]}")
    expect(page.locator("#service-filter")).to_be_visible()
    assert sent[0]["notice"]["language"] == "vi"
    assert hall.server is not None


def test_going_on_where_a_kiosk_gave_up(open_page: OpenPage, hall: Hall) -> None:
    scan = hall.scan()
    service = next(
        each
        for each in hall.get(f"/services?scan_id={scan['scan_id']}")["items"]
        if each["name"]["vi"] == SERVICE
    )
    chosen = {"visit_kind": "new", "service_id": service["id"], "priority_group": "disabled"}
    hall.post(
        "/help-calls",
        {"kind": "help", "screen": "priority", "scan_id": scan["scan_id"], "chosen": chosen},
    )
    page = open_page(DESK, name="letan")
    call = page.locator("#calls-strip .help-call").last
    expect(call).to_contain_text("Gọi người giúp")
    call.get_by_role("button", name="Làm tiếp tại đây").click()
    expect(page.locator("#detail .hint").first).to_contain_text("dừng ở bước: Ưu tiên")
    expect(page.locator("#detail .chosen b")).to_have_text(SERVICE)
    expect(page.locator("#priority")).to_have_value("disabled")
    expect(page.locator("#calls-strip .help-call")).to_have_count(0)
    page.get_by_role("button", name="Lấy số", exact=True).click()
    expect(page.locator("#detail .big-number")).to_have_text(re.compile(r"U\d{3}"))


def test_a_priority_is_confirmed_or_lowered(open_page: OpenPage, hall: Hall) -> None:
    stays, falls = (hall.take(SERVICE, priority_group="disabled")["number"] for _ in range(2))
    page = open_page(DESK, name="letan")
    open_number(page, stays)
    page.get_by_role("button", name="Đúng, đã xem giấy tờ").click()
    expect(page.locator("#banner")).to_have_text(re.compile("Đã ghi nhận ưu tiên"))
    expect(page.locator(".question")).to_have_count(0)
    open_number(page, falls)
    page.get_by_role("button", name="Chuyển về hàng thường").click()
    page.get_by_role("button", name="Không có giấy tờ").click()
    expect(page.locator(".visit-head .chip")).to_have_text("Thường")


def test_two_members_of_staff_on_one_ticket(open_page: OpenPage, hall: Hall) -> None:
    number = hall.take(SERVICE, priority_group="disabled")["number"]
    first, second = (open_page(DESK, name="letan") for _ in range(2))
    # The second page hears of nothing: as on a slow network, it still shows the question.
    second.route("**/desk", lambda route: route.continue_() if not held else route.abort())
    held: list[bool] = []
    for page in (first, second):
        open_number(page, number)
    held.append(True)
    first.get_by_role("button", name="Đúng, đã xem giấy tờ").click()
    expect(first.locator(".question")).to_have_count(0)
    second.get_by_role("button", name="Chuyển về hàng thường").click()
    second.get_by_role("button", name="Không có giấy tờ").click()
    expect(second.locator("#banner")).to_be_visible()
    held.clear()
    open_number(second, number)
    expect(second.locator(".visit-head .chip")).to_have_text("Ưu tiên")


def test_a_decision_shows_on_the_other_page(open_page: OpenPage, hall: Hall) -> None:
    number = hall.take(SERVICE, priority_group="disabled")["number"]
    first, second = (open_page(DESK, name="letan") for _ in range(2))
    for page in (first, second):
        open_number(page, number)
    first.get_by_role("button", name="Đúng, đã xem giấy tờ").click()
    expect(second.locator(".question")).to_have_count(0)


def test_a_ticket_is_printed_by_an_agent(open_page: OpenPage, hall: Hall, agent: Agent) -> None:
    number = hall.take(SERVICE)["number"]
    page = open_page(DESK, name="letan")
    open_number(page, number)
    page.select_option("#print-agent", label=agent.name)
    page.get_by_role("button", name="In", exact=True).click()
    expect(page.locator(".print-state")).to_contain_text("đang chờ máy in")
    taken = agent.post(f"{hall.address}/api/v1/print-requests/take", timeout=10).json()["items"]
    assert [each["ticket"]["number"] for each in taken] == [number]
    expect(page.locator(".print-state")).to_contain_text("đang in")
    agent.post(
        f"{hall.address}/api/v1/print-requests/{taken[0]['id']}/state",
        json={"state": "printed"},
        timeout=10,
    ).raise_for_status()
    expect(page.locator(".print-state")).to_contain_text("đã in xong")
    open_number(page, number)
    expect(page.locator("#print-agent option:checked")).to_have_text(agent.name)


def test_two_records_become_one_after_two_questions(open_page: OpenPage) -> None:
    page = open_page(DESK, name="letan")
    # Letters only: figures are looked for among numbers, not among names.
    tail = new_id()[-6:].translate(str.maketrans("0123456789", "ghiklmnopq"))
    describe(page, f"Trần Văn Hai {tail}", "12/04/1970")
    kept = take(page)
    describe(page, f"Trần Văn Hay {tail}", "12/04/1970")
    other = take(page)
    open_number(page, kept)
    page.get_by_role("button", name="Gộp với hồ sơ khác").click()
    page.fill("#merge-text", other)
    page.press("#merge-text", "Enter")
    page.locator(".merge-results .desk-row").click()
    expect(page.locator(".merge")).to_contain_text(f"số {other} sẽ kết thúc")
    # News of the visit must not take the question away.
    visit_module = "const { openVisit, shownVisit } = await import('/assets/reception_visit.js');"
    page.evaluate(
        f"async () => {{ {visit_module} await openVisit(shownVisit(), {{ background: true }}); }}"
    )
    expect(page.locator(".merge .wrong")).to_be_visible()
    page.get_by_role("button", name="Đúng, gộp hai hồ sơ").click()
    expect(page.locator("#banner")).to_have_text(re.compile("Đã gộp hai hồ sơ"))
    search(page, f"tran {tail}")
    expect(page.locator("#list .desk-row b")).to_have_text([f"Trần Văn Hai {tail}"] * 2)
    expect(page.locator("#list")).to_contain_text("đã hủy")


def test_a_room_is_closed_and_its_people_move(open_page: OpenPage, hall: Hall) -> None:
    hall.take(SERVICE)
    page = open_page(DESK, name="letan")
    page.locator("[data-tab=rooms]").click()
    row = page.locator("#list .desk-row", has_text=re.compile(r"[1-9]\d* người chờ")).first
    row.click()
    page.get_by_role("button", name="Đóng phòng").click()
    expect(page.locator("#banner")).to_have_text(re.compile("Mời chọn lý do"))
    page.select_option("#room-why", "staff_away")
    page.get_by_role("button", name="Đóng phòng").click()
    expect(page.locator("#detail .room-closed")).to_be_visible()
    expect(page.locator("#detail")).to_contain_text("Lê Thị Tiếp đổi lúc")
    page.get_by_role("button", name="Mở phòng").click()
    expect(page.locator("#detail .room-open")).to_be_visible()
    page.select_option("#move-why", "balance")
    page.get_by_role("button", name=re.compile(r"Chuyển \d+ người")).click()
    expect(page.locator("#banner")).to_have_text(re.compile(r"Đã chuyển [1-9]\d* người"))
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator("#banner")).to_have_text(re.compile("Đã hoàn tác"))


def test_another_role_does_not_see_the_desk(open_page: OpenPage) -> None:
    page = open_page(DESK, name="thungan")
    expect(page.locator("h1")).to_have_text("Bạn chưa được mở trang này")


def test_a_lost_line_is_said_and_comes_back(open_page: OpenPage, hall: Hall) -> None:
    hall.take(SERVICE)
    page = open_page(DESK, name="letan")
    expect(page.locator(".desk-row").first).to_be_visible()
    page.context.set_offline(True)
    search(page, "A001")
    expect(page.locator("#banner")).to_contain_text("Chưa liên lạc được máy chủ")
    page.context.set_offline(False)
    search(page, "A001")
    expect(page.locator("#list h2")).to_contain_text("Kết quả tìm")


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_the_category_is_confirmed_or_changed_with_its_slip(
    open_page: OpenPage, hall: Hall, size: str
) -> None:
    number = hall.take(SERVICE)["number"]
    page = open_page(DESK, name="letan", size=SIZES[size])
    open_number(page, number)
    part = page.locator("#detail .category")
    expect(part).to_contain_text("1.1 · Khám đúng nơi đăng ký ban đầu")
    part.get_by_role("button", name="Xác nhận").click()
    expect(part).to_contain_text("Đã xác nhận")
    part.get_by_text("Mã khác").click()
    expect(part.get_by_label("Số phiếu")).to_be_hidden()
    part.locator("#category-code").select_option("1.3")
    part.get_by_label("Số phiếu").fill(f"99002/GCT/{letters()}")
    part.get_by_label("Ngày ký").fill("2026-01-05")
    assert list_serious_faults(page) == []
    part.get_by_role("button", name="Đổi").click()
    expect(page.locator("#banner")).to_contain_text("Phiếu chuyển đã hết hạn")
    part.locator("#category-code").select_option("1.4")
    part.get_by_role("button", name="Đổi").click()
    expect(part).to_contain_text("1.4 ·")
    expect(part).to_contain_text("Đã xác nhận · Quầy đã chọn")


def test_the_proof_of_failed_look_ups_can_be_printed(open_page: OpenPage, hall: Hall) -> None:
    write_faults(hall.server.his_folder, Faults(coverage_code="101"))
    try:
        number = hall.take(SERVICE)["number"]
    finally:
        write_faults(hall.server.his_folder, Faults())
    page = open_page(DESK, name="letan")
    open_number(page, number)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Bằng chứng tra cứu thẻ").click()
    sheet = opened.value
    expect(sheet.locator("main")).to_contain_text("Điều 38 khoản 2 Nghị định 188/2025/NĐ-CP")
    expect(sheet.locator(".lookup")).to_have_count(1)
    assert list_serious_faults(sheet) == []
    sheet.evaluate("window.print = () => document.body.setAttribute('data-printed', '')")
    sheet.get_by_role("button", name="In trang này").click()
    expect(sheet.locator("body[data-printed]")).to_have_count(1)


def test_phone_and_address_are_corrected(open_page: OpenPage, hall: Hall) -> None:
    number = hall.take(SERVICE)["ticket"]["number"]
    page = open_page(DESK, name="letan")
    open_number(page, number)
    page.get_by_text("Sửa điện thoại, địa chỉ…").click()
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.locator("#banner")).to_contain_text("Mời gõ điện thoại hoặc địa chỉ mới")
    page.fill("#contact-phone", "0900 000 177")
    page.fill("#contact-address", "Số 7 đường Thử")
    assert list_serious_faults(page) == []
    page.get_by_role("button", name="Lưu", exact=True).click()
    expect(page.locator("#banner")).to_contain_text("HIS sẽ được báo")
    expect(page.locator(".person")).to_contain_text("•77")
    expect(page.locator(".person")).to_contain_text("Số 7 đường Thử")
    expect(page.locator(".person .contact")).not_to_have_attribute("open", "")
    search(page, "0900000177")
    expect(page.locator("#detail .big-number")).to_have_text(number)


def test_a_history_is_handed_to_the_doctor_and_not_shown_again(
    open_page: OpenPage, hall: Hall
) -> None:
    number = hall.take(SERVICE)["ticket"]["number"]
    page = open_page(DESK, name="letan")
    open_number(page, number)
    page.get_by_text("Ghi tiền sử…").click()
    page.fill("#history-allergies", "Tôm & cua")
    assert list_serious_faults(page) == []
    page.get_by_role("button", name="Gửi cho bác sĩ").click()
    expect(page.locator("#banner")).to_contain_text("Bác sĩ xem trên HIS")
    page.get_by_text("Ghi tiền sử…").click()
    expect(page.locator("#history-allergies")).to_have_value("")
