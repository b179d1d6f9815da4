from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.builtin.change_log import KEPT
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.reports import PartDraft
from his_adapter.builtin.store import Store
from his_adapter.errors import InvalidData, NotFound, NotSupported
from his_adapter.models import (
    Change,
    ChangeKind,
    Charge,
    CheckIn,
    InvoiceStatus,
    OrderStatus,
    PartKind,
    Patient,
    PatientChanges,
    PatientDraft,
    PaymentMethod,
    PaymentPosting,
    Ref,
    VisitStatus,
    WriteKey,
)

START = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
EXAMINATION = Ref("examination")
NOTHING = PartDraft(name="values", kind=PartKind.VALUES)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def his(tmp_path: Path, clock: Clock) -> BuiltinGateway:
    return BuiltinGateway(
        Store(tmp_path / "register.sqlite3"), load_catalogue(STARTER_FILE), clock=clock
    )


@pytest.fixture
def patient(his: BuiltinGateway) -> Patient:
    return his.clinic.register_patient(PatientDraft(full_name="Trần Văn Một"))


def kinds(his: BuiltinGateway, cursor: str) -> list[ChangeKind]:
    return [change.kind for change in his.changes(cursor).changes]


def test_everything_the_hospital_does_is_a_change(his: BuiltinGateway, patient: Patient) -> None:
    start = his.changes(None).cursor
    order = his.clinic.place_order(patient.ref, service=EXAMINATION)
    report = his.clinic.write_report(patient.ref, order=order.ref, parts=(NOTHING,))
    assert kinds(his, start) == [ChangeKind.ORDER]
    his.clinic.release_report(report)
    his.clinic.charge(patient.ref, Charge(code="A", name_vi="A", quantity=1, amount_vnd=1))
    his.clinic.change_patient(patient.ref, PatientChanges(phone="0900000001"))
    assert kinds(his, start)[1:] == [
        ChangeKind.REPORT,
        ChangeKind.ORDER,
        ChangeKind.PAYMENT,
        ChangeKind.PATIENT,
    ]
    (done,) = his.list_orders(patient.ref, START).items
    assert done.status is OrderStatus.COMPLETED


def test_changes_are_kept_for_a_while(his: BuiltinGateway, patient: Patient, clock: Clock) -> None:
    start = his.changes(None).cursor
    his.clinic.change_patient(patient.ref, PatientChanges(phone="0900000001"))
    after_first = his.changes(start).cursor
    clock.now += KEPT + timedelta(days=1)
    his.clinic.change_patient(patient.ref, PatientChanges(phone="0900000002"))
    assert his.changes(start).reset
    (left,) = his.changes(after_first).changes
    assert left == Change(
        kind=ChangeKind.PATIENT, ref=patient.ref, patient=patient.ref, at=clock.now
    )


def test_a_result_is_corrected_after_its_release_only(
    his: BuiltinGateway, patient: Patient
) -> None:
    report = his.clinic.write_report(patient.ref, parts=(NOTHING,))
    with pytest.raises(InvalidData):
        his.clinic.correct_report(report, (NOTHING,))


def test_an_order_of_somebody_else_has_no_result(his: BuiltinGateway, patient: Patient) -> None:
    other = his.clinic.register_patient(PatientDraft(full_name="Lê Thị Hai"))
    order = his.clinic.place_order(other.ref, service=EXAMINATION)
    with pytest.raises(NotFound):
        his.clinic.write_report(patient.ref, order=order.ref, parts=(NOTHING,))


def test_what_a_merged_patient_owes_and_had_goes_along(
    his: BuiltinGateway, patient: Patient
) -> None:
    other = his.clinic.register_patient(PatientDraft(full_name="Trần Văn Một"))
    his.clinic.place_order(other.ref, service=EXAMINATION)
    his.clinic.charge(other.ref, Charge(code="A", name_vi="A", quantity=1, amount_vnd=5))
    his.merge_patients(patient.ref, other.ref, key=WriteKey("merge-0001"))
    assert len(his.list_orders(patient.ref, START).items) == 1
    assert his.read_account(other.ref).due_vnd == his.read_account(patient.ref).due_vnd == 5


def test_a_self_payer_owes_the_fee_until_the_visit_is_cancelled(
    his: BuiltinGateway, patient: Patient
) -> None:
    visit = his.check_in(
        CheckIn(patient=patient.ref, service=EXAMINATION), key=WriteKey("visit-0001")
    )
    account = his.read_account(patient.ref, visit.ref)
    assert account.due_vnd == visit.fee_due_vnd == 36_500
    his.clinic.place_order(patient.ref, service=EXAMINATION, visit=visit.ref)
    his.cancel_visit(visit.ref, reason="", key=WriteKey("cancel-0001"))
    after = his.read_account(patient.ref)
    assert (after.due_vnd, after.invoices[0].status) == (0, InvoiceStatus.CANCELLED)
    (order,) = his.list_orders(patient.ref, START).items
    assert order.status is OrderStatus.CANCELLED


def test_a_paid_bill_that_is_cancelled_becomes_credit(
    his: BuiltinGateway, patient: Patient
) -> None:
    his.clinic.charge(patient.ref, Charge(code="A", name_vi="A", quantity=1, amount_vnd=5_000))
    invoice = his.clinic.issue_invoice(patient.ref)
    with pytest.raises(InvalidData):
        his.clinic.issue_einvoice(invoice.ref)
    posting = PaymentPosting(
        patient=patient.ref,
        invoice=invoice.ref,
        amount_vnd=5_000,
        method=PaymentMethod.CASH,
        provider="cashier",
        provider_reference="",
        paid_at=START,
    )
    his.post_payment(posting, key=WriteKey("payment-01"))
    his.clinic.cancel_invoice(invoice.ref)
    assert his.read_account(patient.ref).credit_vnd == 5_000


def test_nothing_charged_makes_no_bill(his: BuiltinGateway, patient: Patient) -> None:
    with pytest.raises(InvalidData):
        his.clinic.issue_invoice(patient.ref)
    assert his.read_account(patient.ref).invoices == ()


def test_a_station_has_no_line_to_ask(his: BuiltinGateway, patient: Patient) -> None:
    visit = his.check_in(
        CheckIn(patient=patient.ref, service=EXAMINATION), key=WriteKey("visit-0001")
    )
    with pytest.raises(NotSupported):
        his.queue_status(visit.ref)
    his.clinic.finish_visit(visit.ref)
    (finished,) = his.list_visits(patient.ref, START.date()).items
    assert finished.status is VisitStatus.FINISHED
