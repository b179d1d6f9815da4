"""The part of the contract about what follows the check-in, each feature only where declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from his_adapter.builtin.reports import PartDraft
from his_adapter.errors import Duplicate, InvalidData, KeyReused, NotFound, NotSupported
from his_adapter.models import (
    Charge,
    CheckIn,
    ConsentRecord,
    Feature,
    HistoryAnswers,
    InvoiceStatus,
    OrderStatus,
    PartKind,
    Patient,
    PaymentMethod,
    PaymentPosting,
    Ref,
    Report,
    ReportStatus,
    ResultValue,
    Visit,
)
from tests.contract.his_harness import RACERS, Harness, draft, keys, next_key, race

VALUES = PartDraft(
    name="values",
    kind=PartKind.VALUES,
    values=(ResultValue(code="HGB", name_vi="Huyết sắc tố", value="118", unit="g/L", flag="L"),),
)
PDF = PartDraft(
    name="pdf", kind=PartKind.PDF, media_type="application/pdf", body=b"%PDF-1.4\n%%EOF\n"
)
FEE = Charge(
    code="XN", name_vi="Xét nghiệm máu", quantity=2, amount_vnd=90_000, insurance_vnd=30_000
)


def can(harness: Harness, feature: Feature, call: Callable[[], object]) -> bool:
    """Whether the HIS declares the feature; if not, `call` must be refused."""
    if feature in harness.gateway.capabilities().features:
        return True
    with pytest.raises(NotSupported):
        call()
    return False


class RecordsContract:
    @pytest.fixture
    def visit(self, harness: Harness, patient: Patient) -> Visit:
        request = CheckIn(patient=patient.ref, service=harness.walk_in)
        return harness.gateway.check_in(request, key=next(keys))

    # --- what patients say and agree to

    def test_answers_are_taken_once_per_key(self, harness: Harness, patient: Patient) -> None:
        his, key = harness.gateway, next(keys)
        history = HistoryAnswers(
            questionnaire="kiosk-history-1",
            answers=(("di-ung", "Penicillin & tôm ^ cua"), ("di-ung", "đậu phộng")),
            answered_at=harness.now,
        )

        def submit(wanted: HistoryAnswers = history, ref: Ref = patient.ref) -> object:
            return his.submit_history(ref, wanted, key=key)

        if can(harness, Feature.SUBMIT_HISTORY, submit):
            assert submit() == submit() == his.find_by_key(key)
            with pytest.raises(KeyReused):
                submit(replace(history, answers=()))
            with pytest.raises((NotFound, InvalidData)):
                his.submit_history(Ref("NOBODY"), history, key=next(keys))

    def test_consent_is_taken_once_per_key(self, harness: Harness, patient: Patient) -> None:
        his, key = harness.gateway, next(keys)
        consent = ConsentRecord(
            patient=patient.ref,
            document="data-notice-3",
            evidence="kiosk-touch",
            document_pdf=PDF.body,
            given_at=harness.now,
        )

        def record() -> object:
            return his.record_consent(consent, key=key)

        if can(harness, Feature.RECORD_CONSENT, record):
            assert record() == record() == his.find_by_key(key)

    # --- the line

    def test_the_line_grows_and_says_who_is_ahead(self, harness: Harness, visit: Visit) -> None:
        his = harness.gateway
        if can(harness, Feature.QUEUE_STATUS, lambda: his.queue_status(visit.ref)):
            other = his.create_patient(draft(600), key=next(keys))
            later = his.check_in(
                CheckIn(patient=other.ref, service=harness.walk_in), key=next(keys)
            )
            first, second = his.queue_status(visit.ref), his.queue_status(later.ref)
            assert first.updated_at.tzinfo is not None
            if first.ahead is not None and second.ahead is not None:
                assert second.ahead == first.ahead + 1
            his.cancel_visit(later.ref, reason="", key=next(keys))
            assert his.queue_status(later.ref).ahead is None
            with pytest.raises((NotFound, InvalidData)):
                his.queue_status(Ref("NOBODY"))

    # --- orders

    def test_orders_come_with_their_place_and_go_when_cancelled(
        self, harness: Harness, patient: Patient, visit: Visit
    ) -> None:
        his, since = harness.gateway, harness.now - timedelta(hours=1)
        if not can(harness, Feature.LIST_ORDERS, lambda: his.list_orders(patient.ref, since)):
            return
        assert his.list_orders(patient.ref, since).items == ()
        with pytest.raises((NotFound, InvalidData)):
            his.list_orders(Ref("NOBODY"), since)
        if harness.clinic is None:
            return
        placed = harness.clinic.place_order(
            harness.inside(patient.ref),
            service=harness.hourly,
            name_vi="Tổng phân tích tế bào máu",
            preparation_vi="Nhịn ăn từ 6 giờ sáng.",
            visit=harness.inside(visit.ref),
        )
        (order,) = his.list_orders(patient.ref, since).items
        assert harness.inside(order.ref) == placed.ref
        assert (order.patient, order.visit, order.service, order.status) == (
            patient.ref,
            visit.ref,
            harness.hourly,
            OrderStatus.ACTIVE,
        )
        assert order.name_vi == "Tổng phân tích tế bào máu"
        harness.clinic.cancel_order(placed.ref)
        (gone,) = his.list_orders(patient.ref, since).items
        assert (gone.ref, gone.status) == (order.ref, OrderStatus.CANCELLED)
        assert gone.version != order.version
        active = frozenset({OrderStatus.ACTIVE})
        assert his.list_orders(patient.ref, since, statuses=active).items == ()
        later = harness.now + timedelta(hours=1)
        assert his.list_orders(patient.ref, later).items == ()

    # --- results

    def test_a_result_is_seen_from_its_release_until_it_is_withdrawn(
        self, harness: Harness, patient: Patient
    ) -> None:
        his, clinic, since = harness.gateway, harness.clinic, harness.now - timedelta(hours=1)
        if not can(harness, Feature.LIST_REPORTS, lambda: his.list_reports(patient.ref, since)):
            return
        assert his.list_reports(patient.ref, since).items == ()
        if clinic is None:
            return
        order = clinic.place_order(harness.inside(patient.ref), service=harness.hourly)
        written = clinic.write_report(
            harness.inside(patient.ref), order=order.ref, parts=(VALUES, PDF)
        )
        assert his.list_reports(patient.ref, since).items == ()
        clinic.release_report(written)
        released = self.only_report(harness, patient)
        assert (released.status, released.patient) == (ReportStatus.FINAL, patient.ref)
        assert released.order is not None
        assert harness.inside(released.order) == order.ref
        assert {part.kind for part in released.parts} == {PartKind.VALUES, PartKind.PDF}
        clinic.correct_report(written, (VALUES,))
        corrected = self.only_report(harness, patient)
        assert (corrected.ref, corrected.status) == (released.ref, ReportStatus.CORRECTED)
        assert corrected.version != released.version
        clinic.withdraw_report(written)
        assert his.list_reports(patient.ref, since).items == ()

    def test_parts_are_read_by_their_own_patient_only(
        self, harness: Harness, patient: Patient
    ) -> None:
        his, clinic = harness.gateway, harness.clinic

        def read(ref: str = "R000001", part: str = "values", of: Ref = patient.ref) -> object:
            return his.read_report_part(Ref(ref), part, patient=of)

        if not can(harness, Feature.READ_REPORT_PART, read) or clinic is None:
            return
        written = clinic.write_report(harness.inside(patient.ref), parts=(VALUES, PDF))
        clinic.release_report(written)
        report = self.only_report(harness, patient)
        by_kind = {part.kind: part.name for part in report.parts}
        values = his.read_report_part(report.ref, by_kind[PartKind.VALUES], patient=patient.ref)
        (line,) = values.values
        assert (line.name_vi, line.value, line.unit, line.flag) == (
            "Huyết sắc tố",
            "118",
            "g/L",
            "L",
        )
        pdf = his.read_report_part(report.ref, by_kind[PartKind.PDF], patient=patient.ref)
        assert (pdf.media_type, pdf.body) == ("application/pdf", PDF.body)
        other = his.create_patient(draft(601), key=next(keys))
        for wrong in (
            lambda: read(report.ref, by_kind[PartKind.VALUES], other.ref),
            lambda: read(report.ref, "no-such-part"),
            lambda: read("NOTHING"),
        ):
            with pytest.raises((NotFound, InvalidData)):
                wrong()
        clinic.withdraw_report(written)
        with pytest.raises(NotFound):
            read(report.ref, by_kind[PartKind.VALUES])

    def only_report(self, harness: Harness, patient: Patient) -> Report:
        since = harness.now - timedelta(hours=1)
        (report,) = harness.gateway.list_reports(patient.ref, since).items
        return report

    # --- money

    def test_a_bill_is_paid_once(self, harness: Harness, patient: Patient) -> None:
        his, clinic, key = harness.gateway, harness.clinic, next(keys)
        if not can(harness, Feature.READ_ACCOUNT, lambda: his.read_account(patient.ref)):
            return
        assert his.read_account(patient.ref).due_vnd == 0
        if clinic is None:
            return
        clinic.charge(harness.inside(patient.ref), FEE)
        clinic.issue_invoice(harness.inside(patient.ref))
        account = his.read_account(patient.ref)
        (invoice,) = account.invoices
        assert (account.due_vnd, invoice.due_vnd, invoice.total_vnd) == (60_000, 60_000, 60_000)
        assert (account.charged_vnd, account.insurance_vnd) == (90_000, 30_000)
        posting = PaymentPosting(
            patient=patient.ref,
            invoice=invoice.ref,
            amount_vnd=60_000,
            method=PaymentMethod.QR,
            provider="vietqr",
            provider_reference="FT26005000001",
            paid_at=harness.now,
        )
        if not can(harness, Feature.POST_PAYMENT, lambda: his.post_payment(posting, key=key)):
            return
        for amount_vnd in (59_999, 60_001, 0, -60_000):
            with pytest.raises(InvalidData):
                his.post_payment(replace(posting, amount_vnd=amount_vnd), key=next(keys))
        receipt = his.post_payment(posting, key=key)
        assert (receipt.amount_vnd, receipt.invoice_status) == (60_000, InvoiceStatus.BALANCED)
        assert his.post_payment(posting, key=key) == receipt == his.find_by_key(key)
        with pytest.raises(Duplicate):
            his.post_payment(posting, key=next(keys))
        paid = his.read_account(patient.ref)
        assert (paid.due_vnd, paid.paid_vnd, paid.credit_vnd) == (0, 60_000, 0)
        if Feature.EINVOICE in his.capabilities().features:
            assert his.einvoice(invoice.ref) is None
            clinic.issue_einvoice(harness.inside(invoice.ref))
            electronic = his.einvoice(invoice.ref)
            assert electronic is not None
            assert electronic.url
            assert electronic.invoice == invoice.ref

    def test_many_at_once_pay_a_bill_once(self, harness: Harness, patient: Patient) -> None:
        his, clinic = harness.gateway, harness.clinic
        declared = his.capabilities().features
        if clinic is None or not {Feature.READ_ACCOUNT, Feature.POST_PAYMENT} <= declared:
            return
        clinic.charge(harness.inside(patient.ref), FEE)
        clinic.issue_invoice(harness.inside(patient.ref))
        (invoice,) = his.read_account(patient.ref).invoices

        def pay(racer: int) -> object:
            posting = PaymentPosting(
                patient=patient.ref,
                invoice=invoice.ref,
                amount_vnd=invoice.due_vnd,
                method=PaymentMethod.QR,
                provider="vietqr",
                provider_reference=f"FT{racer}",
                paid_at=harness.now,
            )
            return his.post_payment(posting, key=next_key())

        assert race(pay) == {"ok": 1, "Duplicate": RACERS - 1}
        assert his.read_account(patient.ref).paid_vnd == 60_000

    def test_an_advance_counts_against_what_comes(self, harness: Harness, patient: Patient) -> None:
        his, clinic = harness.gateway, harness.clinic
        declared = his.capabilities().features
        if clinic is None or not {Feature.READ_ACCOUNT, Feature.POST_PAYMENT} <= declared:
            return
        advance = PaymentPosting(
            patient=patient.ref,
            amount_vnd=100_000,
            method=PaymentMethod.CASH,
            provider="cashier",
            provider_reference="TU-1",
            paid_at=harness.now,
        )
        his.post_payment(advance, key=next(keys))
        clinic.charge(harness.inside(patient.ref), FEE)
        account = his.read_account(patient.ref)
        assert (account.advances_vnd, account.due_vnd, account.credit_vnd) == (100_000, 0, 40_000)

    # --- codes and changes

    def test_code_lists_are_sorted_and_bounded(self, harness: Harness) -> None:
        his = harness.gateway
        if not can(harness, Feature.LIST_CODES, lambda: his.list_codes("province")):
            return
        provinces = his.list_codes("province", limit=1000)
        assert provinces.complete
        codes = [item.code for item in provinces.items]
        assert codes == sorted(set(codes))
        assert not his.list_codes("province", limit=1).complete
        with pytest.raises(NotFound):
            his.list_codes("no-such-list")

    def test_changes_start_now_and_name_every_write(self, harness: Harness) -> None:
        his = harness.gateway
        if not can(harness, Feature.CHANGES, lambda: his.changes(None)):
            return
        start = his.changes(None)
        assert (start.changes, start.complete, start.reset) == ((), True, False)
        people = {his.create_patient(draft(700 + n), key=next(keys)).ref for n in range(3)}
        seen: list[Ref] = []
        cursor, complete = start.cursor, False
        while not complete:
            page = his.changes(cursor, limit=1)
            seen += [change.ref for change in page.changes]
            cursor, complete = page.cursor, page.complete
        assert people <= set(seen)
        again = his.changes(cursor)
        assert (again.changes, again.reset) == ((), False)

    @pytest.mark.parametrize("cursor", ["", "garbage", "000000000000.5", "-1", "9" * 400])
    def test_a_strange_cursor_starts_over(self, harness: Harness, cursor: str) -> None:
        his = harness.gateway
        if can(harness, Feature.CHANGES, lambda: his.changes(cursor)):
            page = his.changes(cursor)
            assert page.reset
            assert not his.changes(page.cursor).reset
