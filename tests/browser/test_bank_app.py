"""The page of `tiepdon emulate bank`: somebody pays a picture of the kiosk's QR."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import qrcode
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from payments.match_codes import new_match_code
from payments.models import Money
from payments.providers.vietqr_bank.emulator import BankEmulator
from payments.vietqr import VietQr, encode
from tests.browser.conftest import list_serious_faults
from tests.unit.payments.emulation.hospital import HospitalStandIn

CODE = new_match_code("VP")
QR = encode(
    VietQr(bin="970418", account="1200000000001", dynamic=True, amount=Money(350_000), memo=CODE)
)


def screenshot() -> bytes:
    sheet = Image.new("RGB", (1080, 1920), "#f3f8f7")
    sheet.paste(qrcode.make(QR).convert("RGB").resize((560, 560)), (260, 640))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


@contextmanager
def opened(chromium: Browser, bank: BankEmulator, **size: int) -> Iterator[Page]:
    errors: list[str] = []
    context = chromium.new_context(viewport=size or {"width": 1000, "height": 1000})
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.goto(bank.base_url)
    yield page
    context.close()
    assert [each for each in errors if "400 (BAD REQUEST)" not in each] == []


@pytest.fixture
def bank() -> Iterator[BankEmulator]:
    with BankEmulator(seed=8) as emulator:
        yield emulator


def choose_picture(page: Page, content: bytes) -> None:
    page.locator("#picture").set_input_files(
        {"name": "kiosk.png", "mimeType": "image/png", "buffer": content}
    )


def test_a_picture_is_paid_and_the_hospital_hears_of_it(
    chromium: Browser, bank: BankEmulator
) -> None:
    with HospitalStandIn() as hospital, opened(chromium, bank) as page:
        bank.callback_url = hospital.url
        assert list_serious_faults(page) == []
        choose_picture(page, screenshot())
        expect(page.get_by_role("heading", name="Xác nhận chuyển tiền")).to_be_visible()
        expect(page.locator("#holder")).to_have_text("BENH VIEN DA KHOA MAU")
        expect(page.locator("#account")).to_have_text("1200000000001")
        expect(page.locator("#amount")).to_have_value("350.000")
        expect(page.locator("#memo")).to_have_value(CODE)
        assert list_serious_faults(page) == []
        page.get_by_role("button", name="Chuyển tiền").click()
        expect(page.get_by_role("heading", name="Đã chuyển")).to_be_visible()
        expect(page.locator("#sum")).to_have_text("350.000 đ")
        expect(page.locator("#callbacks")).to_contain_text("bệnh viện đã nhận")
        assert list_serious_faults(page) == []
    assert f'"memo": "{CODE}"' in hospital.bodies[0]


def test_another_amount_twice_and_a_refusal(chromium: Browser, bank: BankEmulator) -> None:
    with opened(chromium, bank) as page:
        page.locator("#text").fill(QR)
        page.get_by_role("button", name="Tiếp tục").click()
        page.locator("#amount").fill("200000")
        expect(page.locator("#amount")).to_have_value("200.000")
        page.get_by_role("button", name="Chuyển tiền").click()
        expect(page.locator("#sum")).to_have_text("200.000 đ")
        expect(page.get_by_role("button", name="Quét mã khác")).to_be_focused()
        page.get_by_text("Chuyển tiền không thành").click()
        expect(page.locator("#fail")).to_be_checked()
        page.get_by_role("button", name="Chuyển thêm một lần nữa").click()
        expect(page.get_by_role("alert")).to_contain_text("chưa bị trừ")
        page.get_by_role("button", name="Mọi thứ bình thường").click()
        expect(page.locator("#fail")).not_to_be_checked()
        page.get_by_role("button", name="Chuyển thêm một lần nữa").click()
        expect(page.get_by_role("alert")).to_be_hidden()
    assert [each.amount_vnd for each in bank.banks.movements] == [200_000, 200_000]


def test_what_is_no_transfer_is_said_and_can_be_tried_again(
    chromium: Browser, bank: BankEmulator
) -> None:
    with opened(chromium, bank, width=400, height=800) as page:
        content = io.BytesIO()
        Image.new("RGB", (300, 300), "white").save(content, "PNG")
        choose_picture(page, content.getvalue())
        expect(page.get_by_role("alert")).to_contain_text("Không thấy mã QR")
        page.locator("#text").fill(QR[:-1])
        page.get_by_role("button", name="Tiếp tục").click()
        expect(page.get_by_role("alert")).to_contain_text("không phải mã chuyển khoản")
        choose_picture(page, screenshot())
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator("#confirm")).to_be_visible()
    assert bank.banks.movements == []
