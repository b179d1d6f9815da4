"""A kiosk gets its credential for a one-time code, and loses it within a minute."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import insert, select, update

from backend.domain.ids import new_id
from backend.errors import EnrolmentRefused
from backend.events import Event
from backend.services.recognise_caller import credential_hash, new_credential
from backend.storage.database import Database
from backend.storage.tables import EnrolmentCode, Kiosk
from backend.storage.unit_of_work import UnitOfWork

CODE_LIFETIME = timedelta(hours=24)
DEMO_CODE = "DEMO-KIOSK"
"""Enrols any number of kiosks, in a demo only."""
DEMO_AGENT_CODE = "DEMO-AGENT"
"""Likewise for print agents."""
_DEMO_ID = "demo-"
"""Begins the ids of kiosks that came in with it."""

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # read from paper, typed once: no look-alikes


KioskKind = Literal["kiosk", "agent"]


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    kiosk_id: str
    credential: str


@dataclass(frozen=True, kw_only=True)
class KnownKiosk:
    """`enrolled_at` is None for one that was invited and has not come yet."""

    id: str | None
    name: str
    kind: str
    enrolled_at: datetime | None
    revoked_at: datetime | None
    code_expires_at: datetime | None


def invite_kiosk(database: Database, *, name: str, kind: KioskKind = "kiosk") -> str:
    """A code that enrols one kiosk or agent under this name within 24 hours; its hash is kept."""
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))

    def invite(unit: UnitOfWork) -> None:
        unit.connection.execute(
            insert(EnrolmentCode).values(
                code_hash=credential_hash(_plain(code)),
                facility_id=unit.facility_id,
                kiosk_name=name,
                kind=kind,
                created_at=unit.now,
                expires_at=unit.now + CODE_LIFETIME,
            )
        )
        unit.audit(Event.KIOSK_INVITED, actor="command", subject=f"kiosk_name:{name}")

    database.transact(invite)
    return code


def enrol_kiosk(database: Database, *, untrusted_code: str, name: str, demo: bool) -> Enrolled:
    """The credential, once. The name chosen at the invitation wins over the kiosk's own.

    Raises EnrolmentRefused for an unknown, used or expired code: the three look the same.
    """
    demo_kind = _find_demo_kind(untrusted_code) if demo else None
    kiosk_id = _DEMO_ID + new_id() if demo_kind else new_id()
    enrolled = Enrolled(kiosk_id=kiosk_id, credential=new_credential())

    def enrol(unit: UnitOfWork) -> None:
        invited_name, kind = (name, demo_kind) if demo_kind else _use_code(unit, untrusted_code)
        unit.connection.execute(
            insert(Kiosk).values(
                id=enrolled.kiosk_id,
                facility_id=unit.facility_id,
                kind=kind,
                name=invited_name,
                token_hash=credential_hash(enrolled.credential),
                enrolled_at=unit.now,
            )
        )
        subject = f"kiosk:{enrolled.kiosk_id}"
        actor = f"{kind}:{enrolled.kiosk_id}"
        unit.audit(Event.KIOSK_ENROLLED, actor=actor, subject=subject, detail={"kind": kind})

    database.transact(enrol)
    return enrolled


def shut_out_demo_kiosks(database: Database, *, demo: bool) -> None:
    """A database of a demo that is served for real later lets no kiosk of the demo in."""
    if demo:
        return

    def shut_out(unit: UnitOfWork) -> None:
        ended = unit.connection.execute(
            update(Kiosk)
            .where(
                Kiosk.facility_id == unit.facility_id,
                Kiosk.id.startswith(_DEMO_ID, autoescape=True),
                Kiosk.revoked_at.is_(None),
            )
            .values(revoked_at=unit.now)
            .returning(Kiosk.id)
        ).scalars()
        for kiosk_id in ended:
            unit.audit(Event.KIOSK_REVOKED, actor="command", subject=f"kiosk:{kiosk_id}")

    database.transact(shut_out)


def _find_demo_kind(untrusted_code: str) -> KioskKind | None:
    kinds: dict[str, KioskKind] = {DEMO_CODE: "kiosk", DEMO_AGENT_CODE: "agent"}
    typed = _plain(untrusted_code)
    return next(
        (k for code, k in kinds.items() if secrets.compare_digest(typed, _plain(code))), None
    )


def _use_code(unit: UnitOfWork, untrusted_code: str) -> tuple[str, str]:
    """One statement, so that of two kiosks with one code only one gets in."""
    used = unit.connection.execute(
        update(EnrolmentCode)
        .where(
            EnrolmentCode.code_hash == credential_hash(_plain(untrusted_code)),
            EnrolmentCode.facility_id == unit.facility_id,
            EnrolmentCode.used_at.is_(None),
            EnrolmentCode.expires_at > unit.now,
        )
        .values(used_at=unit.now)
        .returning(EnrolmentCode.kiosk_name, EnrolmentCode.kind)
    ).one_or_none()
    if used is None:
        raise EnrolmentRefused
    return used.kiosk_name, used.kind


def _plain(code: str) -> str:
    """As typed by a person: case, dashes and spaces do not count."""
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())


def revoke_kiosk(database: Database, *, name: str) -> int:
    """How many credentials and open codes of that name were ended."""

    def revoke(unit: UnitOfWork) -> int:
        kiosks = unit.connection.execute(
            update(Kiosk)
            .where(
                Kiosk.facility_id == unit.facility_id,
                Kiosk.name == name,
                Kiosk.revoked_at.is_(None),
            )
            .values(revoked_at=unit.now)
            .returning(Kiosk.id)
        ).scalars()
        ended = list(kiosks)
        codes = unit.connection.execute(
            update(EnrolmentCode)
            .where(
                EnrolmentCode.facility_id == unit.facility_id,
                EnrolmentCode.kiosk_name == name,
                EnrolmentCode.used_at.is_(None),
                EnrolmentCode.expires_at > unit.now,
            )
            .values(expires_at=unit.now)
            .returning(EnrolmentCode.code_hash)
        ).all()
        for kiosk_id in ended:
            unit.audit(Event.KIOSK_REVOKED, actor="command", subject=f"kiosk:{kiosk_id}")
        return len(ended) + len(codes)

    return database.transact(revoke)


def list_kiosks(database: Database) -> list[KnownKiosk]:
    """All that were ever enrolled, by name, then the open invitations."""
    with database.read() as connection:
        kiosks = connection.execute(
            select(Kiosk.id, Kiosk.name, Kiosk.kind, Kiosk.enrolled_at, Kiosk.revoked_at)
            .where(Kiosk.facility_id == database.facility_id)
            .order_by(Kiosk.name, Kiosk.id)
        ).all()
        codes = connection.execute(
            select(EnrolmentCode.kiosk_name, EnrolmentCode.kind, EnrolmentCode.expires_at)
            .where(
                EnrolmentCode.facility_id == database.facility_id,
                EnrolmentCode.used_at.is_(None),
                EnrolmentCode.expires_at > database.clock(),
            )
            .order_by(EnrolmentCode.kiosk_name)
        ).all()
    return [
        KnownKiosk(
            id=row.id,
            name=row.name,
            kind=row.kind,
            enrolled_at=row.enrolled_at,
            revoked_at=row.revoked_at,
            code_expires_at=None,
        )
        for row in kiosks
    ] + [
        KnownKiosk(
            id=None,
            name=row.kiosk_name,
            kind=row.kind,
            enrolled_at=None,
            revoked_at=None,
            code_expires_at=row.expires_at,
        )
        for row in codes
    ]
