"""What the HIS says of one visit, kind by kind, as few plain facts. Remote calls only.

Facts are counts, codes and yes or no: no values of results, no amounts, no names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.ages import DataKind
from his_adapter.models import Feature, InvoiceStatus, OrderStatus, Ref, VisitStatus
from his_adapter.ports import HisGateway

HISTORY_DAYS = 365
MAX_INVOICES = 10


@dataclass(frozen=True, kw_only=True)
class Question:
    """About whom the HIS is asked. `visit` is its own reference, if it has one."""

    patient: Ref
    visit: Ref | None
    now: datetime
    zone: ZoneInfo

    @property
    def day_start(self) -> datetime:
        day = self.now.astimezone(self.zone).date()
        return datetime.combine(day, time(0), tzinfo=self.zone).astimezone(UTC)


Facts = Mapping[str, Any]


def _patient(his: HisGateway, asked: Question) -> Facts:
    return {"version": his.read_patient(asked.patient).version}


def _history(his: HisGateway, asked: Question) -> Facts:
    today = asked.now.astimezone(asked.zone).date()
    page = his.list_visits(asked.patient, today - timedelta(days=HISTORY_DAYS))
    days = [
        visit.created_at.astimezone(asked.zone).date()
        for visit in page.items
        if visit.status is not VisitStatus.CANCELLED
    ]
    former = sorted(day for day in days if day < today)
    return {"visits": len(former), "last": former[-1].isoformat() if former else None}


def _registration(his: HisGateway, asked: Question) -> Facts:
    today = asked.now.astimezone(asked.zone).date()
    visits = his.list_visits(asked.patient, today).items
    mine = next((visit for visit in visits if visit.ref == asked.visit), None)
    if mine is None:
        return {"status": None, "record_code": None, "version": ""}
    return {"status": mine.status.value, "record_code": mine.record_code, "version": mine.version}


def _orders(his: HisGateway, asked: Question) -> Facts:
    orders = his.list_orders(asked.patient, asked.day_start).items
    return {
        "open": sum(order.status is OrderStatus.ACTIVE for order in orders),
        "done": sum(order.status is OrderStatus.COMPLETED for order in orders),
        "cancelled": sum(order.status is OrderStatus.CANCELLED for order in orders),
    }


def _results(his: HisGateway, asked: Question) -> Facts:
    return {"released": len(his.list_reports(asked.patient, asked.day_start).items)}


def _payment(his: HisGateway, asked: Question) -> Facts:
    return {"due": his.read_account(asked.patient, asked.visit).due_vnd > 0}


def _einvoice(his: HisGateway, asked: Question) -> Facts:
    account = his.read_account(asked.patient, asked.visit)
    paid = [each for each in account.invoices if each.status is InvoiceStatus.BALANCED]
    issued = [each for each in paid[:MAX_INVOICES] if his.einvoice(each.ref) is not None]
    return {"issued": len(issued), "paid": len(paid)}


@dataclass(frozen=True, kw_only=True)
class Reader:
    """`needs`: what the HIS must be able to do."""

    read: Callable[[HisGateway, Question], Facts]
    needs: frozenset[Feature]


READERS: Mapping[DataKind, Reader] = {
    DataKind.PATIENT: Reader(read=_patient, needs=frozenset({Feature.READ_PATIENT})),
    DataKind.HISTORY: Reader(read=_history, needs=frozenset({Feature.LIST_VISITS})),
    DataKind.REGISTRATION: Reader(read=_registration, needs=frozenset({Feature.LIST_VISITS})),
    DataKind.ORDERS: Reader(read=_orders, needs=frozenset({Feature.LIST_ORDERS})),
    DataKind.RESULTS: Reader(read=_results, needs=frozenset({Feature.LIST_REPORTS})),
    DataKind.EINVOICE: Reader(
        read=_einvoice, needs=frozenset({Feature.READ_ACCOUNT, Feature.EINVOICE})
    ),
    DataKind.PAYMENT: Reader(read=_payment, needs=frozenset({Feature.READ_ACCOUNT})),
}
