"""Settings and the first set-up in real pages against a real server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from backend.domain.settings_guide import GROUPS
from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.first_day import STEPS, become_administrator, go_through
from tiepdon.demo.server import DemoServer

BASE = "/staff/settings"
SIZES = ((1280, 800), (390, 844))


def expect_usable(page: Page) -> None:
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert list_serious_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def preview(page: Page) -> None:
    page.get_by_role("button", name="Xem trước").click()


@pytest.mark.parametrize("path", ["", *(f"/{group.key}" for group in GROUPS), "/import"])
def test_usable_by_everybody(open_page: OpenPage, path: str) -> None:
    expect_usable(open_page(f"{BASE}{path}", name="it"))


def test_home_leads_to_the_settings_of_the_it_desk_only(open_page: OpenPage) -> None:
    page = open_page("/staff", name="it")
    page.get_by_role("link", name="Cấu hình").click()
    page.get_by_role("link", name=re.compile("^Giờ giấc")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Giờ giấc")
    assert open_page(BASE, name="letan").locator("main.settings").count() == 0


def test_a_change_is_seen_before_it_counts_and_taken_back(open_page: OpenPage) -> None:
    page = open_page(f"{BASE}/times", name="it")
    field = page.get_by_label("Có hẹn, được đến muộn")
    expect(field).to_have_value("15")
    field.fill("20")
    preview(page)
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("15 phút")
    expect(row).to_contain_text("20 phút")
    expect(row).to_contain_text("Người đang chờ")
    expect_usable(page)
    page.get_by_role("button", name="Sửa lại").click()
    expect(page.get_by_label("Có hẹn, được đến muộn")).to_have_value("20")
    preview(page)
    page.get_by_role("button", name="Áp dụng").click()
    expect(page.get_by_role("status")).to_contain_text("Đã áp dụng 1 mục")
    expect(page.get_by_label("Có hẹn, được đến muộn")).to_have_value("20")
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.get_by_role("status")).to_contain_text("Đã hoàn tác 1 mục")
    expect(page.locator("details.version").first).to_contain_text("Đỗ Văn Máy")
    expect_usable(page)
    again = open_page(f"{BASE}/times", name="it")
    expect(again.get_by_label("Có hẹn, được đến muộn")).to_have_value("15")


def test_a_refused_value_says_so_at_its_field(open_page: OpenPage) -> None:
    page = open_page(f"{BASE}/numbers", name="it")
    page.get_by_label("Hàng thường").fill("1")
    preview(page)
    expect(page.locator(".of-table .wrong")).to_contain_text("Cần một đến ba chữ in hoa")
    expect(page.get_by_label("Hàng thường")).to_have_value("1")
    expect_usable(page)
    assert open_page(f"{BASE}/numbers", name="it").get_by_label("Hàng thường").input_value() == "A"


def test_a_priority_group_with_its_law(open_page: OpenPage) -> None:
    page = open_page(f"{BASE}/priority", name="it")
    page.locator("summary", has_text="Thêm nhóm ưu tiên").click()
    new = page.locator("details", has_text="Thêm nhóm ưu tiên")
    new.get_by_label("Mã nhóm").fill("nguoi_ngheo")
    new.get_by_label("Tên nhóm").fill("Người thuộc hộ nghèo")
    new.get_by_label("Tên tiếng Anh").fill("Low income")
    new.get_by_label("Căn cứ pháp lý").fill("Nghị quyết 12/2026/NQ-HĐND")
    new.get_by_label("Áp dụng từ ngày").fill("2099-01-01")
    preview(page)
    page.get_by_role("button", name="Áp dụng").click()
    row = page.locator("summary", has_text="Người thuộc hộ nghèo")
    expect(row).to_contain_text("Chưa đến ngày")
    expect(row).to_contain_text("Nghị quyết 12/2026")
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.get_by_role("status")).to_contain_text("Đã hoàn tác")


def test_the_second_of_two_is_told(open_page: OpenPage) -> None:
    first = open_page(f"{BASE}/calling", name="it")
    second = open_page(f"{BASE}/calling", name="it")
    first.get_by_label("Gọi lại sau").fill("40")
    preview(first)
    second.get_by_label("Gọi lại sau").fill("50")
    preview(second)
    first.get_by_role("button", name="Áp dụng").click()
    expect(first.get_by_role("status")).to_be_visible()
    second.get_by_role("button", name="Áp dụng").click()
    expect(second.get_by_role("alert").first).to_contain_text("Người khác vừa đổi phần này")
    expect(second.locator(".lost")).to_contain_text("50 giây")
    expect(second.get_by_label("Gọi lại sau")).to_have_value("40")
    first.get_by_role("button", name="Hoàn tác").click()


def _download(page: Page) -> dict[str, object]:
    with page.expect_download() as found:
        page.get_by_role("link", name="Tải tệp về").click()
    document: dict[str, object] = json.loads(Path(found.value.path()).read_text(encoding="utf-8"))
    return document


def _upload(page: Page, document: object) -> None:
    page.goto(f"{BASE}/import")
    content = json.dumps(document).encode()
    file: FilePayload = {"name": "cau-hinh.json", "mimeType": "application/json", "buffer": content}
    page.set_input_files("[name=file]", file)
    page.get_by_role("button", name="Kiểm tra và xem trước").click()


def test_a_file_with_a_wrong_room_is_refused_whole(open_page: OpenPage) -> None:
    board = open_page("/staff/displays", name="it")
    board.fill("[name=name]", "Sảnh tệp")
    board.locator("label.choice", has_text="101").first.locator("input").check()
    board.locator("form.fields button").click()
    expect(board.locator("img.qr")).to_be_visible()
    page = open_page(BASE, name="it")
    document = _download(page)
    document["displays"]["Sảnh tệp"]["rooms"] = ["999"]  # type: ignore[index]  # read as JSON
    document["settings"]["late_min"] = 33  # type: ignore[index]  # read as JSON
    _upload(page, document)
    expect(page.get_by_role("alert")).to_contain_text("Chưa có gì thay đổi")
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text('displays["Sảnh tệp"].rooms[0]')
    expect(row).to_contain_text("Bệnh viện không có phòng 999.")
    expect_usable(page)
    times = open_page(f"{BASE}/times", name="it")
    expect(times.get_by_label("Có hẹn, được đến muộn")).to_have_value("15")


def test_a_file_is_shown_taken_and_taken_back(open_page: OpenPage) -> None:
    page = open_page(BASE, name="it")
    document = _download(page)
    _upload(page, document)
    expect(page.get_by_role("alert")).to_contain_text("không có gì để đổi")
    document["settings"]["late_min"] = 33  # type: ignore[index]  # read as JSON
    _upload(page, document)
    expect(page.locator("tbody tr")).to_contain_text("33 phút")
    page.get_by_role("button", name="Áp dụng").click()
    expect(page.get_by_role("status")).to_contain_text("Đã áp dụng 1 mục")
    page.get_by_role("button", name="Hoàn tác").first.click()
    expect(page.get_by_role("status")).to_contain_text("Đã hoàn tác 1 mục")


# --- the first day ---------------------------------------------------------------------------


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[DemoServer]:
    server = DemoServer(tmp_path / "empty", demo=False)
    server.start()
    yield server
    server.stop()


def test_an_empty_server_is_led_to_its_first_patient(
    chromium: Browser, empty_server: DemoServer
) -> None:
    context = chromium.new_context(base_url=empty_server.address)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    code = empty_server.set_up_code()
    page.goto("/")
    page.fill("[name=code]", "AAAA-BBBB-CCCC")
    page.fill("[name=name]", "ke.xau")
    page.fill("[name=display_name]", "Kẻ Xấu")
    for name in ("password", "again"):
        page.fill(f"[name={name}]", "Sen-hong-no-som-mai-24")
    page.get_by_role("button", name="Tạo quản trị viên").click()
    expect(page.get_by_role("alert")).to_contain_text("Mã không đúng")

    seen: list[str] = []

    def look(step: str) -> None:
        seen.append(step)
        expect_usable(page)

    become_administrator(page, code, look)
    # Left and gone on with: a restart of the server in between changes nothing.
    empty_server.stop()
    empty_server.start()
    page.goto("/staff")
    page.get_by_role("link", name="Cài đặt lần đầu").click()
    page.wait_for_url("**/staff/setup/facility")
    go_through(page, look)
    assert seen == ["start", *STEPS, "end"]
    expect(page.locator(".checks")).to_contain_text(["Chưa nhập cấp chuyên môn"])
    page.get_by_role("button", name="Kết thúc cài đặt").click()
    page.wait_for_url("**/staff")
    expect(page.get_by_role("link", name="Cài đặt lần đầu")).to_have_count(0)
    expect(page.locator("header")).to_contain_text("Trạm Y tế xã Thạch Lũng")
    context.close()

    other = chromium.new_context(base_url=empty_server.address)
    stranger = other.new_page()
    stranger.goto("/staff/setup/start")
    expect(stranger.locator("main.login")).to_be_visible()
    other.close()
    assert errors == []
