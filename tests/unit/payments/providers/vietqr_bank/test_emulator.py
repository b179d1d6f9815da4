from __future__ import annotations

import io
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import qrcode
import requests
from PIL import Image

from payments.emulation.banks import Account
from payments.emulation.clock import EmulatedClock
from payments.match_codes import find_match_codes, new_match_code
from payments.models import Credit, Money
from payments.providers.vietqr_bank.emulator import SECRET, BankEmulator
from payments.providers.vietqr_bank.phone.pictures import NoQr, read_qr
from payments.providers.vietqr_bank.provider import open_provider
from payments.statements.layouts import AUTO
from payments.statements.reading import read_statement
from payments.vietqr import VietQr, encode
from tests.unit.payments.emulation.hospital import HospitalStandIn

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
CODE = new_match_code("VP")
QR = encode(
    VietQr(bin="970418", account="1200000000001", dynamic=True, amount=Money(350_000), memo=CODE)
)


@pytest.fixture
def bank() -> Iterator[BankEmulator]:
    with BankEmulator(seed=4, clock=EmulatedClock(lambda: NOW)) as emulator:
        yield emulator


def control(bank: BankEmulator, name: str, **arguments: Any) -> requests.Response:
    return requests.post(f"{bank.base_url}/_emu/{name}", json=arguments, timeout=10)


def picture(text: str, *, size: int = 600) -> bytes:
    code = qrcode.make(text).convert("RGB").resize((size, size))
    sheet = Image.new("RGB", (1080, 1920), "#f3f8f7")
    sheet.paste(code, (200, 500))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def test_money_moves_and_the_hospital_is_told(bank: BankEmulator) -> None:
    provider = open_provider("bank", bank.settings(), clock=bank.clock)
    with HospitalStandIn() as hospital:
        control(bank, "callback_url", url=hospital.url)
        paid = control(bank, "pay", qr_text=QR, memo_style="noise").json()["paid"]
        assert bank.callbacks.settle()
    [(method, _, headers, body)] = hospital.seen
    assert method == "POST"
    assert SECRET not in str(headers)
    assert b'"event": "credit"' in body
    assert paid[0]["amount"] == 350_000
    assert find_match_codes(paid[0]["memo"], "VP") == (CODE,)
    state = requests.get(f"{bank.base_url}/_emu/state", timeout=5).json()
    account = next(each for each in state["accounts"] if each["bin"] == "970418")
    assert account["balance"] == 150_350_000
    assert provider.list_credits(NOW.date())[0].amount == Money(350_000)
    provider.close()


def test_each_account_may_have_a_hospital_of_its_own(bank: BankEmulator) -> None:
    with HospitalStandIn() as one, HospitalStandIn() as other:
        control(bank, "callback_url", url=one.url)
        control(bank, "watch", account="0680000000001", url=other.url)
        control(bank, "pay", bin="970437", account="0680000000001", amount=5_000, memo="A")
        control(bank, "pay", qr_text=QR)
        assert bank.callbacks.settle()
    assert [len(each.seen) for each in (one, other)] == [1, 1]


def test_what_will_never_be_taken_is_not_sent_again(bank: BankEmulator) -> None:
    with HospitalStandIn((401, ""), (422, "")) as hospital:
        control(bank, "callback_url", url=hospital.url)
        control(bank, "pay", qr_text=QR)
        assert bank.callbacks.settle()
        for _ in range(3):
            control(bank, "advance_clock", s=3600)
            assert bank.callbacks.settle()
    assert len(hospital.seen) == 2


def test_a_careless_feed_changes_fields(bank: BankEmulator) -> None:
    with HospitalStandIn() as hospital:
        control(bank, "callback_url", url=hospital.url)
        control(bank, "pay", qr_text=QR, fields={"currency": "USD"})
        control(bank, "ping")
        assert bank.callbacks.settle()
    assert '"currency": "USD"' in hospital.bodies[0]
    assert '"event": "test"' in hospital.bodies[1]


def test_money_given_back_is_a_line_and_no_credit(bank: BankEmulator) -> None:
    [paid] = control(bank, "pay", qr_text=QR).json()["paid"]
    back = control(bank, "send_back", transaction_id=paid["transaction_id"], amount=100_000).json()
    assert back["sent_back"]["amount"] == -100_000
    assert back["sent_back"]["balance"] == 150_250_000


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("bin_", "account", "layout"),
    [
        ("970418", "1200000000001", "bidv"),
        ("970437", "0680000000001", "hdbank"),
        ("970436", "0071000000001", "generic"),
    ],
)
def test_feed_and_statement_tell_of_the_same_money(
    bank: BankEmulator, bin_: str, account: str, layout: str, kind: str
) -> None:
    for memo in (CODE, '=HYPERLINK("http://x")', 'Đóng viện phí, 20/11; "vội"'):
        control(bank, "pay", bin=bin_, account=account, amount=1_250_000, memo=memo)
    first = bank.banks.movements[0].transaction_id
    control(bank, "send_back", transaction_id=first, amount=50_000)
    answer = requests.get(f"{bank.base_url}/statement/{account}/2026-11-20.{kind}", timeout=5)
    read = read_statement(answer.content, layout=AUTO, provider="bank", account=account)
    assert (read.layout, read.refused, read.doubts) == (layout, (), ())
    provider = open_provider("bank", bank.settings(bin_), clock=bank.clock)
    fed = provider.list_credits(NOW.date())
    provider.close()

    def money(credits_: Iterable[Credit]) -> list[tuple[str, Money, str]]:
        return [(each.bank_reference, each.amount, each.memo) for each in credits_]

    assert money(read.credits) == money(fed)
    assert len(fed) == 3
    assert [each.paid_at for each in read.credits] == [each.paid_at for each in fed]
    assert [each.amount for each in read.debits] == [Money(50_000)]


@pytest.mark.parametrize(
    "path", ["statement/1/2026-11-20.csv", "statement/1200000000001/x.csv", "feed/credits"]
)
def test_questions_that_cannot_be_answered(bank: BankEmulator, path: str) -> None:
    answer = requests.get(f"{bank.base_url}/{path}", timeout=5)
    assert answer.status_code in {400, 401, 404}
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"qr_text": "not a code"},
        {"account": "99", "amount": 5},
        {"account": "1200000000001", "amount": 0},
        {"account": "1200000000001", "amount": 500_000_000},
        {"account": "1200000000001", "amount": "many"},
        {"qr_text": QR, "payer": "nobody"},
        {"qr_text": QR, "memo_style": "rot13"},
        {"qr_text": QR, "times": "x"},
    ],
)
def test_transfers_no_bank_makes(bank: BankEmulator, arguments: dict[str, Any]) -> None:
    assert control(bank, "pay", **arguments).status_code == 400
    assert bank.banks.movements == []


def test_a_transfer_may_fail(bank: BankEmulator) -> None:
    control(bank, "fail", n=1)
    assert "chưa bị trừ" in control(bank, "pay", qr_text=QR).json()["error"]
    assert control(bank, "pay", qr_text=QR).ok


def test_many_pay_at_once_and_every_dong_is_counted(bank: BankEmulator) -> None:
    def pay() -> None:
        for _ in range(20):
            bank.pay({"qr_text": QR, "amount": 1_000})

    threads = [threading.Thread(target=pay) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bank.banks.accounts[0].balance_vnd == 150_000_000 + 100 * 1_000
    assert len({each.transaction_id for each in bank.banks.movements}) == 100
    assert len({each.bank_reference for each in bank.banks.movements}) == 100


def test_accounts_may_be_opened(bank: BankEmulator) -> None:
    arguments = {"bin": "970415", "account": "110000000001", "virtual_prefix": "HOSP"}
    assert control(bank, "open_account", **arguments).ok
    assert control(bank, "open_account", **arguments).status_code == 400
    paid = control(bank, "pay", bin="970415", account="HOSP7", amount=5_000).json()["paid"]
    assert (paid[0]["account"], paid[0]["virtual_account"]) == ("110000000001", "HOSP7")


def test_accounts_are_those_it_was_started_with() -> None:
    only = Account(bin="970405", number="15000000001", holder="TRAM Y TE MAU")
    with BankEmulator(accounts=[only]) as bank:
        assert bank.settings("970405")["account"] == "15000000001"
        assert bank.banks.find_account("970418", "1200000000001") is None


# --- the app


def test_the_page_brings_no_script_or_style_of_its_own(bank: BankEmulator) -> None:
    page = requests.get(bank.base_url, timeout=5)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert "onclick" not in page.text
    for name in ("phone.css", "phone.js"):
        assert requests.get(f"{bank.base_url}/phone/{name}", timeout=5).status_code == 200


def test_a_screenshot_is_paid(bank: BankEmulator) -> None:
    read = requests.post(
        f"{bank.base_url}/phone/read",
        data=picture(QR),
        headers={"Content-Type": "image/png"},
        timeout=20,
    ).json()
    assert read["holder"] == "BENH VIEN DA KHOA MAU"
    assert (read["bank"], read["account"]) == ("BIDV", "1200000000001")
    assert (read["amount"], read["memo"], read["qr_text"]) == (350_000, CODE, QR)
    wanted = {name: read[name] for name in ("bin", "account", "amount", "memo")}
    paid = requests.post(
        f"{bank.base_url}/phone/transfer", json={**wanted, "payer": "lan"}, timeout=5
    ).json()
    assert paid["amount"] == 350_000
    assert bank.banks.movements[0].payer is not None
    assert bank.banks.movements[0].payer.name == "LE THI LAN"


def test_text_is_read_as_a_picture_is(bank: BankEmulator) -> None:
    answer = requests.post(
        f"{bank.base_url}/phone/read",
        data=f" {QR}\n".encode(),
        headers={"Content-Type": "text/plain"},
        timeout=5,
    )
    assert answer.json()["amount"] == 350_000


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "image/png"),
        (b"\x89PNG\r\n\x1a\n broken", "image/png"),
        (picture("https://example.vn"), "image/png"),
        (b"\xff\xfe", "text/plain"),
        (QR[:-1].encode(), "text/plain"),
        (b"x" * 9_000, "text/plain"),
    ],
)
def test_what_is_no_transfer_is_said_in_a_sentence(
    bank: BankEmulator, content: bytes, kind: str
) -> None:
    answer = requests.post(
        f"{bank.base_url}/phone/read", data=content, headers={"Content-Type": kind}, timeout=20
    )
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_a_picture_that_would_fill_the_memory_is_not_opened() -> None:
    content = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(content, "PNG")
    with pytest.raises(NoQr):
        read_qr(content.getvalue())


def test_the_app_is_calm_while_the_feed_fails(bank: BankEmulator) -> None:
    control(bank, "http_500", n=5)
    control(bank, "slow", ms=20_000)
    assert requests.get(bank.base_url, timeout=5).ok
    answer = requests.post(
        f"{bank.base_url}/phone/read",
        data=QR.encode(),
        headers={"Content-Type": "text/plain"},
        timeout=5,
    )
    assert answer.ok
