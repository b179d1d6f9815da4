"""The page of statements: put in, read, signed; what cannot be read is said in plain words."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import cast

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.bootstrap import assemble
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.reconciliation_tables import Reconciliation
from backend.web.staff import reconciliations
from his_adapter.ports import HisGateway
from payments.config_file import ProviderEntry
from payments.models import Credit, Money
from payments.providers.sandbox.provider import open_provider
from payments.statements import StatementLine
from payments.statements.values import VIETNAM
from payments.statements.writing import write_statement
from tests.factories.accounts import Accounts, csrf_token, post_form, sign_in
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config
from tests.factories.money import ACCOUNT, PROVIDER, Till
from tests.unit.backend.web.staff.test_payments import fields_of

PAGE = "/staff/payments/reconcile"
TODAY = date(2026, 11, 23)


@pytest.fixture
def resources(hospital: Hospital, his: ScriptedHis) -> Iterator[Resources]:
    """A bank that gives lists, under two names."""
    names = {PROVIDER: {"account": ACCOUNT}, "silent": {"lists_credits": False}}
    entries = tuple(
        ProviderEntry(
            name=name, kind="sandbox", label_vi=f"Nơi {name}", label_en=name, settings=settings
        )
        for name, settings in names.items()
    )
    resources = assemble(
        replace(make_config(), demo=False, payments=entries),
        database=hospital.database,
        keys=hospital.keys,
        his=cast("HisGateway", his),
        providers={
            name: open_provider(name, settings, clock=hospital.database.clock)
            for name, settings in names.items()
        },
    )
    yield resources
    his.speak()
    resources.close()


@pytest.fixture
def till(resources: Resources) -> Till:
    return Till(resources.database, resources.keys)


@pytest.fixture
def office(browser: FlaskClient, accounts: Accounts) -> FlaskClient:
    accounts.add("toan", StaffRole.ACCOUNTANT, display_name="Đặng Thị Toán")
    sign_in(browser, "toan")
    return browser


def statement_of(till: Till, *changes: int) -> bytes:
    """What the bank would say of the books, each amount changed by so much."""
    lines = [
        StatementLine(
            row=1,
            credit=Credit(
                provider=row.provider,
                account=row.account,
                transaction_id=row.transaction_id,
                bank_reference=row.bank_reference,
                amount=Money(row.amount_vnd + (changes[index] if index < len(changes) else 0)),
                paid_at=row.paid_at.astimezone(VIETNAM),
            ),
        )
        for index, row in enumerate(till.rows(tables.Credit))
    ]
    return write_statement(
        lines, layout="generic", account=ACCOUNT, opening=Money(0), days=(TODAY, TODAY)
    )


def upload(office: FlaskClient, content: bytes, **fields: object) -> TestResponse:
    form = {
        "csrf_token": csrf_token(office.get(PAGE)),
        "provider": PROVIDER,
        "file": (io.BytesIO(content), "sao-ke.csv"),
    }
    return office.post(PAGE, data=form | fields, content_type="multipart/form-data")


def test_a_statement_that_agrees_is_signed(office: FlaskClient, till: Till) -> None:
    till.hold(70_000)
    till.receive(150_000, payment_id=till.add_payment())
    content = statement_of(till)
    day = f"/staff/payments/days/{TODAY.isoformat()}"
    assert "chưa đối soát" in office.get(day).text
    address = upload(office, content).location
    assert address in office.get(day).text
    assert "chưa đối soát" not in office.get(day).text
    page = office.get(address).text
    for words in ("220.000 đ", "Chênh lệch", "Tiền chưa rõ của ai", "Tìm xem của ai ở"):
        assert words in page
    assert upload(office, content).location == address  # the same file again
    assert "TRAN VAN TRA" not in page
    version = fields_of(office.get(address).text, f"{address}/sign")["version"]
    no_reason = post_form(office, f"{address}/sign", page=address, version=version, note=" ")
    assert (no_reason.status_code, "Mời ghi lý do" in no_reason.text) == (422, True)
    old = post_form(office, f"{address}/sign", page=address, version="7", note="x")
    assert old.status_code == 409
    assert post_form(office, f"{address}/sign", page=address, version="x").status_code == 409
    for _ in range(2):
        reply = post_form(
            office, f"{address}/sign", page="/staff/password", version=version, note="đang hỏi"
        )
        assert reply.status_code == 303
    assert "Đặng Thị Toán đã ký" in office.get(PAGE).text
    (row,) = till.rows(Reconciliation)
    assert (row.signed_name, row.note) == ("Đặng Thị Toán", "đang hỏi")


def test_a_difference_is_shown_to_the_dong(office: FlaskClient, till: Till) -> None:
    till.receive(150_000, payment_id=till.add_payment())
    page = office.get(upload(office, statement_of(till, 1)).location).text
    assert "Lệch số tiền" in page
    assert "150.001 đ" in page
    assert "1 đ" in page


def test_the_report_leaves_as_a_file(office: FlaskClient, till: Till) -> None:
    till.receive(150_000)
    address = upload(office, statement_of(till)).location
    csv = office.get(f"{address}/report.csv")
    assert "attachment" in csv.headers["Content-Disposition"]
    assert "BIÊN BẢN ĐỐI SOÁT" in csv.get_data().decode("utf-8-sig")
    assert office.get(f"{address}/report.xlsx").data.startswith(b"PK")
    for path in ("x", new_id()):
        assert office.get(f"{PAGE}/{path}").status_code == 404
        assert office.get(f"{PAGE}/{path}/report.csv").status_code == 404


def test_what_cannot_be_read_is_said_in_plain_words(
    office: FlaskClient, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {
        b"": "Mời chọn ngân hàng hoặc ví",
        b"<html><table>": "Không đọc được tệp này",
        b"a,b,c\n1,2,3\n": "Không thấy các cột cần có",
    }
    for content, words in cases.items():
        reply = upload(office, content)
        assert reply.status_code == 422, content
        assert words in reply.text.partition('role="alert">')[2][:200], content
    assert upload(office, b"x", provider="nobody").status_code == 422
    monkeypatch.setattr(reconciliations, "MAX_FILE_BYTES", 10)
    reply = upload(office, b"x" * 11)
    assert (reply.status_code, "Tệp quá lớn" in reply.text) == (413, True)
    assert till.rows(Reconciliation) == []


def test_a_large_statement_is_taken_and_a_huge_one_is_not(office: FlaskClient, till: Till) -> None:
    assert upload(office, b"x" * 200_000).status_code == 422
    huge = {"data": b"x" * 9_000_000, "content_type": "multipart/form-data; boundary=b"}
    assert office.post(PAGE, **huge).status_code == 413


def test_the_bank_is_asked_for_its_list(office: FlaskClient, till: Till) -> None:
    till.receive(150_000)
    page = office.get(PAGE).text
    assert "Lấy danh sách ngày này" in page
    reply = post_form(office, f"{PAGE}/ask", page=PAGE, provider=PROVIDER, day=TODAY.isoformat())
    assert reply.status_code == 303
    assert "Có trong sổ, ngân hàng không có" in office.get(reply.location).text
    for fields in (
        {"provider": "silent", "day": TODAY.isoformat()},
        {"provider": PROVIDER, "day": "nonsense"},
    ):
        assert post_form(office, f"{PAGE}/ask", page=PAGE, **fields).status_code == 422


def test_cashiers_read_and_do_not_sign(
    client: FlaskClient, office: FlaskClient, accounts: Accounts, till: Till
) -> None:
    till.receive(150_000)
    address = upload(office, statement_of(till)).location
    accounts.add("ngan", StaffRole.CASHIER)
    browser = client.application.test_client()
    sign_in(browser, "ngan")
    for path in (PAGE, address):
        assert "Việc này do kế toán làm" in browser.get(path).text
    browser.get("/staff/language/en?next=/staff")
    for path in (PAGE, address):
        assert "The finance office does this." in browser.get(path).text
    form = {"csrf_token": csrf_token(browser.get("/staff")), "file": (io.BytesIO(b"x"), "x.csv")}
    reply = browser.post(PAGE, data=form, content_type="multipart/form-data")
    assert reply.status_code == 403
