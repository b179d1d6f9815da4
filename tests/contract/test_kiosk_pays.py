"""The real kiosk pays at the real server over HTTP: fees of the demo hospital, a sandbox bank."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from werkzeug.serving import make_server

from backend.services.enrol_kiosk import invite_kiosk
from backend.storage.database import Database
from backend.web import payment_schemas
from backend.web.wire import Request
from devices.models import PrintState, ReceiptDocument
from devices.printers.receipts import render_receipt
from kiosk_ui.flow import Screen
from kiosk_ui.gateway import models, payment_models
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import HttpGateway
from kiosk_ui.gateway.print_reports import PrintReportJournal
from kiosk_ui.presenters.views import BillsView, MessageView, PaidView, PayView, TicketView
from kiosk_ui.slip_code import is_slip_code
from payments.errors import Unavailable
from tests.conftest import SettableClock
from tests.factories.till import PATIENT, Till, open_till
from tests.flows.stand_ins import Bench
from tests.flows.steps import hold_up, shows, texts_of, touch, type_in, walk

# --- shapes --------------------------------------------------------------------------------------------

SHAPES = [
    name
    for name, kept in vars(payment_models).items()
    if isinstance(kept, type)
    and issubclass(kept, models.Wire)
    and kept.__module__ == payment_models.__name__
]


@pytest.mark.parametrize("name", SHAPES)
def test_every_field_the_kiosk_knows_is_one_of_the_server(name: str) -> None:
    ours: type[BaseModel] = getattr(payment_models, name)
    theirs: type[BaseModel] = getattr(payment_schemas, name)
    assert set(ours.model_fields) <= set(theirs.model_fields)
    if issubclass(theirs, Request):
        needed = {field for field, info in theirs.model_fields.items() if info.is_required()}
        assert needed <= set(ours.model_fields)


# --- the two together -----------------------------------------------------------------------------------


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path / "his") as till:
        yield till


@pytest.fixture
def url(till: Till) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, till.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Desk:
    """Kiosks of one hospital."""

    def __init__(self, url: str, database: Database, folder: Path) -> None:
        self._url, self._database, self._folder = url, database, folder
        self._count = 1
        self.gateways: list[HttpGateway] = []

    def open(self) -> Bench:
        self._count += 1
        name = f"K{self._count}"
        gateway = HttpGateway(
            self._url,
            credential=CredentialFile(self._folder / name, self._url),
            enrol_code=invite_kiosk(self._database, name=name),
            name=name,
        )
        self.gateways.append(gateway)
        bench = Bench(server=gateway)
        shows(bench, Screen.WELCOME)
        return bench


@pytest.fixture
def desk(url: str, database: Database, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(url, database, tmp_path)
    yield desk
    for gateway in desk.gateways:
        gateway.close()


def show_bills(bench: Bench) -> None:
    walk(bench, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "own"), (Screen.NOTICE, "yes")])
    hold_up(bench, PATIENT.payload.encode())


def show_code(bench: Bench, *, method: str = "bank") -> PayView:
    show_bills(bench)
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", method)])
    return code_on(bench)


def code_on(bench: Bench) -> PayView:
    shows(bench, Screen.PAY_QR)
    view = bench.kiosk.frame.view
    assert isinstance(view, PayView)
    return view


def payment_of(bench: Bench) -> dict[str, Any]:
    """As the server names it; the screen shows its code."""
    pay = bench.kiosk._ctx.visit.pay
    assert pay is not None
    assert pay.payment is not None
    return {"id": pay.payment.id, "code": pay.payment.code}


def test_from_card_to_receipt(till: Till, desk: Desk) -> None:
    till.bill(350_000)
    bench = desk.open()
    show_bills(bench)
    view = bench.kiosk.frame.view
    assert isinstance(view, BillsView)
    assert view.total.text == "350.000\u00a0đ"
    assert view.bills[0].toggle.label.text == "Khám bệnh"
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", "bank")])
    code = code_on(bench)
    assert code.amount.text == "350.000\u00a0đ"
    payment = payment_of(bench)
    assert is_slip_code(payment["code"])
    bench.wait(2)
    shows(bench, Screen.PAY_QR)
    assert till.pay(payment).status_code == 200
    bench.wait(1)
    shows(bench, Screen.PAID)
    paid = bench.kiosk.frame.view
    assert isinstance(paid, PaidView)
    assert paid.code.replace(" ", "") == payment["code"]
    bench.wait(3)
    [receipt] = bench.printer.receipts
    assert receipt.texts.total.value == "350.000 đ"
    document = ReceiptDocument.from_json(receipt.model_dump_json())
    assert render_receipt(document, width_px=576).height > 400
    till.deliver()
    bench.wait(3)
    assert not [text for text in texts_of(bench.kiosk.frame) if "ghi nhận vào hồ sơ" in text]
    assert till.due_vnd() == 0
    assert len(bench.printer.receipts) == 1


def test_nothing_is_shown_as_paid_that_is_only_claimed(till: Till, desk: Desk) -> None:
    till.bill()
    bench = desk.open()
    show_code(bench)
    touch(bench, "check")
    bench.wait(2)
    shows(bench, Screen.PAY_QR)


def test_money_that_comes_while_cancel_is_touched_counts(till: Till, desk: Desk) -> None:
    till.bill()
    bench = desk.open()
    show_code(bench)
    till.pay(payment_of(bench))
    touch(bench, "cancel")
    shows(bench, Screen.PAID)


def test_cancelled_frees_the_bills(till: Till, desk: Desk) -> None:
    till.bill()
    bench = desk.open()
    show_code(bench)
    touch(bench, "cancel")
    shows(bench, Screen.PAY_ENDED)
    touch(bench, "again")
    shows(bench, Screen.PAY_BILLS)
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", "wallet")])
    code_on(bench)


def test_a_part_comes_then_the_rest(till: Till, desk: Desk) -> None:
    till.bill(350_000)
    bench = desk.open()
    show_code(bench)
    payment = payment_of(bench)
    till.pay(payment, 300_000)
    bench.wait(1)
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView)
    assert "50.000\u00a0đ" in view.title.text
    touch(bench, "renew")
    assert code_on(bench).amount.text == "50.000\u00a0đ"
    till.pay(payment, 50_000, attempt=2)
    bench.wait(1)
    shows(bench, Screen.PAID)


def test_another_way_closes_the_first_code(till: Till, desk: Desk) -> None:
    till.bill()
    bench = desk.open()
    first = show_code(bench)
    walk(bench, [(Screen.PAY_QR, "other"), (Screen.PAY_METHOD, "method", "wallet")])
    assert code_on(bench).qr != first.qr


def test_a_way_that_fails_disappears_and_the_others_stay(till: Till, desk: Desk) -> None:
    till.bill()
    till.bank.go_down(Unavailable("down"))
    bench = desk.open()
    show_bills(bench)
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "method", "bank")])
    shows(bench, Screen.PAY_METHOD)
    walk(bench, [(Screen.PAY_METHOD, "method", "wallet")])
    code_on(bench)


def test_a_fee_that_changed_is_shown_again(till: Till, desk: Desk) -> None:
    till.bill(350_000)
    bench = desk.open()
    show_bills(bench)
    touch(bench, "pay")
    [invoice] = till.resources.his.read_account(till.patient()).invoices
    till.clinic.cancel_invoice(invoice.ref)
    till.bill(400_000)
    touch(bench, "method", "bank")
    shows(bench, Screen.PAY_BILLS)
    view = bench.kiosk.frame.view
    assert isinstance(view, BillsView)
    assert view.problem is not None
    assert view.total.text == "400.000\u00a0đ"


def test_who_walks_away_goes_on_at_another_kiosk(till: Till, desk: Desk) -> None:
    till.bill()
    first, second, third = desk.open(), desk.open(), desk.open()
    show_code(first)
    payment = payment_of(first)
    touch(first, "finish")
    [slip] = first.printer.receipts
    assert slip.code == payment["code"]

    walk(second, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "relative")])
    hold_up(second, slip.qr.encode())
    code_on(second)
    till.pay(payment)
    second.wait(1)
    shows(second, Screen.PAID)
    second.wait(3)
    assert len(second.printer.receipts) == 1

    walk(third, [(Screen.WELCOME, "pay"), (Screen.PAY_WHO, "code")])
    type_in(third, payment["code"])
    shows(third, Screen.PAID)
    assert third.printer.receipts == []
    touch(third, "print")
    assert [receipt.code for receipt in third.printer.receipts] == [payment["code"]]


def test_a_second_kiosk_joins_the_payment_of_the_first(till: Till, desk: Desk) -> None:
    till.bill()
    first, second = desk.open(), desk.open()
    code = show_code(first)
    show_bills(second)
    assert code_on(second).qr == code.qr
    till.pay(payment_of(first))
    for bench in (first, second):
        bench.wait(1)
        shows(bench, Screen.PAID)


def test_two_kiosks_begin_at_once_and_one_payment_is_made(till: Till, desk: Desk) -> None:
    till.bill()
    first, second = desk.open(), desk.open()
    for bench in (first, second):
        show_bills(bench)
        touch(bench, "pay")
    touch(first, "method", "bank")
    touch(second, "method", "wallet")
    assert payment_of(second)["id"] == payment_of(first)["id"]


def test_an_advance(till: Till, desk: Desk) -> None:
    bench = desk.open()
    show_bills(bench)
    walk(bench, [(Screen.PAY_BILLS, "advance"), (Screen.PAY_ADVANCE, "other")])
    type_in(bench, "500000")
    walk(bench, [(Screen.PAY_METHOD, "method", "wallet")])
    assert code_on(bench).amount.text == "500.000\u00a0đ"


def test_cash_prints_a_slip(till: Till, desk: Desk) -> None:
    invoice = till.bill()
    bench = desk.open()
    show_bills(bench)
    walk(bench, [(Screen.PAY_BILLS, "pay"), (Screen.PAY_METHOD, "cash")])
    shows(bench, Screen.PAY_CASH)
    view = bench.kiosk.frame.view
    assert isinstance(view, MessageView | TicketView)
    [slip] = bench.printer.receipts
    assert invoice.code in slip.qr
    render_receipt(ReceiptDocument.from_json(slip.model_dump_json()), width_px=384)


def test_english_receipts_have_both_languages(till: Till, desk: Desk) -> None:
    till.bill()
    bench = desk.open()
    touch(bench, "language", "en")
    show_code(bench)
    till.pay(payment_of(bench))
    bench.wait(1)
    bench.wait(3)
    [receipt] = bench.printer.receipts
    assert receipt.lang == "en"
    assert receipt.vi is not None


def test_what_the_printer_said_reaches_the_server(till: Till, desk: Desk, tmp_path: Path) -> None:
    till.bill()
    bench = desk.open()
    bench.printer.ends = PrintState.FAILED
    show_code(bench)
    payment = payment_of(bench)
    till.pay(payment)
    bench.wait(1)
    shows(bench, Screen.PAID)
    bench.wait(3)
    [request] = bench.reports.requests
    journal = PrintReportJournal(tmp_path / "reports", desk.gateways[0])
    journal.report_receipt(payment["id"], request)
    assert (tmp_path / "reports").read_text() == ""


def test_logs_name_nobody_and_hold_no_code(
    till: Till, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    till.bill()
    bench = desk.open()
    with caplog.at_level(logging.DEBUG):
        show_code(bench)
        payment = payment_of(bench)
        till.pay(payment)
        bench.wait(1)
        shows(bench, Screen.PAID)
    assert "/api/v1/payments" in caplog.text
    for secret in (PATIENT.full_name, PATIENT.payload.split("|")[0], payment["code"]):
        assert secret not in caplog.text
