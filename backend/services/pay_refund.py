"""A refund two people agreed on, carried out at the provider: once, whatever is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select, update

from backend.domain.ledger import Cause
from backend.events import Event
from backend.logging import log
from backend.services.check_payment import WAIT_S, placed_of
from backend.services.payment_methods import ask_provider, find_away, party_of
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.payments import find_attempt, write_journal
from backend.storage.unit_of_work import UnitOfWork
from payments.errors import Declined, NotSupported, PaymentError
from payments.models import Money, RefundOrder, RefundReport, RefundState

ACTOR = "job:pay_refund"
PAUSES_S = (5, 15, 60, 300, 1800)
LEASE_S = 60


def pay_refund(resources: Resources, refund_id: str) -> None:
    """Asks for it, or what became of it. Nothing when another worker is at it, or nobody answers
    there at the moment.
    """
    claimed = resources.database.transact(lambda unit: _claim(unit, refund_id))
    if claimed is None:
        return
    refund, credit, is_first = claimed
    order = _make_order(resources, refund, credit)
    if order is not None and credit.provider in resources.providers:
        report = _ask(resources, credit.provider, order, is_first=is_first)
    elif is_first:
        report = RefundReport(state=RefundState.FAILED, reason=NotSupported.code)
    else:
        # Asked for while the provider still was in the settings: a person has to ask there.
        log(Event.JOB_FAILED, job="pay_refund", provider=credit.provider, code="not-configured")
        return
    resources.database.transact(lambda unit: settle_refund(unit, refund_id, report, actor=ACTOR))


def _ask(resources: Resources, name: str, order: RefundOrder, *, is_first: bool) -> RefundReport:
    """PROCESSING whenever the money may be on its way: only what the provider says plainly, that
    it refuses or never heard of it, sets it free for another refund.
    """
    try:
        return ask_provider(
            resources,
            name,
            lambda it: it.refund(order) if is_first else it.query_refund(order),
            wait_s=WAIT_S,
        )
    except (Declined, NotSupported) as error:
        if is_first:
            return RefundReport(state=RefundState.FAILED, reason=error.code)
        log(Event.JOB_FAILED, error=error, job="pay_refund", provider=name)
    except NoAnswer:
        pass  # asked about when the lease is over
    except PaymentError as error:
        log(Event.JOB_FAILED, error=error, job="pay_refund", provider=name)
    return RefundReport(state=RefundState.PROCESSING)


def _claim(unit: UnitOfWork, refund_id: str) -> tuple[Row[Any], Row[Any], bool] | None:
    table = tables.PaymentRefund
    refund = unit.connection.execute(
        select(table.__table__).where(table.id == refund_id).with_for_update()
    ).one()
    is_first = refund.state == RefundState.APPROVED
    is_due = refund.next_try_at is None or refund.next_try_at <= unit.now
    if refund.state not in {RefundState.APPROVED, RefundState.PROCESSING} or not is_due:
        return None
    credit = unit.connection.execute(
        select(tables.Credit.__table__).where(tables.Credit.id == refund.credit_id)
    ).one()
    if party_of(credit.provider) in find_away(unit.connection, unit.facility_id):
        return None
    pause_s = max(LEASE_S, PAUSES_S[min(refund.tries, len(PAUSES_S) - 1)])
    unit.connection.execute(
        update(table)
        .where(table.id == refund_id)
        .values(
            state=RefundState.PROCESSING.value,
            tries=table.tries + 1,
            next_try_at=unit.now + timedelta(seconds=pause_s),
        )
    )
    return refund, credit, is_first


def _make_order(resources: Resources, refund: Row[Any], credit: Row[Any]) -> RefundOrder | None:
    if credit.attempt_key is None:
        return None
    with resources.database.read() as connection:
        attempt = find_attempt(
            connection, credit.attempt_key, facility_id=resources.database.facility_id
        )
    if attempt is None:
        return None
    name = "".join(
        sign for sign in refund.requested_by.rpartition(":")[2].lower() if sign.isalnum()
    )
    return RefundOrder(
        placed=placed_of(attempt),
        transaction_id=credit.transaction_id,
        paid=Money(credit.amount_vnd),
        amount=Money(refund.amount_vnd),
        serial=refund.serial,
        created_at=refund.approved_at,
        requested_by=name[:20] or "thungan",
    )


def settle_refund(unit: UnitOfWork, refund_id: str, report: RefundReport, *, actor: str) -> None:
    """What the provider said of it, or the cashier who paid it out. Said twice it changes nothing."""
    table, item = tables.PaymentRefund, tables.SuspenseItem
    refund = unit.connection.execute(
        select(table.__table__).where(table.id == refund_id).with_for_update()
    ).one()
    if refund.state not in {RefundState.APPROVED, RefundState.PROCESSING}:
        return
    if report.state is RefundState.PROCESSING:
        _keep(unit, refund_id, provider_ref=report.provider_ref or refund.provider_ref)
        return
    provider = unit.connection.scalar(
        select(tables.Credit.provider).where(tables.Credit.id == refund.credit_id)
    )
    is_done = report.state is RefundState.DONE
    write_journal(
        unit,
        Cause.REFUNDED if is_done else Cause.REFUND_WITHDRAWN,
        Money(refund.amount_vnd),
        provider=str(provider),
        actor=actor,
        credit_id=refund.credit_id,
        item_id=refund.item_id,
        refund_id=refund_id,
    )
    _keep(
        unit,
        refund_id,
        state=report.state.value,
        provider_ref=report.provider_ref or refund.provider_ref,
        failure=report.reason[:200] or None,
        done_at=unit.now if is_done else None,
        next_try_at=None,
    )
    unit.connection.execute(
        update(item)
        .where(item.id == refund.item_id)
        .values(
            state="refunded" if is_done else "open",
            settled_at=unit.now if is_done else None,
            settled_by=actor if is_done else None,
            version=item.version + 1,
        )
    )
    subject = f"payment_refund:{refund_id}"
    unit.audit(
        Event.REFUND_CHANGED, actor=actor, subject=subject, detail={"state": report.state.value}
    )
    unit.publish(Event.REFUND_CHANGED, subject=subject, detail={})


def _keep(unit: UnitOfWork, refund_id: str, **values: Any) -> None:
    unit.connection.execute(
        update(tables.PaymentRefund).where(tables.PaymentRefund.id == refund_id).values(**values)
    )
