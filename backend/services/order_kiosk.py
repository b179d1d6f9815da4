"""Staff order a kiosk to do something once; each of its beats is answered with what there is to do.

An order waits for a kiosk that is away and expires. It comes again until it is answered, and the
first answer counts: a kiosk that lost its own answer on the way does not do it twice for us.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from backend.domain.ids import new_id
from backend.errors import LoginRequired, OrderNotFound, ValidationFailed
from backend.events import Event
from backend.services.enrol_kiosk import lock_kiosk
from backend.storage.database import Database
from backend.storage.fleet_tables import COMMAND_KINDS, OPEN_ORDERS, KioskCommand
from backend.storage.kiosk_tables import Kiosk
from backend.storage.unit_of_work import UnitOfWork

WAITS_FOR = timedelta(minutes=15)
FILES_KEPT_FOR = timedelta(days=1)
MAX_FILE_BYTES = 2_000_000
MAX_HANDED_OUT = 20
_FILES = {"take_picture": b"\x89PNG\r\n\x1a\n", "send_logs": b"\x1f\x8b"}
"""How a picture (PNG) and logs (gzip) begin: nothing else is kept, nor shown to staff."""

# Built once: every beat asks, and building would cost as much as asking.
_OF_KIOSK = (
    select(
        Kiosk.token_hash,
        Kiosk.revoked_at,
        Kiosk.profile,
        Kiosk.out_of_service,
        KioskCommand.id,
        KioskCommand.kind,
        KioskCommand.state,
        KioskCommand.expires_at,
    )
    .outerjoin(
        KioskCommand,
        (KioskCommand.kiosk_id == Kiosk.id)
        & KioskCommand.state.in_(OPEN_ORDERS)
        & (KioskCommand.expires_at > bindparam("now")),
    )
    .where(Kiosk.id == bindparam("kiosk_id"))
    .order_by(KioskCommand.created_at, KioskCommand.id)
    .limit(MAX_HANDED_OUT)
)


@dataclass(frozen=True, kw_only=True)
class Order:
    id: str
    kind: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Orders:
    """How a kiosk shall be, and what it shall do once, the oldest first."""

    profile: str
    out_of_service: Mapping[str, str] | None
    orders: Sequence[Order]


@dataclass(frozen=True, kw_only=True)
class OrderFile:
    kind: str
    content: bytes
    settled_at: datetime


def order_kiosk(database: Database, kiosk_id: str, kind: str, *, actor: str) -> str:
    """The id of the order: a new one, or the same one that still waits: two presses are one.

    Raises KioskNotFound, ValidationFailed.
    """
    if kind not in COMMAND_KINDS:
        raise ValidationFailed("There is no such order")

    def order(unit: UnitOfWork) -> str:
        lock_kiosk(unit, kiosk_id)
        standing = unit.connection.scalar(
            select(KioskCommand.id).where(
                KioskCommand.kiosk_id == kiosk_id,
                KioskCommand.kind == kind,
                KioskCommand.state.in_(OPEN_ORDERS),
                KioskCommand.expires_at > unit.now,
            )
        )
        if standing is not None:
            return str(standing)
        order_id = new_id()
        unit.add(
            KioskCommand,
            id=order_id,
            kiosk_id=kiosk_id,
            kind=kind,
            created_by=actor,
            created_at=unit.now,
            expires_at=unit.now + WAITS_FOR,
        )
        _trace(unit, Event.KIOSK_ORDERED, kiosk_id, actor=actor, detail={"kind": kind})
        return order_id

    return database.transact(order)


def cancel_order(database: Database, kiosk_id: str, order_id: str, *, actor: str) -> bool:
    """False when it was done or over before."""

    def cancel(unit: UnitOfWork) -> bool:
        kind = _settle(unit, kiosk_id, order_id, state="cancelled", before=("waiting",))
        if kind is not None:
            detail = {"kind": kind, "state": "cancelled"}
            _trace(unit, Event.KIOSK_ORDER_ENDED, kiosk_id, actor=actor, detail=detail)
        return kind is not None

    return database.transact(cancel)


def hand_out_orders(unit: UnitOfWork, kiosk_id: str, *, token_hash: str | None = None) -> Orders:
    """One look; written only when there is something new.

    Raises LoginRequired when the kiosk was revoked, or another machine took its place: who called
    with `token_hash` may have been let in a moment before.
    """
    rows = unit.connection.execute(_OF_KIOSK, {"kiosk_id": kiosk_id, "now": unit.now}).all()
    refuse_gone(rows[0] if rows else None, token_hash)
    new = [row.id for row in rows if row.state == "waiting"]
    if new:
        unit.connection.execute(
            update(KioskCommand)
            .where(KioskCommand.id.in_(new), KioskCommand.state == "waiting")
            .values(state="taken", taken_at=unit.now)
        )
    return Orders(
        profile=rows[0].profile,
        out_of_service=rows[0].out_of_service,
        orders=[
            Order(id=row.id, kind=row.kind, expires_at=row.expires_at)
            for row in rows
            if row.id is not None
        ],
    )


def refuse_gone(kiosk: Any, token_hash: str | None) -> None:
    """Raises LoginRequired unless the row of a kiosk (or None) is in use, and with this credential (None:
    whichever it is).
    """
    if kiosk is None or kiosk.revoked_at is not None:
        raise LoginRequired
    if token_hash is not None and token_hash != kiosk.token_hash:
        raise LoginRequired


def take_result(
    database: Database,
    kiosk_id: str,
    order_id: str,
    *,
    state: str,
    reason: str | None,
    untrusted_file: bytes | None,
) -> None:
    """The first answer counts, later ones change nothing; also one that comes after the time.

    Raises OrderNotFound, ValidationFailed for a file that is none of these.
    """

    def take(unit: UnitOfWork) -> None:
        kind = unit.connection.scalar(
            select(KioskCommand.kind).where(
                KioskCommand.id == order_id,
                KioskCommand.kiosk_id == kiosk_id,
                KioskCommand.facility_id == unit.facility_id,
            )
        )
        if kind is None:
            raise OrderNotFound
        settled = _settle(
            unit,
            kiosk_id,
            order_id,
            state=state,
            before=(*OPEN_ORDERS, "expired"),
            reason=reason,
            attachment=_checked(kind, untrusted_file),
        )
        if settled is not None:
            _trace(
                unit,
                Event.KIOSK_ANSWERED,
                kiosk_id,
                actor=f"kiosk:{kiosk_id}",
                detail={"kind": kind, "state": state, "reason": reason},
            )

    database.transact(take)


def read_file(database: Database, kiosk_id: str, order_id: str, *, actor: str) -> OrderFile:
    """A picture or logs, and who looked is noted. Raises OrderNotFound."""

    def read(unit: UnitOfWork) -> OrderFile:
        row = unit.connection.execute(
            select(KioskCommand.kind, KioskCommand.attachment, KioskCommand.settled_at).where(
                KioskCommand.id == order_id,
                KioskCommand.kiosk_id == kiosk_id,
                KioskCommand.facility_id == unit.facility_id,
                KioskCommand.attachment.is_not(None),
            )
        ).one_or_none()
        if row is None:
            raise OrderNotFound
        unit.audit(
            Event.KIOSK_FILE_READ,
            actor=actor,
            subject=f"kiosk:{kiosk_id}",
            detail={"kind": row.kind},
        )
        return OrderFile(kind=row.kind, content=row.attachment, settled_at=row.settled_at)

    return database.transact(read)


def end_late_orders(unit: UnitOfWork) -> None:
    """Those nobody answered in time, and the files of those answered a day ago."""
    late = unit.connection.execute(
        update(KioskCommand)
        .where(
            KioskCommand.facility_id == unit.facility_id,
            KioskCommand.state.in_(OPEN_ORDERS),
            KioskCommand.expires_at <= unit.now,
        )
        .values(state="expired", settled_at=unit.now)
        .returning(KioskCommand.kiosk_id, KioskCommand.kind)
    ).all()
    for order in late:
        detail = {"kind": order.kind, "state": "expired"}
        _trace(
            unit, Event.KIOSK_ORDER_ENDED, order.kiosk_id, actor="job:watch_fleet", detail=detail
        )
    unit.connection.execute(
        update(KioskCommand)
        .where(
            KioskCommand.facility_id == unit.facility_id,
            KioskCommand.attachment.is_not(None),
            KioskCommand.settled_at < unit.now - FILES_KEPT_FOR,
        )
        .values(attachment=None)
    )


def _checked(kind: str, untrusted_file: bytes | None) -> bytes | None:
    if untrusted_file is None:
        return None
    if len(untrusted_file) > MAX_FILE_BYTES or not untrusted_file.startswith(
        _FILES.get(kind, b"\0nothing")
    ):
        raise ValidationFailed("This order brings no such file")
    return untrusted_file


def _settle(
    unit: UnitOfWork,
    kiosk_id: str,
    order_id: str,
    *,
    state: str,
    before: tuple[str, ...],
    **values: Any,
) -> str | None:
    """Its kind, when it was in one of the states `before`."""
    return unit.connection.execute(
        update(KioskCommand)
        .where(
            KioskCommand.id == order_id,
            KioskCommand.kiosk_id == kiosk_id,
            KioskCommand.facility_id == unit.facility_id,
            KioskCommand.state.in_(before),
        )
        .values(state=state, settled_at=unit.now, **values)
        .returning(KioskCommand.kind)
    ).scalar_one_or_none()


def _trace(
    unit: UnitOfWork, event: Event, kiosk_id: str, *, actor: str, detail: Mapping[str, Any]
) -> None:
    unit.audit(event, actor=actor, subject=f"kiosk:{kiosk_id}", detail=detail)
    unit.publish(event, subject=f"kiosk:{kiosk_id}", detail=detail)
