"""Who answers for the trail finds what somebody did, takes it out and sees that it is whole."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall

CHECK_MS = 60_000


def test_reads_of_people_are_found_and_taken_out(hall: Hall, open_page: OpenPage) -> None:
    desk = open_page("/staff/reception", name="letan")
    desk.fill("#search-text", "Nguyễn")
    desk.press("#search-text", "Enter")
    desk.wait_for_timeout(500)
    page = open_page("/staff/audit", name="kiemtra")
    page.select_option("[name=event]", "logged_in")
    page.fill("[name=who]", "le thi tiep")
    page.locator("form[role=search] button").click()
    row = page.locator(".trail-table tbody tr").first
    expect(row).to_contain_text("Lê Thị Tiếp")
    expect(row).to_contain_text("127.0.0.1")
    expect(row).to_contain_text("+07")
    assert "tiep" not in page.url
    assert list_serious_faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Tải JSON").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["event"] for line in lines} == {"logged_in"}


def test_the_chain_is_checked_beside_the_work(hall: Hall, open_page: OpenPage) -> None:
    page = open_page("/staff/audit", name="kiemtra")
    page.get_by_role("button", name="Kiểm ngay").click()
    expect(page.locator(".chain .tag")).to_have_text("Chuỗi nguyên vẹn", timeout=CHECK_MS)


def test_an_incident_from_opening_to_closing(hall: Hall, open_page: OpenPage) -> None:
    page = open_page("/staff/incidents", name="kiemtra")
    page.fill("[name=about]", "Danh sách bị chụp lại")
    page.locator("form.stack button").click()
    expect(page.locator(".duty")).to_have_count(2)
    assert list_serious_faults(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Tải hồ sơ").click()
    assert download.value.suggested_filename.startswith("su-co-")
    report = page.locator(".duty").nth(1)
    report.locator("summary").click()
    report.locator("textarea").fill("CV 13/BV, giám đốc ký")
    report.get_by_role("button").click()
    page.locator("form[action$='/close'] textarea").fill("Đã thu lại, không ai bị hại")
    page.get_by_role("button", name="Đóng sự cố").click()
    expect(page.get_by_text("Đã thu lại, không ai bị hại")).to_be_visible()
    expect(page.locator("textarea")).to_have_count(0)


def test_a_request_is_answered_and_ended(hall: Hall, open_page: OpenPage) -> None:
    page = open_page("/staff/data-requests", name="chatluong")
    page.fill("[name=name]", "Trần Thị Hỏi")
    page.fill("[name=reach]", "0900000000")
    page.fill("[name=about]", "Muốn xem dữ liệu")
    page.locator("form.stack button").click()
    page.get_by_role("button", name="Đã trả lời người bệnh").click()
    assert list_serious_faults(page) == []
    page.locator("[name=words]").fill("Đã đưa bản in")
    page.get_by_role("button", name="Kết thúc", exact=True).click()
    expect(page.locator("main")).to_contain_text("Đã làm theo yêu cầu")
    expect(page.locator("main")).not_to_contain_text("Trần Thị Hỏi")
