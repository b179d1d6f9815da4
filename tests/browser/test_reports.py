"""Reports in a browser: read, compared, signed, taken away, printed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.hall import Hall
from tiepdon.demo.past import bring_past

QUALITY = "chatluong"


@pytest.fixture(scope="module")
def newest(hall: Hall) -> date:
    return bring_past(hall.server.database_url)


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
@pytest.mark.parametrize("span", ["day", "month"])
def test_usable_by_everybody_and_no_wider_than_the_screen(
    open_page: OpenPage, newest: date, lang: str, size: tuple[int, int], span: str
) -> None:
    width, height = size
    page = open_page(
        f"/staff/reports/{span}/{newest}",
        name=QUALITY,
        lang=lang,
        size={"width": width, "height": height},
    )
    expect(page.locator(".tile")).to_have_count(15)
    expect(page.locator("svg[role=img]").first).to_be_visible()
    assert list_serious_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_today_to_last_month_and_the_year(open_page: OpenPage, newest: date) -> None:
    page = open_page("/staff", name=QUALITY)
    page.locator("a[href='/staff/reports']").click()
    expect(page.locator("h1")).to_contain_text("Ngày")
    page.goto(f"/staff/reports/day/{newest}")
    page.locator("nav.tabs a").nth(2).click()
    expect(page.locator("h1")).to_have_text(f"Tháng {newest:%m/%Y}")
    page.locator("a[rel=prev]").click()
    expect(page.locator("h1")).not_to_have_text(f"Tháng {newest:%m/%Y}")
    page.locator("nav.tabs a").last.click()
    expect(page.locator("h1")).to_contain_text("Năm")
    tile = page.locator(".tile", has_text="Tự phục vụ")
    tile.locator("summary").click()
    expect(tile).to_contain_text("Lượt lấy số tại máy")


def test_signed_by_name_and_taken_away(open_page: OpenPage, newest: date, tmp_path: Path) -> None:
    page = open_page(f"/staff/reports/day/{newest}", name=QUALITY)
    page.fill("[name=note]", "Số liệu thử")
    page.get_by_role("button", name="Ký tên: Bùi Thị Chất").click()
    expect(page.locator("#sign")).to_contain_text("Bùi Thị Chất ký lúc")
    expect(page.locator(".head-panel .tag")).to_have_text("Đã ký")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Tải Excel").click()
    file = tmp_path / "bao-cao.xlsx"
    taken.value.save_as(file)
    lines = [row[0].value for row in load_workbook(file).worksheets[0].iter_rows(max_row=5)]
    assert any("Bùi Thị Chất" in str(line) for line in lines)


def test_it_reads_and_does_not_sign(open_page: OpenPage, newest: date) -> None:
    page = open_page(f"/staff/reports/week/{newest}", name="it")
    expect(page.locator("#sign")).to_contain_text("ký báo cáo này")
    expect(page.locator("#sign form")).to_have_count(0)


def test_a4_shows_figures_and_no_buttons(open_page: OpenPage, newest: date, tmp_path: Path) -> None:
    page = open_page(f"/staff/reports/month/{newest}", name=QUALITY)
    expect(page.locator("#print")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("#print")).to_be_hidden()
    expect(page.locator(".tile").first).to_be_visible()
    paper = tmp_path / "report.pdf"
    page.pdf(path=paper, prefer_css_page_size=True)
    assert paper.read_bytes().startswith(b"%PDF")
