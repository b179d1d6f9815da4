"""The pages of money: who may do what, what they say, and that lists name nobody."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from backend.domain.dues import BillFacts
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.errors import FeesUnavailable
from backend.services.match_bill import OpenBills
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.audit_tables import AuditEvent
from backend.storage.cashier_tables import CashierShift, DayClose
from backend.storage.database import Database
from backend.web.staff import held_money
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts, post_form, sign_in
from tests.factories.money import Till
from tests.factories.outbox import set_party

MONEY = "/staff/payments"


@pytest.fixture
def till(resources: Resources) -> Till:
    return Till(resources.database, resources.keys)


@pytest.fixture
def cashier(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("ngan", StaffRole.CASHIER, display_name="Vũ Thị Ngân")
    sign_in(browser, "ngan")
    return browser


@pytest.fixture
def office(client: FlaskClient, accounts: Accounts) -> FlaskClient:
    browser = client.application.test_client()
    accounts.add("toan", StaffRole.ACCOUNTANT, display_name="Đặng Thị Toán")
    sign_in(browser, "toan")
    return browser


def fields_of(page: str, address: str) -> dict[str, str]:
    """Hidden fields of the form that is sent there."""
    form = page.partition(f'action="{address}"')[2].partition("</form>")[0]
    return dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', form))


def test_the_day_at_a_glance(cashier: FlaskClient, till: Till, database: Database) -> None:
    empty = cashier.get(MONEY).text
    assert "Không còn việc nào" in empty
    till.receive(150_000, payment_id=till.add_payment())
    till.add_payment(20_000)
    till.hold(70_000)
    page = cashier.get(f"{MONEY}/live").text
    assert "220.000 đ" in page
    assert "1 khoản tiền giữ lại" in page
    assert "1 khoản đang báo sang HIS" in page
    assert "Đang chờ trả" in page
    set_party(database, breaker="open", opened_at=database.clock())
    assert "HIS không trả lời từ 08:00" in cashier.get(MONEY).text
    assert "HIS: no answer" not in cashier.get(MONEY).text


def test_payments_are_found_by_what_stands_on_paper(cashier: FlaskClient, till: Till) -> None:
    first, second = till.add_payment(), till.add_payment(kind="advance", state="expired")
    code = till.code_of(first)
    page = cashier.get(f"{MONEY}/list").text
    assert code in page
    assert till.code_of(second) in page
    ended = cashier.get(f"{MONEY}/list?state=ended").text
    assert code not in ended
    assert till.code_of(second) in ended
    for text in (code.lower(), f" {code[:4]} {code[4:]} ", "HD-1"):
        found = post_form(cashier, f"{MONEY}/list", text=text)
        assert code in found.text
        assert till.code_of(second) not in found.text
    assert "Không tìm thấy" in post_form(cashier, f"{MONEY}/list", text="<b>x").text
    assert cashier.get(f"{MONEY}/list?state=nonsense").status_code == 200


def test_one_payment_tells_all_that_happened(cashier: FlaskClient, till: Till) -> None:
    payment_id = till.add_payment()
    till.receive(50_000, payment_id=payment_id)
    till.receive(100_000, payment_id=payment_id)
    page = cashier.get(f"{MONEY}/{payment_id}").text
    for words in ("Đưa mã QR 150.000 đ", "50.000 đ đến", "Trả thiếu", "Vào khoản thanh toán"):
        assert words in page
    assert "TRAN VAN TRA" not in page
    assert cashier.get(f"{MONEY}/{new_id()}").status_code == 404
    assert cashier.get(f"{MONEY}/nonsense").status_code == 404


def test_held_money_says_why_and_shows_the_payer_on_demand_only(
    cashier: FlaskClient, till: Till, database: Database
) -> None:
    item_id = till.hold(memo="toi tra cho ba Buoi")
    address = f"{MONEY}/held/{item_id}"
    for path in (f"{MONEY}/held", f"{MONEY}/held/live", address):
        page = cashier.get(path).text
        assert "150.000 đ" in page
        assert "Buoi" not in page
        assert "TRAN" not in page
    assert "không có mã nào của bệnh viện" in cashier.get(address).text
    shown = post_form(cashier, f"{address}/read", page=address)
    assert "toi tra cho ba Buoi" in shown.text
    assert "TRAN VAN TRA" in shown.text
    with database.read() as connection:
        events = connection.scalars(select(AuditEvent.event)).all()
    assert "payment_payer_read" in events
    for path in ("nonsense", new_id()):
        assert cashier.get(f"{MONEY}/held/{path}").status_code == 404


def test_a_cashier_matches_held_money(cashier: FlaskClient, till: Till) -> None:
    payment_id, item_id = till.add_payment(), till.hold()
    address = f"{MONEY}/held/{item_id}"
    page = cashier.get(address).text
    fields = fields_of(page, f"{address}/match")
    assert fields["payment_id"] == payment_id
    reply = post_form(cashier, f"{address}/match", page=address, **fields)
    assert reply.status_code == 303
    assert till.row(tables.Payment, payment_id).state == "paid"
    assert "đã khớp" in cashier.get(address).text
    other = till.hold()
    refused = post_form(
        cashier,
        f"{MONEY}/held/{other}/match",
        page=f"{MONEY}/held/{other}",
        payment_id=payment_id,
        version="0",
    )
    assert (refused.status_code, "đã được trả đủ" in refused.text) == (409, True)
    found = post_form(
        cashier,
        f"{MONEY}/held/{other}/find",
        page=f"{MONEY}/held/{other}",
        text=till.code_of(payment_id),
    )
    assert till.code_of(payment_id) in found.text
    for fields in ({"payment_id": "x", "version": "0"}, {"payment_id": payment_id, "version": "x"}):
        reply = post_form(
            cashier, f"{MONEY}/held/{other}/match", page=f"{MONEY}/held/{other}", **fields
        )
        assert reply.status_code in {404, 409}


def test_a_cashier_puts_money_to_a_bill_of_the_his(
    cashier: FlaskClient, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does is in services/test_match_bill.py; here is what the page makes of it."""
    item_id = till.hold()
    address = f"{MONEY}/held/{item_id}"
    small, large = (
        BillFacts(
            id=f"b{due_vnd}",
            ref=f"HD-{due_vnd}",
            code=f"HD-{due_vnd}",
            version="1",
            title="Công khám",
            issued_at="2026-11-23T08:00:00+07:00",
            due_vnd=due_vnd,
        )
        for due_vnd in (100_000, 150_001)
    )
    found = OpenBills(patient_ref="BN-1", number="A012", bills=(small, large))
    monkeypatch.setattr(held_money, "find_open_bills", lambda *_, **__: found)
    page = post_form(cashier, f"{address}/bills", page=address, patient="A012").text
    assert page.count(f'action="{address}/bill"') == 2
    assert "tiền không đủ" in page
    fields = fields_of(page, f"{address}/bill")
    taken: list[dict[str, object]] = []
    monkeypatch.setattr(held_money, "match_bill", lambda *_, **wish: taken.append(wish))
    assert post_form(cashier, f"{address}/bill", page=address, **fields).status_code == 303
    wish = taken[0]
    assert (wish["bill_ref"], wish["due_vnd"], wish["number"]) == ("HD-100000", 100_000, "A012")
    assert (wish["patient_ref"], wish["version"]) == ("BN-1", 0)
    assert post_form(cashier, f"{address}/bill", page=address, due="x").status_code == 409

    def refuse(*_: object, **__: object) -> None:
        raise FeesUnavailable

    monkeypatch.setattr(held_money, "find_open_bills", refuse)
    away = post_form(cashier, f"{address}/bills", page=address, patient="A012")
    assert (away.status_code, "HIS không tìm thấy" in away.text) == (503, True)


def test_a_refund_takes_two_people(
    cashier: FlaskClient, office: FlaskClient, till: Till, database: Database
) -> None:
    item_id = till.hold()
    address = f"{MONEY}/held/{item_id}"
    fields = fields_of(cashier.get(address).text, f"{address}/refund")
    assert fields["amount"] == "150.000"
    for wrong in ("0", "150.001", "1e3", "-5", "", "٣"):
        reply = post_form(
            cashier, f"{address}/refund", page=address, **fields | {"amount": wrong, "reason": "x"}
        )
        assert reply.status_code == 409, wrong
    no_reason = post_form(cashier, f"{address}/refund", page=address, **fields | {"reason": " "})
    assert no_reason.status_code == 422
    wish = fields | {"reason": "chuyển nhầm"}
    for _ in range(2):
        reply = post_form(cashier, f"{address}/refund", page="/staff/password", **wish)
        assert reply.status_code == 303
    refunds = f"{MONEY}/refunds"
    (refund,) = till.rows(tables.PaymentRefund)
    assert "Duyệt hoàn tiền" not in cashier.get(refunds).text
    assert "chuyển nhầm" in office.get(refunds).text
    for _ in range(2):
        reply = post_form(office, f"{refunds}/{refund.id}/approve", page=refunds)
        assert reply.status_code == 303
    assert "chờ thu ngân" in office.get(refunds).text
    empty = post_form(cashier, f"{refunds}/{refund.id}/paid-out", page=refunds, proof=" ")
    assert empty.status_code == 422
    done = post_form(cashier, f"{refunds}/{refund.id}/paid-out", page=refunds, proof="FT9")
    assert done.status_code == 303
    assert "FT9" in cashier.get(refunds).text
    assert till.row(tables.SuspenseItem, item_id).state == "refunded"
    late = post_form(office, f"{refunds}/{refund.id}/reject", page=refunds, reason="x")
    assert (late.status_code, "vừa xử lý" in late.text) == (409, True)
    assert post_form(office, f"{refunds}/x/approve", page=refunds).status_code == 404


def test_a_person_with_both_roles_does_not_approve_alone(
    browser: FlaskClient, accounts: Accounts, till: Till
) -> None:
    accounts.add("caHai", StaffRole.CASHIER, StaffRole.ACCOUNTANT)
    sign_in(browser, "cahai")
    address = f"{MONEY}/held/{till.hold()}"
    fields = fields_of(browser.get(address).text, f"{address}/refund")
    post_form(browser, f"{address}/refund", page=address, **fields | {"reason": "x"})
    (refund,) = till.rows(tables.PaymentRefund)
    page = browser.get(f"{MONEY}/refunds").text
    assert "chờ người khác duyệt" in page
    reply = post_form(browser, f"{MONEY}/refunds/{refund.id}/approve", page=f"{MONEY}/refunds")
    assert (reply.status_code, "Mời người khác duyệt" in reply.text) == (409, True)


def test_money_is_handed_over(cashier: FlaskClient, till: Till) -> None:
    item_id = till.hold()
    address = f"{MONEY}/held/{item_id}"
    reply = post_form(cashier, f"{address}/hand-over", page=address, version="0", note="")
    assert reply.status_code == 422
    reply = post_form(cashier, f"{address}/hand-over", page=address, version="0", note="TU-1")
    assert reply.status_code == 303
    assert "TU-1" in cashier.get(address).text


def test_shifts_follow_each_other(
    cashier: FlaskClient, client: FlaskClient, accounts: Accounts, till: Till
) -> None:
    for _ in range(2):
        assert post_form(cashier, f"{MONEY}/shifts/open", page=MONEY).status_code == 303
    till.receive(30_000)
    (shift,) = till.rows(CashierShift)
    accounts.add("thu", StaffRole.CASHIER, display_name="Lý Thị Thu")
    other = client.application.test_client()
    sign_in(other, "thu")
    assert "Nhận bàn giao ca" in other.get(MONEY).text
    taken = post_form(other, f"{MONEY}/shifts/open", page=MONEY)
    assert (taken.status_code, "đang trực" in taken.text) == (409, True)
    assert post_form(other, f"{MONEY}/shifts/{shift.id}/close", page=MONEY).status_code == 409
    over = post_form(other, f"{MONEY}/shifts/open", page=MONEY, taking_over=shift.id)
    assert over.status_code == 303
    page = cashier.get(f"{MONEY}/shifts/{shift.id}").text
    assert "30.000 đ" in page
    assert "đã chốt" in page
    assert post_form(cashier, f"{MONEY}/shifts/{shift.id}/close", page=MONEY).status_code == 303
    for path in (f"{MONEY}/shifts/x", f"{MONEY}/shifts/{new_id()}"):
        assert cashier.get(path).status_code == 404


def test_the_office_closes_a_day(
    cashier: FlaskClient, office: FlaskClient, till: Till, clock: SettableClock
) -> None:
    till.receive(150_000, payment_id=till.add_payment())
    till.hold(70_000)
    day = f"{MONEY}/days/2026-11-23"
    assert "Chốt được từ 00:05 hôm sau" in office.get(day).text
    early = post_form(office, f"{day}/close", page=day, note="x")
    assert (early.status_code, "chưa chốt được" in early.text) == (409, True)
    clock.advance(hours=16, minutes=6)
    sign_in(cashier, "ngan")
    sign_in(office, "toan")
    accounts_page = cashier.get(day).text
    assert "Việc này do kế toán làm" in accounts_page
    assert "chưa chốt" in cashier.get(MONEY).text
    page = office.get(day).text
    assert "Tôi, Đặng Thị Toán, chốt ngày này" in page
    for words in ("220.000 đ", "70.000 đ", "150.000 đ", "Giữ lại", "khớp"):
        assert words in page
    assert post_form(office, f"{day}/close", page=day, note=" ").status_code == 422
    for _ in range(2):
        reply = post_form(office, f"{day}/close", page="/staff/password", note="chờ HIS")
        assert reply.status_code == 303
    assert len(till.rows(DayClose)) == 1
    assert "Đặng Thị Toán đã chốt" in office.get(f"{MONEY}/days").text
    for path in ("2026-11-25", "0001-01-01", "nonsense"):
        assert office.get(f"{MONEY}/days/{path}").status_code == 404


def test_figures_leave_as_files_without_any_person(
    office: FlaskClient, till: Till, database: Database
) -> None:
    till.receive(150_000, payment_id=till.add_payment(), transaction_id="=cmd|' /C calc'!A0")
    reply = office.get(f"{MONEY}/days/2026-11-23/figures.csv")
    assert reply.status_code == 200
    text = reply.get_data().decode("utf-8-sig")
    assert "Tiền về theo tài khoản,bidv,1200000000001,Viện phí,1,150000" in text
    assert "attachment" in reply.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(office.get(f"{MONEY}/days/2026-11-23/figures.xlsx").data))
    assert book.sheetnames == ["Tổng hợp", "Khoản tiền"]
    money = list(book["Khoản tiền"].iter_rows(values_only=True))
    assert money[1][4] == "'=cmd|' /C calc'!A0"
    assert money[1][-1] == 150_000
    assert "TRAN" not in text + str(money)
    with database.read() as connection:
        events = list(connection.scalars(select(AuditEvent.event)))
    assert events.count("payment_figures_exported") == 2
    assert office.get(f"{MONEY}/days/2026-11-23/figures.exe").status_code == 404


def test_a_shift_leaves_as_a_file(cashier: FlaskClient, till: Till) -> None:
    post_form(cashier, f"{MONEY}/shifts/open", page=MONEY)
    till.receive(30_000)
    (shift,) = till.rows(CashierShift)
    address = f"{MONEY}/shifts/{shift.id}"
    for _ in range(2):
        assert "30000" in cashier.get(f"{address}/figures.csv").text
        book = load_workbook(io.BytesIO(cashier.get(f"{address}/figures.xlsx").data))
        assert len(list(book["Khoản tiền"].iter_rows())) == 2
        post_form(cashier, f"{address}/close", page=MONEY)


def test_nothing_changes_without_the_token_of_the_page(cashier: FlaskClient, till: Till) -> None:
    item_id = till.hold()
    for path in (
        "shifts/open",
        f"held/{item_id}/hand-over",
        f"held/{item_id}/refund",
        f"held/{item_id}/read",
    ):
        reply = cashier.post(f"{MONEY}/{path}", data={"version": "0", "note": "x", "reason": "x"})
        assert reply.status_code in {400, 403}
    assert till.row(tables.SuspenseItem, item_id).state == "open"


def test_every_page_is_english_too(
    cashier: FlaskClient, office: FlaskClient, till: Till, clock: SettableClock
) -> None:
    payment_id, item_id = till.add_payment(), till.hold()
    post_form(cashier, f"{MONEY}/shifts/open", page=MONEY)
    (shift,) = till.rows(CashierShift)
    clock.now += timedelta(minutes=1)
    paths = ("", "/list", f"/{payment_id}", "/held", f"/held/{item_id}", "/refunds", "/days")
    more = ("/days/2026-11-23", f"/shifts/{shift.id}")
    for browser in (cashier, office):
        browser.get("/staff/language/en?next=/staff")
        for path in (*paths, *more):
            page = browser.get(f"{MONEY}{path}")
            assert page.status_code == 200
            assert "Money paid by QR" in page.text
            assert "Tiền giữ lại" not in page.text


def test_pages_hear_of_money_and_the_office_of_nothing_else(
    cashier: FlaskClient, office: FlaskClient, client: FlaskClient, accounts: Accounts
) -> None:
    accounts.add("lan", StaffRole.RECEPTION)
    reception = client.application.test_client()
    sign_in(reception, "lan")

    def topics(browser: FlaskClient, query: str) -> str:
        reply = browser.get(f"/api/v1/live{query}", headers={"Accept": "text/event-stream"})
        return re.findall(r'"topics": (\d+)', reply.text)[0]

    assert topics(cashier, "?payments=true") == topics(office, "?payments=true") == "4"
    assert topics(office, "") == "0"
    assert topics(reception, "?payments=true") == "0"
