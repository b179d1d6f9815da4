"""The IT desk and a kiosk that beats over HTTP: what one does, the other sees within seconds."""

from __future__ import annotations

import io
import re
import time

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, list_serious_faults
from tiepdon.demo.fleet import SpeakingKiosk, enrol
from tiepdon.demo.server import DemoServer

SHOWN_WITHIN_MS = 5_000


@pytest.fixture
def kiosk(server: DemoServer) -> SpeakingKiosk:
    kiosk = enrol(server, f"Sảnh thử {time.monotonic_ns() % 10_000}")
    kiosk.beat()
    return kiosk


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (54, 96), "#0b6e6e").save(file, "PNG")
    return file.getvalue()


def row_of(page: Page, kiosk: SpeakingKiosk) -> str:
    return f"tr:has(a[href='/staff/fleet/{kiosk.id}'])"


def test_a_fault_is_shown_within_five_seconds_and_gone_when_mended(
    kiosk: SpeakingKiosk, open_page: OpenPage
) -> None:
    page = open_page("/staff/fleet", name="it")
    row = page.locator(row_of(page, kiosk))
    expect(row).to_contain_text("Đang phục vụ")
    kiosk.post("/kiosks/device-events", {"device": "printer", "state": "paper_end"})
    expect(row).to_contain_text("hết giấy", timeout=SHOWN_WITHIN_MS)
    expect(row).to_contain_text("Có trục trặc")
    kiosk.beat(touch="suspect")
    expect(row).to_contain_text("không nhận chạm", timeout=SHOWN_WITHIN_MS)
    assert list_serious_faults(page) == []


def test_orders_go_out_and_what_came_back_is_seen(
    kiosk: SpeakingKiosk, open_page: OpenPage
) -> None:
    page = open_page(f"/staff/fleet/{kiosk.id}", name="it")
    page.get_by_role("button", name="Chụp màn hình").click()
    page.get_by_role("button", name="Lấy nhật ký").click()
    expect(page.locator(".order[data-state=waiting]")).to_have_count(2)
    by_kind = {order["kind"]: order["id"] for order in kiosk.orders()["commands"]}
    expect(page.locator(".order[data-state=taken]")).to_have_count(2, timeout=SHOWN_WITHIN_MS)
    kiosk.answer(by_kind["take_picture"], file=picture())
    kiosk.answer(by_kind["send_logs"], state="failed", reason="too_large")
    expect(page.locator(".order[data-state=failed]")).to_contain_text("tệp quá lớn")
    link = page.get_by_role("link", name="Xem hình")
    reply = page.request.get(link.get_attribute("href") or "")
    assert (reply.ok, reply.headers["content-type"]) == (True, "image/png")
    assert list_serious_faults(page) == []


def test_out_of_service_with_words_and_back(kiosk: SpeakingKiosk, open_page: OpenPage) -> None:
    page = open_page(f"/staff/fleet/{kiosk.id}", name="it")
    page.fill("[name=vi]", "Máy đang lau. Mời dùng máy 2.")
    page.get_by_role("button", name="Tạm ngưng").click()
    expect(page.locator(".now-state")).to_contain_text("Tạm ngưng")
    assert kiosk.orders()["out_of_service"]["vi"] == "Máy đang lau. Mời dùng máy 2."
    page.get_by_role("button", name="Phục vụ trở lại").click()
    expect(page.locator(".now-state")).to_contain_text("Đang phục vụ")
    assert kiosk.orders()["out_of_service"] is None


def test_a_dead_kiosk_is_replaced_in_its_place(
    kiosk: SpeakingKiosk, open_page: OpenPage, server: DemoServer
) -> None:
    page = open_page(f"/staff/fleet/{kiosk.id}", name="it")
    page.select_option("[name=profile]", "laboratory")
    page.fill("[name=owner]", "Ngân hàng Mẫu")
    page.fill("[name=serial_number]", "KX-0007")
    page.get_by_role("button", name="Lưu").click()
    expect(page.locator("[name=owner]")).to_have_value("Ngân hàng Mẫu")
    page.get_by_role("button", name="Thay máy").click()
    code = page.locator("#code").inner_text()
    assert re.fullmatch(r"(\w{4}-){2}\w{4}", code)
    fresh = SpeakingKiosk(server.address, code)
    fresh.beat()
    assert fresh.id == kiosk.id
    assert fresh.orders()["profile"] == "laboratory"
    until = time.monotonic() + 20
    while kiosk.is_let_in() and time.monotonic() < until:
        time.sleep(1)
    assert not kiosk.is_let_in()
    page.goto(f"/staff/fleet/{kiosk.id}/ticket")
    expect(page.locator(".fault-ticket")).to_contain_text("KX-0007")
    expect(page.get_by_role("button", name="In phiếu")).to_be_visible()
    assert list_serious_faults(page) == []


def test_a_kiosk_is_invited_and_given_up(open_page: OpenPage, server: DemoServer) -> None:
    page = open_page("/staff/fleet", name="it")
    page.get_by_role("link", name="Thêm máy").click()
    name = f"Sảnh mới {time.monotonic_ns() % 10_000}"
    page.fill("[name=name]", name)
    page.get_by_role("button", name="Tạo mã cài máy").click()
    fresh = SpeakingKiosk(server.address, page.locator("#code").inner_text())
    page.get_by_role("link", name="Xong").click()
    expect(page.locator(row_of(page, fresh))).to_contain_text("Chưa mở lần nào")
    fresh.beat()
    row = page.locator(row_of(page, fresh))
    expect(row).to_contain_text("Đang phục vụ", timeout=SHOWN_WITHIN_MS)
    row.get_by_role("link").click()
    page.get_by_text("Bỏ máy này").click()
    page.get_by_role("button", name="Bỏ hẳn máy này").click()
    expect(page.locator("#state")).to_be_visible()
    expect(page.get_by_text(name)).to_have_count(0)
