"""Paying, from what is due to what the HIS has entered, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.storage import payment_tables as tables
from backend.storage.database import Database
from backend.storage.metadata import METADATA
from backend.web import payment_schemas as schemas
from payments.errors import Unavailable
from payments.match_codes import is_match_code
from tests.conftest import SettableClock
from tests.factories.till import Till, open_till


@pytest.fixture
def till(database: Database, clock: SettableClock, tmp_path: Path) -> Iterator[Till]:
    with open_till(database, clock, tmp_path) as till:
        yield till


def test_what_is_due_is_told_with_reasons_and_ways(till: Till) -> None:
    invoice = till.bill(350_000)
    dues = till.dues()
    assert set(dues) == set(schemas.DuesReply.model_fields)
    (bill,) = dues["bills"]
    assert (bill["code"], bill["due_vnd"], bill["title"]) == (invoice.code, 350_000, "Khám bệnh")
    assert bill["charges"][0]["amount_vnd"] == 350_000
    assert [method["name"] for method in dues["methods"]] == ["bank", "wallet"]
    assert dues["cash"]["place"]["vi"]
    assert dues["advance"]["proposed_vnd"]
    assert dues["open_payment"] is None


def test_a_bill_is_paid_told_to_the_his_and_gone(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    assert set(payment) == set(schemas.PaymentReply.model_fields)
    assert is_match_code(payment["code"])
    assert (payment["stage"], payment["remaining_vnd"]) == ("waiting", 350_000)
    assert payment["offer"]["amount_vnd"] == 350_000
    assert payment["receipt"] is None

    assert till.pay(payment).status_code == 200
    paid = till.show(payment)
    assert (paid["stage"], paid["state"], paid["told_hospital"]) == ("paid", "paid", False)
    assert paid["offer"] is None
    receipt = schemas.Receipt.model_validate(paid["receipt"])
    assert receipt.code == payment["code"]
    assert receipt.texts.total.value == "350.000 đ"
    assert till.balances() == {"bank:bank": 350_000, "clearing": 350_000, "suspense": 0}

    # Due in the HIS for a moment longer, and not to be paid again.
    assert till.due_vnd() == 350_000
    dues = till.dues()
    assert (dues["bills"], dues["due_vnd"]) == ([], 0)
    assert dues["open_payment"]["id"] == payment["id"]

    till.deliver()
    assert till.show(payment)["told_hospital"]
    assert till.due_vnd() == 0
    assert till.balances()["his"] == 350_000
    assert till.dues()["bills"] == []


def test_nothing_but_a_newer_version_is_told_again(till: Till) -> None:
    till.bill()
    payment = till.start()
    path = f"/payments/{payment['id']}?version={payment['version']}"
    assert till.get(path).status_code == 204
    till.pay(payment)
    assert till.get(path).json["stage"] == "paid"


def test_the_same_wish_is_one_payment(till: Till) -> None:
    till.bill()
    dues = till.dues()
    wish = {"dues_id": dues["dues_id"], "bill_ids": ["b1"], "method": "bank"}
    first = till.post("/payments", wish, key="wish-1")
    again = till.post("/payments", wish, key="wish-1")
    assert first.json["id"] == again.json["id"]
    assert till.count(tables.Payment) == till.count(tables.PaymentAttempt) == 1


def test_two_kiosks_cannot_pay_one_bill(till: Till) -> None:
    till.bill()
    payment = till.start()
    dues = till.dues()
    assert dues["open_payment"]["id"] == payment["id"]
    wish = {"dues_id": dues["dues_id"], "bill_ids": ["b1"], "method": "wallet"}
    refused = till.post("/payments", wish)
    assert (refused.status_code, refused.json["code"]) == (409, "being_paid")
    till.post(f"/payments/{payment['id']}/cancel", {"reason": "cancelled"})
    assert till.post("/payments", wish | {"dues_id": till.dues()["dues_id"]}).status_code == 201


def test_some_of_several_bills_and_an_advance(till: Till) -> None:
    till.bill(100_000, "Khám bệnh")
    till.bill(200_000, "Xét nghiệm máu")
    payment = till.start(bill_ids=["b2"])
    assert payment["amount_vnd"] == 200_000
    till.pay(payment)
    advance = till.start(bill_ids=[], advance_vnd=500_000, method="wallet")
    assert (advance["kind"], advance["amount_vnd"]) == ("advance", 500_000)
    till.call_back(till.wallet.pay(till.key_of(advance)), "wallet")
    till.deliver()
    till.deliver()
    account = till.resources.his.read_account(till.patient())
    assert (account.advances_vnd, account.paid_vnd >= 200_000) == (500_000, True)
    assert till.show(advance)["told_hospital"]


@pytest.mark.parametrize("advance", [99_999, 105_000, 50_000_001])
def test_an_advance_keeps_to_the_limits_of_the_hospital(till: Till, advance: int) -> None:
    dues = till.dues()
    wish = {"dues_id": dues["dues_id"], "advance_vnd": advance, "method": "bank"}
    assert till.post("/payments", wish).json["code"] == "amount_not_allowed"


def test_a_fee_that_changed_is_shown_again_before_anything_is_paid(till: Till) -> None:
    invoice = till.bill(350_000)
    dues = till.dues()
    till.clinic.cancel_invoice(invoice.ref)
    wish = {"dues_id": dues["dues_id"], "bill_ids": ["b1"], "method": "bank"}
    refused = till.post("/payments", wish)
    assert (refused.status_code, refused.json["code"]) == (409, "fee_changed")
    assert till.count(tables.Payment) == 0


def test_a_fee_that_changes_while_its_qr_shows_ends_the_payment(
    till: Till, clock: SettableClock
) -> None:
    invoice = till.bill(350_000)
    payment = till.start()
    till.clinic.cancel_invoice(invoice.ref)
    clock.advance(seconds=31)
    till.pursue()
    shown = till.show(payment)
    assert (shown["stage"], shown["reason"]) == ("ended", "fee_changed")
    # Money that comes all the same is kept, and the HIS says that it is not due.
    till.pay(payment)
    till.deliver()
    assert till.items() == [("not_taken_by_his", "open", 350_000)]
    assert till.balances()["suspense"] == 350_000


def test_a_part_the_rest_and_too_much(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    till.pay(payment, 100_000)
    shown = till.show(payment)
    assert (shown["stage"], shown["received_vnd"], shown["remaining_vnd"]) == (
        "underpaid",
        100_000,
        250_000,
    )
    assert shown["offer"] is None, "a code of the whole amount is not to be paid any more"
    rest = till.post(f"/payments/{payment['id']}/offer", {"method": "bank"}).json
    assert rest["offer"]["amount_vnd"] == 250_000
    till.pay(payment, 300_000, attempt=2)
    paid = till.show(payment)
    assert paid["stage"] == "paid"
    assert any("50.000 đ" in note for note in paid["receipt"]["texts"]["notes"])
    assert till.items() == [("short", "applied", 100_000), ("over", "open", 50_000)]
    till.deliver()
    assert till.balances() == {
        "bank:bank": 400_000,
        "clearing": 0,
        "his": 350_000,
        "suspense": 50_000,
    }


def test_paid_twice_is_held_and_told_once(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    till.pay(payment)
    till.pay(payment, 350_000)
    assert till.items() == [("duplicate", "open", 350_000)]
    till.deliver()
    till.deliver()
    assert till.due_vnd() == 0
    assert till.balances()["suspense"] == 350_000


def test_the_same_callback_again_changes_nothing(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    request = till.bank.pay(till.key_of(payment))
    answers = {till.call_back(request).data for _ in range(3)}
    assert len(answers) >= 1
    assert till.count(tables.Credit) == 1
    assert till.balances()["bank:bank"] == 350_000


def test_a_callback_without_a_good_signature_changes_nothing(till: Till) -> None:
    from dataclasses import replace

    till.bill(350_000)
    payment = till.start()
    request = till.bank.pay(till.key_of(payment))
    forged = replace(request, untrusted_body=request.untrusted_body.replace(b"350000", b"350001"))
    assert till.call_back(forged).status_code == 401
    assert till.count(tables.Credit) == till.count(tables.PaymentNotice) == 0
    assert till.show(payment)["stage"] == "waiting"
    assert till.client.post("/payments/nobody", data=b"{}").status_code == 404
    too_large = till.client.post("/payments/bank", data=b"x" * 70_000)
    assert too_large.status_code == 413


def test_money_for_nobody_knows_what_is_held(till: Till) -> None:
    till.call_back(till.bank.pay(None, 77_000, memo="cam on bac si"))
    assert till.items() == [("unknown", "open", 77_000)]
    assert till.balances() == {"bank:bank": 77_000, "suspense": 77_000}


def test_a_code_in_a_mangled_memo_finds_the_payment(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    memo = f"MBVCB.99.{payment['code'].lower()[:4]} {payment['code'][4:]}.CT tu 0099"
    till.call_back(till.bank.pay(None, 350_000, memo=memo))
    assert till.show(payment)["stage"] == "paid"


def test_a_lost_callback_is_found_by_asking(till: Till, clock: SettableClock) -> None:
    till.bill(350_000)
    payment = till.start()
    till.bank.pay(till.key_of(payment))
    clock.advance(seconds=4)
    till.pursue()
    assert till.show(payment)["stage"] == "waiting"
    clock.advance(seconds=2)
    till.pursue()
    assert till.show(payment)["stage"] == "paid"
    assert till.pay(payment, 350_000, transaction_id=None).status_code == 200


def test_i_have_paid_asks_at_once(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    assert till.post(f"/payments/{payment['id']}/check").json["stage"] == "waiting"
    till.bank.pay(till.key_of(payment))
    assert till.post(f"/payments/{payment['id']}/check").json["stage"] == "paid"


def test_cancel_that_comes_after_the_money_says_paid(till: Till) -> None:
    till.bill(350_000)
    payment = till.start()
    till.bank.pay(till.key_of(payment))
    reply = till.post(f"/payments/{payment['id']}/cancel", {"reason": "cancelled"})
    assert reply.json["stage"] == "paid"


def test_late_money_is_booked_while_the_bill_is_open(till: Till, clock: SettableClock) -> None:
    till.bill(350_000)
    payment = till.start()
    clock.advance(minutes=20)
    till.pursue()
    assert till.show(payment)["reason"] == "timed_out"
    till.pay(payment)
    assert till.show(payment)["state"] == "late_paid"
    till.deliver()
    assert till.due_vnd() == 0
    assert till.items() == []


def test_late_money_for_a_bill_that_was_paid_otherwise_is_held(
    till: Till, clock: SettableClock
) -> None:
    till.bill(350_000)
    late = till.start()
    clock.advance(minutes=20)
    till.pursue()
    second = till.start(method="wallet")
    till.call_back(till.wallet.pay(till.key_of(second)), "wallet")
    till.pay(late)
    assert till.items() == [("late", "open", 350_000)]
    till.deliver()
    assert till.balances()["his"] == 350_000


def test_late_money_closes_the_qr_that_shows_for_the_same_bill(
    till: Till, clock: SettableClock
) -> None:
    till.bill(350_000)
    late = till.start()
    clock.advance(minutes=20)
    till.pursue()
    second = till.start(method="wallet")
    till.pay(late)
    shown = till.show(second)
    assert (shown["stage"], shown["reason"]) == ("ended", "paid_elsewhere")
    till.deliver()
    assert till.due_vnd() == 0
    assert till.balances()["his"] == 350_000


def test_another_way_closes_the_first_qr(till: Till, clock: SettableClock) -> None:
    till.bill(350_000)
    payment = till.start()
    other = till.post(f"/payments/{payment['id']}/offer", {"method": "wallet"}).json
    assert other["offer"]["method"] == "wallet"
    till.pursue()
    till.call_back(till.wallet.pay(till.key_of(payment, 2)), "wallet")
    assert till.show(payment)["stage"] == "paid"
    # The first QR was photographed and is paid as well.
    till.pay(payment)
    assert till.items() == [("duplicate", "open", 350_000)]


def test_a_bank_that_is_away_disappears_and_the_wallet_stays(till: Till) -> None:
    till.bill(350_000)
    till.bank.go_down(Unavailable("away"))
    payment = till.start()
    assert payment["stage"] == "waiting"
    assert payment["offer"] is None
    for _ in range(3):
        till.post(f"/payments/{payment['id']}/offer", {"method": "bank"})
    till.resources.provider_parties["bank"].close()
    assert [method["name"] for method in till.show(payment)["methods"]] == ["wallet"]
    reply = till.post(f"/payments/{payment['id']}/offer", {"method": "wallet"})
    assert reply.json["offer"]["method"] == "wallet"


def test_cash_gives_a_slip_with_the_bill_codes(till: Till) -> None:
    invoice = till.bill(350_000)
    dues = till.dues()
    wish = {"dues_id": dues["dues_id"], "bill_ids": ["b1"]}
    reply = till.post("/cash", wish)
    assert reply.status_code == 201
    slip = schemas.CashReply.model_validate(reply.json).slip
    assert invoice.code in slip.texts.lines[0].label
    assert slip.texts.total.value == "350.000 đ"


def test_whoever_holds_the_code_may_pay_and_not_read(till: Till) -> None:
    till.bill(350_000, "Khám da liễu")
    payment = till.start()
    dues = till.dues(code=f" {payment['code'].lower()} ")
    assert dues["open_payment"]["id"] == payment["id"]
    assert (dues["patient"], dues["bills"][0]["title"], dues["bills"][0]["charges"]) == ("", "", [])
    unknown = till.post("/dues", {"code": "VP0000000"})
    assert (unknown.status_code, unknown.json["code"]) == (404, "payment_not_found")


def test_no_memo_and_no_payer_in_clear(till: Till, database: Database) -> None:
    from sqlalchemy import select

    from payments.models import Payer

    payer = Payer(name="TRAN THI VI DU", account="0099887766", bank="970436")
    till.call_back(till.bank.pay(None, 77_000, memo="TRAN THI VI DU chuyen khoan", payer=payer))
    with database.read() as connection:
        rows = [
            str(row)
            for table in METADATA.sorted_tables
            for row in connection.execute(select(table))
        ]
    assert not [row for row in rows if "VI DU" in row or "0099887766" in row]


def set_cash_first(till: Till) -> None:
    from sqlalchemy import select, update

    from backend.storage.catalogue_tables import Facility

    with till.resources.database.write() as unit:
        settings = unit.connection.scalar(select(Facility.settings))
        unit.connection.execute(
            update(Facility).values(
                settings={**(settings or {}), "payment_cash_first": True},
                catalogue_version=Facility.catalogue_version + 1,
            )
        )


def register(till: Till, **wish: object) -> dict[str, object]:
    internal = next(
        each
        for each in till.resources.catalogue.get().services.values()
        if each.kind == "examination" and each.code == "NOI"
    )
    reply = till.post(
        "/visits",
        {
            "scan_id": till.scan(),
            "visit_kind": "new",
            "service_id": internal.id,
            "use_insurance": False,
        }
        | wish,
    )
    assert reply.status_code == 201, reply.json
    return dict(reply.json)


def test_self_payers_see_the_cashier_first_where_the_hospital_wants_it(till: Till) -> None:
    set_cash_first(till)
    visit = register(till)
    assert [step["kind"] for step in visit["steps"]] == ["cashier", "examination"]
    assert str(visit["number"]).startswith("T")


def test_who_paid_an_advance_today_does_not(till: Till) -> None:
    set_cash_first(till)
    advance = till.start(bill_ids=[], advance_vnd=500_000)
    till.pay(advance)
    visit = register(till)
    assert [step["kind"] for step in visit["steps"]] == ["examination"]


def test_cash_takes_a_place_in_the_cashiers_line_with_the_number_of_today(till: Till) -> None:
    visit = register(till)
    till.bill(350_000)
    dues = till.dues()
    assert dues["number"] == visit["number"]
    wish = {"dues_id": dues["dues_id"], "bill_ids": ["b1"]}
    reply = till.post("/cash", wish)
    assert reply.json["number"] == visit["number"]
    shown = till.get(f"/visits/{visit['id']}").json
    assert [step["kind"] for step in shown["steps"]] == ["examination", "cashier"]
    till.post("/cash", wish | {"dues_id": till.dues()["dues_id"]})
    assert len(till.get(f"/visits/{visit['id']}").json["steps"]) == 2


def test_the_receipt_opens_the_electronic_invoice_once_there_is_one(till: Till) -> None:
    invoice = till.bill(350_000)
    payment = till.start()
    till.pay(payment)
    till.deliver()
    paid = till.show(payment)
    assert paid["receipt"]["qr"] == payment["code"]
    issued = till.clinic.issue_einvoice(invoice.ref)
    again = till.dues(code=payment["code"])["open_payment"]
    assert again["receipt"]["qr"] == issued.url
    assert "hóa đơn điện tử" in again["receipt"]["texts"]["qr_label"]
