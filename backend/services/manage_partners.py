"""Partners whose kiosks take numbers here: added by a command, revoked within seconds."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from backend.domain.ids import new_id
from backend.errors import PartnerExists
from backend.events import Event
from backend.storage.crypto import Keys
from backend.storage.database import Database
from backend.storage.partner_tables import Partner
from backend.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class NewPartner:
    merchant_id: str
    secret: str = field(repr=False)
    """Shown once; 256 random bits."""


@dataclass(frozen=True, kw_only=True)
class KnownPartner:
    name: str
    merchant_id: str
    reads_cards: bool
    notice_version: str | None
    created_at: datetime
    revoked_at: datetime | None


def add_partner(
    database: Database,
    keys: Keys,
    *,
    name: str,
    reads_cards: bool = False,
    notice_version: str | None = None,
) -> NewPartner:
    """Raises PartnerExists while another partner of that name is not revoked."""
    partner_id = new_id()
    new = NewPartner(merchant_id=f"TD-{secrets.token_hex(6)}", secret=secrets.token_urlsafe(32))

    def add(unit: UnitOfWork) -> None:
        unit.connection.execute(
            insert(Partner).values(
                id=partner_id,
                facility_id=unit.facility_id,
                name=name,
                merchant_id=new.merchant_id,
                sealed_secret=keys.seal(new.secret.encode(), context=f"partner:{partner_id}"),
                reads_cards=reads_cards,
                notice_version=notice_version,
                created_at=unit.now,
            )
        )
        detail = {"reads_cards": reads_cards, "notice": notice_version}
        subject = f"partner:{partner_id}"
        unit.audit(Event.PARTNER_ADDED, actor="command", subject=subject, detail=detail)

    try:
        database.transact(add)
    except IntegrityError as error:
        raise PartnerExists from error
    return new


def list_partners(database: Database) -> list[KnownPartner]:
    """All there ever were, by name."""
    with database.read() as connection:
        rows = connection.execute(
            select(Partner)
            .with_only_columns(
                Partner.name,
                Partner.merchant_id,
                Partner.reads_cards,
                Partner.notice_version,
                Partner.created_at,
                Partner.revoked_at,
            )
            .where(Partner.facility_id == database.facility_id)
            .order_by(Partner.name, Partner.id)
        ).all()
    return [KnownPartner(**row._mapping) for row in rows]  # noqa: SLF001  # public, says SQLAlchemy


def revoke_partner(database: Database, *, name: str) -> int:
    """How many were ended: 1 or 0."""

    def revoke(unit: UnitOfWork) -> int:
        ended = unit.connection.execute(
            update(Partner)
            .where(
                Partner.facility_id == unit.facility_id,
                Partner.name == name,
                Partner.revoked_at.is_(None),
            )
            .values(revoked_at=unit.now)
            .returning(Partner.id)
        ).scalars()
        ids = list(ended)
        for partner_id in ids:
            unit.audit(Event.PARTNER_REVOKED, actor="command", subject=f"partner:{partner_id}")
        return len(ids)

    return database.transact(revoke)
