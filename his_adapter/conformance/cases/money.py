"""C20-C22: what is due, and payments that are entered once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from his_adapter.conformance.case import NotPrepared, case, expect
from his_adapter.conformance.faulty import PortFault, PortFaultKind
from his_adapter.conformance.lab import Lab, outcome_of
from his_adapter.conformance.proxy import Fault, FaultKind, first_write
from his_adapter.errors import Duplicate, InvalidData, OutcomeUnknown
from his_adapter.models import (
    Account,
    Feature,
    Invoice,
    InvoiceStatus,
    Patient,
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    WriteKey,
)
from his_adapter.ports import HisGateway


@case(
    "C20",
    "Số tiền phải trả bằng phát sinh trừ BHYT, miễn giảm, tạm ứng, đã trả; đọc hai lần như nhau",
)
def account_adds_up(lab: Lab) -> None:
    """account: due = charges − BHYT − discounts − advances − payments; unchanged between two
    reads
    """
    lab.needs(Feature.READ_ACCOUNT)
    first, second = (account for _, account in _accounts_twice(lab))
    balance = (
        first.charged_vnd
        - first.insurance_vnd
        - first.discount_vnd
        - first.advances_vnd
        - first.paid_vnd
    )
    expect(
        (first.due_vnd, first.credit_vnd) == (max(balance, 0), max(-balance, 0)),
        "Số tiền phải trả không khớp với các khoản.",
        f"due {first.due_vnd} and credit {first.credit_vnd} do not follow from {balance}",
    )
    expect(
        replace(first, as_of=second.as_of) == second,
        "Đọc hai lần liền ra hai số tiền khác nhau.",
        "two reads of one account differ",
    )


def _accounts_twice(lab: Lab) -> Iterator[tuple[Patient, Account]]:
    patient, _ = _unpaid(lab)
    for _ in range(2):
        yield patient, lab.gateway.read_account(patient.ref)


@case("C21", "Thanh toán gửi hai lần chỉ ghi một lần; sai số tiền bị từ chối; đã trả thì báo trùng")
def paid_once(lab: Lab) -> None:
    """Payment same key twice → one posting; wrong amount → InvalidData; already paid →
    Duplicate
    """
    lab.needs(Feature.READ_ACCOUNT, Feature.POST_PAYMENT)
    patient, invoice = _unpaid(lab)
    posting, key = _posting(patient, invoice), lab.key()
    error = outcome_of(
        lambda: lab.gateway.post_payment(
            replace(posting, amount_vnd=posting.amount_vnd + 1000), key=lab.key()
        )
    )
    expect(
        isinstance(error, InvalidData),
        "Sai số tiền mà HIS vẫn nhận thanh toán.",
        f"a wrong amount gave {error.code if error else 'ok'}, not InvalidData",
    )
    before = lab.gateway.read_account(patient.ref).paid_vnd
    first = lab.gateway.post_payment(posting, key=key)
    again = lab.gateway.post_payment(posting, key=key)
    after = lab.gateway.read_account(patient.ref)
    expect(
        first.ref == again.ref and after.paid_vnd - before == posting.amount_vnd,
        "Gửi lại cùng mã yêu cầu mà tiền bị ghi hai lần.",
        f"one key posted {after.paid_vnd - before} of {posting.amount_vnd}",
    )
    error = outcome_of(lambda: lab.gateway.post_payment(posting, key=lab.key()))
    expect(
        isinstance(error, Duplicate),
        "Hoá đơn đã trả mà HIS vẫn nhận thêm tiền.",
        f"a paid invoice gave {error.code if error else 'ok'}, not Duplicate",
    )


@case("C22", "Thanh toán đã ghi rồi mới đứt đường truyền: tìm lại được theo mã yêu cầu")
def payment_after_a_cut(lab: Lab) -> None:
    """Payment accepted then connection cut → OutcomeUnknown → `find_by_key` settles it"""
    lab.needs(Feature.READ_ACCOUNT, Feature.POST_PAYMENT, Feature.FIND_BY_KEY)
    patient, invoice = _unpaid(lab)
    posting, key = _posting(patient, invoice), lab.key()
    if lab.wire is None:
        lost = PortFault(kind=PortFaultKind.ANSWER_LOST)
        _pay_and_lose(lab, lab.at_the_port(lambda _: lost), posting, key)
    else:
        with lab.through_proxy() as (gateway, proxy):
            proxy.play(first_write(Fault(kind=FaultKind.RESET_AFTER)))
            _pay_and_lose(lab, gateway, posting, key)
    found = lab.gateway.find_by_key(key)
    expect(
        isinstance(found, PaymentReceipt) and found.amount_vnd == posting.amount_vnd,
        "Tiền đã ghi mà không tìm lại được theo mã yêu cầu.",
        "a payment whose answer was lost is not found by its key",
    )


def _pay_and_lose(lab: Lab, gateway: HisGateway, posting: PaymentPosting, key: WriteKey) -> None:
    error = outcome_of(lambda: gateway.post_payment(posting, key=key))
    expect(
        isinstance(error, OutcomeUnknown),
        "Đứt sau khi gửi tiền mà bộ nối không báo là chưa rõ kết quả.",
        f"a cut after a payment gave {error.code if error else 'ok'}, not OutcomeUnknown",
    )
    lab.note("the answer to one payment was lost on purpose")


def _unpaid(lab: Lab) -> tuple[Patient, Invoice]:
    """Somebody with something to pay: from a check-in, or as the hospital has prepared."""
    if lab.can(Feature.CREATE_PATIENT, Feature.CHECK_IN):
        patient = lab.register()
        lab.check_in(patient)
        if (invoice := _due(lab, patient)) is not None:
            return patient, invoice
    for number in lab.prepared(lab.settings.unpaid_patients, "unpaid_patients"):
        patient = lab.known_patient(number)
        if (invoice := _due(lab, patient)) is not None:
            return patient, invoice
    raise NotPrepared(
        "Người bệnh thử không còn khoản nào chưa trả.", "nobody prepared has anything left to pay"
    )


def _due(lab: Lab, patient: Patient) -> Invoice | None:
    for invoice in lab.gateway.read_account(patient.ref).invoices:
        if invoice.status is InvoiceStatus.ISSUED and invoice.due_vnd > 0:
            return invoice
    return None


def _posting(patient: Patient, invoice: Invoice) -> PaymentPosting:
    return PaymentPosting(
        patient=patient.ref,
        invoice=invoice.ref,
        amount_vnd=invoice.due_vnd,
        method=PaymentMethod.QR,
        provider="certify",
        provider_reference="CERTIFY1",
        paid_at=datetime.now(UTC).replace(microsecond=0),
    )
