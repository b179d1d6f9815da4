"""Reads of the port about what follows the check-in: the line, orders, results, money, changes."""

from __future__ import annotations

import re
from datetime import datetime

from his_adapter.builtin.checks import checked_moment
from his_adapter.errors import BrokenReply, NotFound
from his_adapter.models import (
    Account,
    ChangePage,
    EInvoice,
    Feature,
    Order,
    OrderStatus,
    Page,
    QueueStatus,
    Ref,
    Report,
    ReportContent,
    ReportKind,
)
from his_adapter.ports import DEFAULT_LIMIT
from his_adapter.sql_views import mapping
from his_adapter.sql_views.base import checked, named
from his_adapter.sql_views.read_calls import ReadCalls

_VALUES = "values"
_MEDIA_TYPES = frozenset({"application/pdf", "image/png", "image/jpeg"})
_CURSOR = re.compile(r"[0-9]{1,18}")


class RecordCalls(ReadCalls):
    def queue_status(self, visit: Ref) -> QueueStatus:
        self._need(Feature.QUEUE_STATUS)
        return mapping.queue_status(self._one("queue_status", visit=checked(visit)))

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        self._need(Feature.LIST_ORDERS)
        self._known(patient)
        rows = self._all("orders", patient=patient, since=checked_moment("since", since))
        found = [mapping.order(named(row, patient, "patient")) for row in rows]
        return self._page([item for item in found if item.status in statuses], limit)

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        """A row with another status than the released ones is BrokenReply, not shown."""
        self._need(Feature.LIST_REPORTS)
        self._known(patient)
        rows = self._all("reports", patient=patient, since=checked_moment("since", since))
        found = [mapping.report(named(row, patient, "patient")) for row in rows]
        return self._page([item for item in found if item.kind in kinds], limit)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        """Both views are given the patient and say in each row whose result it is."""
        self._need(Feature.READ_REPORT_PART)
        wanted = {"report": checked(ref), "patient": checked(patient)}
        if part == _VALUES:
            rows = self._all("report_values", **wanted)
            if not rows:
                raise NotFound("no such part of a released result of this patient")
            values = tuple(
                mapping.result_value(named(named(row, patient, "patient"), ref, "report"))
                for row in rows
            )
            return ReportContent(media_type="application/json", values=values)
        row = self._one("report_document", part=checked(Ref(part)), **wanted)
        media_type = named(named(row, patient, "patient"), ref, "report").text("media_type")
        if media_type not in _MEDIA_TYPES:
            raise BrokenReply("view report_document: column media_type is not as agreed")
        return ReportContent(media_type=media_type, body=row.body("body"))

    def read_account(self, patient: Ref, visit: Ref | None = None) -> Account:
        self._need(Feature.READ_ACCOUNT)
        wanted = {"patient": checked(patient), "visit": visit and checked(visit)}
        row = named(self._one("account", **wanted), patient, "patient")
        invoices, charges = self._all("invoices", **wanted), self._all("charges", **wanted)
        for item in (*invoices, *charges):
            named(item, patient, "patient")
        return mapping.account(row, invoices, charges, visit=visit)

    def einvoice(self, invoice: Ref) -> EInvoice | None:
        self._need(Feature.EINVOICE)
        row = self._find("einvoice", invoice=checked(invoice))
        return None if row is None else mapping.einvoice(named(row, invoice, "invoice"))

    def changes(self, cursor: str | None, *, limit: int = DEFAULT_LIMIT) -> ChangePage:
        """The cursor is a position of the HIS; positions must rise in the order of commits."""
        self._need(Feature.CHANGES)
        self._limit(limit)
        span = self._one("change_span")
        oldest, latest = span.amount("oldest"), span.amount("latest")
        if cursor is None:
            return ChangePage(changes=(), cursor=str(latest), complete=True)
        seen = int(cursor) if _CURSOR.fullmatch(cursor) else -1
        if not oldest - 1 <= seen <= latest:
            return ChangePage(changes=(), cursor=str(latest), complete=True, reset=True)
        rows = self._database.rows("changes", limit=limit + 1, position=seen)
        shown = rows[:limit]
        return ChangePage(
            changes=tuple(mapping.change(row) for row in shown),
            cursor=str(shown[-1].amount("position") if shown else seen),
            complete=len(rows) <= limit,
        )
