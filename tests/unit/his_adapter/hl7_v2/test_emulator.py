"""The emulated HIS misbehaves on demand, and nothing is done twice for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from his_adapter.demo.gateway import open_demo
from his_adapter.errors import GatewayMisconfigured, KeyReused, OutcomeUnknown
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.emulator import Hl7Emulator
from his_adapter.hl7_v2.gateway import Hl7Gateway
from his_adapter.models import (
    Charge,
    CheckIn,
    InvoiceStatus,
    Patient,
    PatientChanges,
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    Visit,
)
from his_adapter.ports import HisGateway
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import draft, next_key
from tests.unit.his_adapter.hl7_v2.conftest import MONDAY_MORNING


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Hl7Emulator]:
    fill_demo_folder(tmp_path, now=MONDAY_MORNING)
    his = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
    with Hl7Emulator(his, tmp_path, clock=lambda: MONDAY_MORNING) as emulator:
        yield emulator
    his.close()


def connect(emulator: Hl7Emulator, **settings: object) -> Hl7Gateway:
    config = read_config({**emulator.settings, "write_timeout_s": 1.0, **settings})
    return Hl7Gateway(config, clock=lambda: MONDAY_MORNING)


@pytest.fixture
def his(emulator: Hl7Emulator) -> Iterator[HisGateway]:
    gateway = connect(emulator)
    yield gateway
    gateway.close()


@pytest.fixture
def patient(his: HisGateway) -> Patient:
    return his.create_patient(draft(), key=next_key())


@pytest.mark.parametrize("switch", ["wrong_message", "no_answer", "close", "garbage"])
def test_a_lost_answer_is_settled_by_the_key(
    emulator: Hl7Emulator, his: HisGateway, patient: Patient, switch: str
) -> None:
    key = next_key()
    request = CheckIn(patient=patient.ref, person=draft(), service=Ref("surgery"))
    setattr(emulator.switches, switch, 1)
    with pytest.raises(OutcomeUnknown):
        his.check_in(request, key=key)
    found = his.find_by_key(key)
    assert isinstance(found, Visit)
    assert his.check_in(request, key=key) == found


def test_a_late_answer(emulator: Hl7Emulator, his: HisGateway) -> None:
    emulator.switches.late_s = 1.5
    key = next_key()
    with pytest.raises(OutcomeUnknown):
        his.create_patient(draft(1), key=key)
    emulator.switches.late_s = 0
    found = his.find_by_key(key)
    assert isinstance(found, Patient)


def test_a_change_that_was_made_already(his: HisGateway, patient: Patient) -> None:
    key, changes = next_key(), PatientChanges(phone="0900000001")
    changed = his.update_patient(patient.ref, changes, version=patient.version, key=key)
    assert his.update_patient(patient.ref, changes, version=patient.version, key=key) == changed
    with pytest.raises(KeyReused):
        his.update_patient(
            patient.ref, PatientChanges(phone="0900000002"), version=patient.version, key=key
        )


def test_merged_records_lead_to_the_one_that_was_kept(
    emulator: Hl7Emulator, his: HisGateway, patient: Patient
) -> None:
    other = his.create_patient(draft(1), key=next_key())
    kept = his.merge_patients(patient.ref, other.ref, key=next_key())
    assert kept.ref == patient.ref
    assert his.read_patient(other.ref) == his.read_patient(patient.ref)


def test_a_bill_is_paid(
    emulator: Hl7Emulator, his: HisGateway, patient: Patient, tmp_path: Path
) -> None:
    hospital = open_demo(tmp_path, clock=lambda: MONDAY_MORNING)
    fee = Charge(code="KB", name_vi="Khám bệnh", quantity=1, amount_vnd=45_000)
    hospital.clinic.charge(patient.ref, fee)
    hospital.clinic.issue_invoice(patient.ref)
    (invoice,) = hospital.read_account(patient.ref).invoices
    posting = PaymentPosting(
        patient=patient.ref,
        invoice=invoice.ref,
        amount_vnd=45_000,
        method=PaymentMethod.QR,
        provider="vietqr",
        provider_reference="FT26005000001",
        paid_at=MONDAY_MORNING,
    )
    key = next_key()
    receipt = his.post_payment(posting, key=key)
    assert isinstance(receipt, PaymentReceipt)
    assert (receipt.amount_vnd, receipt.invoice_status) == (45_000, InvoiceStatus.BALANCED)
    assert his.post_payment(posting, key=key) == receipt == his.find_by_key(key)
    assert hospital.read_account(patient.ref).due_vnd == 0
    hospital.close()


def test_without_questions_the_acknowledgement_tells(emulator: Hl7Emulator) -> None:
    gateway = connect(emulator, queries={})
    patient = gateway.create_patient(draft(3), key=next_key())
    visit = gateway.check_in(
        CheckIn(patient=patient.ref, service=Ref("surgery"), number="A012"), key=next_key()
    )
    assert (visit.patient, visit.own_number) == (patient.ref, "A012")
    assert visit.record_code
    assert visit.ticket.number >= 1
    gateway.close()


def test_it_refuses_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(GatewayMisconfigured):
        Hl7Emulator(open_demo(tmp_path, clock=lambda: MONDAY_MORNING), tmp_path)
