"""A HIS from the inside: doctors order, laboratories release, cashiers bill. In memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from his_adapter.errors import NotFound, Unavailable
from his_adapter.models import (
    Account,
    Capabilities,
    Change,
    ChangeKind,
    ChangePage,
    Facility,
    Feature,
    Invoice,
    InvoiceStatus,
    Order,
    OrderStatus,
    Page,
    Ref,
    Report,
    ReportKind,
    ReportStatus,
    ServiceKind,
)
from his_adapter.partial import PartialGateway

FOLLOWED = frozenset(
    {
        Feature.LIST_ORDERS,
        Feature.LIST_REPORTS,
        Feature.READ_ACCOUNT,
        Feature.CHANGES,
    }
)


class FakeClinic(PartialGateway):
    """`down` fails every call; `broken` patients are not found. Calls are counted by name."""

    def __init__(
        self, clock: Callable[[], datetime], *, features: frozenset[Feature] = FOLLOWED
    ) -> None:
        self.clock = clock
        self.features = features
        self.orders: dict[Ref, Order] = {}
        self.reports: dict[Ref, Report] = {}
        self.feed: list[Change] = []
        self.forgotten = 0
        """Cursors below this are too old."""
        self.down = False
        self.broken: set[str] = set()
        self.due: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self._lock = threading.Lock()

    # --- inside

    def order(
        self,
        patient: str,
        *,
        service: str | None = "DV-XN",
        kind: ServiceKind = ServiceKind.LABORATORY,
        visit: str | None = None,
        **more: Any,
    ) -> Ref:
        ref = Ref(f"CD-{len(self.orders) + 1}")
        order = Order(
            ref=ref,
            version="1",
            patient=Ref(patient),
            visit=Ref(visit) if visit else None,
            service=Ref(service) if service else None,
            kind=kind,
            code="XN01",
            name_vi="Tổng phân tích tế bào máu",
            status=OrderStatus.ACTIVE,
            ordered_at=self.clock(),
        )
        self.orders[ref] = replace(order, **more)
        self._tell(ChangeKind.ORDER, ref, patient)
        return ref

    def change(self, ref: Ref, status: OrderStatus, **more: Any) -> None:
        order = self.orders[ref]
        version = str(int(order.version) + 1)
        self.orders[ref] = replace(order, status=status, version=version, **more)
        self._tell(ChangeKind.ORDER, ref, order.patient)

    def cancel(self, ref: Ref) -> None:
        self.change(ref, OrderStatus.CANCELLED)

    def release(self, ref: Ref) -> None:
        """The result of an order, and the order is over."""
        order = self.orders[ref]
        report = Ref(f"KQ-{len(self.reports) + 1}")
        self.reports[report] = Report(
            ref=report,
            version="1",
            patient=order.patient,
            order=ref,
            visit=order.visit,
            kind=ReportKind(order.kind.value),
            title_vi="Kết quả",
            status=ReportStatus.FINAL,
            issued_at=self.clock(),
        )
        self._tell(ChangeKind.REPORT, report, order.patient)
        self.change(ref, OrderStatus.COMPLETED)

    def _tell(self, kind: ChangeKind, ref: Ref, patient: str) -> None:
        self.feed.append(Change(kind=kind, ref=ref, patient=Ref(patient), at=self.clock()))

    # --- the port

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=self.features,
            facility=Facility(code="79999", name_vi="", name_en="", hotline=""),
            max_limit=500,
            adapter="fake",
            adapter_version="1",
            his_version="1",
        )

    def list_orders(self, patient: Ref, since: datetime, *, limit: int = 50, **_: Any) -> Any:
        self._enter("list_orders", patient)
        found = [
            order
            for order in self.orders.values()
            if order.patient == patient and order.ordered_at >= since
        ]
        return Page(items=tuple(found[:limit]), complete=len(found) <= limit)

    def list_reports(self, patient: Ref, since: datetime, *, limit: int = 50, **_: Any) -> Any:
        self._enter("list_reports", patient)
        found = [
            report
            for report in self.reports.values()
            if report.patient == patient and report.issued_at >= since
        ]
        return Page(items=tuple(found[:limit]), complete=len(found) <= limit)

    def read_account(self, patient: Ref, visit: Ref | None = None) -> Account:
        self._enter("read_account", patient)
        due = self.due.get(patient, 0)
        invoices: tuple[Invoice, ...] = ()
        if due:
            invoices = (
                Invoice(
                    ref=Ref("PT-1"),
                    version="1",
                    code="PT0001",
                    status=InvoiceStatus.ISSUED,
                    title_vi="Phiếu thu",
                    total_vnd=due,
                    due_vnd=due,
                    issued_at=self.clock(),
                ),
            )
        return Account(
            patient=patient,
            visit=visit,
            invoices=invoices,
            charged_vnd=due,
            insurance_vnd=0,
            discount_vnd=0,
            advances_vnd=0,
            paid_vnd=0,
            due_vnd=due,
            as_of=self.clock(),
        )

    def changes(self, cursor: str | None, *, limit: int = 50) -> ChangePage:
        self._enter("changes", None)
        if cursor is None or int(cursor) < self.forgotten:
            return ChangePage(
                changes=(), cursor=str(len(self.feed)), complete=True, reset=cursor is not None
            )
        start = int(cursor)
        page = tuple(self.feed[start : start + limit])
        return ChangePage(
            changes=page,
            cursor=str(start + len(page)),
            complete=start + len(page) == len(self.feed),
        )

    def close(self) -> None:
        pass

    def _enter(self, name: str, patient: str | None) -> None:
        with self._lock:
            self.calls[name] = self.calls.get(name, 0) + 1
        if self.down:
            raise Unavailable("down")
        if patient in self.broken:
            raise NotFound
