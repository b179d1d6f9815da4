"""Calls of the port about what happens after the check-in: answers, orders, results, money."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from his_adapter.builtin import bills, orders, papers, patients, payments, reports
from his_adapter.builtin.base import RegisterBase, page
from his_adapter.builtin.change_log import read_changes
from his_adapter.builtin.checks import checked_limit, checked_moment
from his_adapter.builtin.records import RecordKind, note_record
from his_adapter.models import (
    Account,
    ChangePage,
    ConsentRecord,
    EInvoice,
    HistoryAnswers,
    InvoiceStatus,
    Order,
    OrderStatus,
    Page,
    PaymentPosting,
    PaymentReceipt,
    Receipt,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    WriteKey,
)
from his_adapter.ports import DEFAULT_LIMIT


class RecordCalls(RegisterBase):
    def submit_history(self, patient: Ref, history: HistoryAnswers, *, key: WriteKey) -> Receipt:
        return self._write(
            key,
            ("history", patient, history),
            RecordKind.HISTORY,
            lambda db: papers.insert_history(db, patient, history),
            papers.read_history_receipt,
        )

    def record_consent(self, consent: ConsentRecord, *, key: WriteKey) -> Receipt:
        return self._write(
            key,
            ("consent", consent),
            RecordKind.CONSENT,
            lambda db: papers.insert_consent(db, consent),
            papers.read_consent_receipt,
        )

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        since = checked_moment("since", since)
        with self._line.reading(), self._store.reading() as db:
            patient_id = patients.patient_id_of(db, patient)
            more = checked_limit(limit) + 1
            return page(
                orders.list_orders(db, patient_id, since, statuses=statuses, limit=more), limit
            )

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        since = checked_moment("since", since)
        with self._line.reading(), self._store.reading() as db:
            patient_id = patients.patient_id_of(db, patient)
            more = checked_limit(limit) + 1
            return page(reports.list_reports(db, patient_id, since, kinds=kinds, limit=more), limit)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        with self._line.reading(), self._store.reading() as db:
            patient_id = patients.patient_id_of(db, patient)
            report_id = reports.report_id_of(db, ref)
            return reports.read_part(db, report_id, part, patient_id=patient_id)

    def read_account(self, patient: Ref, visit: Ref | None = None) -> Account:
        with self._line.reading(), self._store.reading() as db:
            patient_id = patients.patient_id_of(db, patient)
            visit_id = visit and payments.own_visit_id(db, visit, patient_id)
            return payments.read_account(db, patient_id, visit_id or None, now=self._clock())

    def post_payment(self, payment: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        def write(db: sqlite3.Connection) -> int:
            payment_id = payments.insert_payment(db, payment, self._clock())
            if payment.invoice is not None:
                invoice_id = bills.invoice_id_of(db, payment.invoice)
                note_record(db, RecordKind.INVOICE, invoice_id, at=self._clock())
                self._issue_einvoice(db, invoice_id)
            return payment_id

        return self._write(
            key, ("payment", payment), RecordKind.PAYMENT, write, payments.read_receipt
        )

    def _issue_einvoice(self, db: sqlite3.Connection, invoice_id: int) -> None:
        is_paid = bills.read_invoice(db, invoice_id).status is InvoiceStatus.BALANCED
        if self._issues_einvoices and is_paid and bills.find_einvoice(db, invoice_id) is None:
            now = self._clock()
            bills.issue_einvoice(
                db, invoice_id, day=now.astimezone(self._catalogue.zone).date(), issued_at=now
            )
            note_record(db, RecordKind.EINVOICE, invoice_id, at=now)

    def einvoice(self, invoice: Ref) -> EInvoice | None:
        with self._line.reading(), self._store.reading() as db:
            return bills.find_einvoice(db, bills.invoice_id_of(db, invoice))

    def changes(self, cursor: str | None, *, limit: int = DEFAULT_LIMIT) -> ChangePage:
        with self._line.reading(), self._store.reading() as db:
            return read_changes(db, cursor, limit=checked_limit(limit))
