"""A kiosk gets its credential for a one-time code, and loses it within a minute."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, insert, select, update

from backend.domain.ids import new_id
from backend.errors import EnrolmentRefused, KioskExists, KioskNotFound
from backend.events import Event
from backend.services.judge_kiosk import end_absence, forget_troubles
from backend.services.recognise_caller import credential_hash, new_credential
from backend.storage.database import Database
from backend.storage.fleet_tables import OPEN_ORDERS, KioskCommand
from backend.storage.kiosk_tables import EnrolmentCode, Kiosk
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


def invite_kiosk(
    database: Database,
    *,
    name: str,
    kind: KioskKind = "kiosk",
    profile: str = "reception",
    actor: str = "command",
    unique: bool = False,
) -> str:
    """A code that enrols one kiosk or agent under this name within 24 hours; its hash is kept.

    `unique`: raises KioskExists while a kiosk of that name is in use.
    """
    code = _new_code()

    def invite(unit: UnitOfWork) -> None:
        if unique and find_standing(unit, name=name) is not None:
            raise KioskExists
        unit.add(
            EnrolmentCode,
            code_hash=credential_hash(_plain(code)),
            kiosk_name=name,
            kind=kind,
            profile=profile,
            kiosk_id=None,
            created_at=unit.now,
            expires_at=unit.now + CODE_LIFETIME,
        )
        unit.audit(Event.KIOSK_INVITED, actor=actor, subject=f"kiosk_name:{name}")

    database.transact(invite)
    return code


def invite_replacement(database: Database, kiosk_id: str, *, actor: str) -> str:
    """A code that puts new hardware in the place of this kiosk within 24 hours.

    The old machine goes on until the new one uses it; earlier codes end now. Raises KioskNotFound.
    """
    code = _new_code()

    def invite(unit: UnitOfWork) -> None:
        kiosk = lock_kiosk(unit, kiosk_id)
        unit.connection.execute(
            update(EnrolmentCode)
            .where(
                EnrolmentCode.facility_id == unit.facility_id,
                EnrolmentCode.kiosk_id == kiosk_id,
                EnrolmentCode.used_at.is_(None),
                EnrolmentCode.expires_at > unit.now,
            )
            .values(expires_at=unit.now)
        )
        unit.add(
            EnrolmentCode,
            code_hash=credential_hash(_plain(code)),
            kiosk_name=kiosk.name,
            kind=kiosk.kind,
            profile=kiosk.profile,
            kiosk_id=kiosk_id,
            created_at=unit.now,
            expires_at=unit.now + CODE_LIFETIME,
        )
        unit.audit(Event.KIOSK_INVITED, actor=actor, subject=f"kiosk:{kiosk_id}")

    database.transact(invite)
    return code


def lock_kiosk(unit: UnitOfWork, kiosk_id: str) -> Any:
    """The row of a kiosk that is in use. Raises KioskNotFound."""
    row = unit.connection.execute(
        select(Kiosk.__table__)
        .where(
            Kiosk.id == kiosk_id,
            Kiosk.facility_id == unit.facility_id,
            Kiosk.revoked_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise KioskNotFound
    return row


def find_standing(unit: UnitOfWork, *, name: str) -> str | None:
    """The id of the kiosk in use under this name, the newest if there are several."""
    return unit.connection.scalar(
        select(Kiosk.id)
        .where(
            Kiosk.facility_id == unit.facility_id, Kiosk.name == name, Kiosk.revoked_at.is_(None)
        )
        .order_by(Kiosk.enrolled_at.desc(), Kiosk.id.desc())
        .limit(1)
    )


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def enrol_kiosk(database: Database, *, untrusted_code: str, name: str, demo: bool) -> Enrolled:
    """The credential, once. The name chosen at the invitation wins over the kiosk's own.

    Raises EnrolmentRefused for an unknown, used or expired code: the three look the same.
    """
    demo_kind = _find_demo_kind(untrusted_code) if demo else None
    credential = new_credential()

    def enrol(unit: UnitOfWork) -> str:
        if demo_kind is not None:
            place = _Place(name=name, kind=demo_kind, profile="reception", kiosk_id=None)
        else:
            place = _use_code(unit, untrusted_code)
        if place.kiosk_id is not None:
            _put_in_place(unit, place.kiosk_id, credential)
            return place.kiosk_id
        kiosk_id = _DEMO_ID + new_id() if demo_kind else new_id()
        unit.connection.execute(
            insert(Kiosk).values(
                id=kiosk_id,
                facility_id=unit.facility_id,
                kind=place.kind,
                name=place.name,
                profile=place.profile,
                token_hash=credential_hash(credential),
                enrolled_at=unit.now,
            )
        )
        unit.audit(
            Event.KIOSK_ENROLLED,
            actor=f"{place.kind}:{kiosk_id}",
            subject=f"kiosk:{kiosk_id}",
            detail={"kind": place.kind},
        )
        return kiosk_id

    return Enrolled(kiosk_id=database.transact(enrol), credential=credential)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What a code gives; `kiosk_id` is the kiosk whose hardware is new."""

    name: str
    kind: str
    profile: str
    kiosk_id: str | None


def _put_in_place(unit: UnitOfWork, kiosk_id: str, credential: str) -> None:
    """New hardware is this kiosk from now on, and the old credential opens nothing any more.

    What the old hardware suffered from and was ordered to do went with it. Raises
    EnrolmentRefused when the kiosk was revoked meanwhile.
    """
    replaced = unit.connection.execute(
        update(Kiosk)
        .where(
            Kiosk.id == kiosk_id,
            Kiosk.facility_id == unit.facility_id,
            Kiosk.revoked_at.is_(None),
        )
        .values(token_hash=credential_hash(credential))
        .returning(Kiosk.kind)
    ).scalar_one_or_none()
    if replaced is None:
        raise EnrolmentRefused
    forget_troubles(unit, kiosk_id)
    cancel_orders(unit, kiosk_id)
    unit.audit(Event.KIOSK_REPLACED, actor=f"{replaced}:{kiosk_id}", subject=f"kiosk:{kiosk_id}")


def cancel_orders(unit: UnitOfWork, kiosk_id: str) -> None:
    """Of hardware that is gone."""
    unit.connection.execute(
        update(KioskCommand)
        .where(KioskCommand.kiosk_id == kiosk_id, KioskCommand.state.in_(OPEN_ORDERS))
        .values(state="cancelled", settled_at=unit.now)
    )


def shut_out_demo_kiosks(database: Database, *, demo: bool) -> None:
    """A database of a demo that is served for real later lets no kiosk of the demo in."""
    if demo:
        return

    def shut_out(unit: UnitOfWork) -> None:
        standing = unit.connection.scalars(
            select(Kiosk.id)
            .where(
                Kiosk.facility_id == unit.facility_id,
                Kiosk.id.startswith(_DEMO_ID, autoescape=True),
                Kiosk.revoked_at.is_(None),
            )
            .with_for_update()
        )
        for kiosk_id in list(standing):
            _end_kiosk(unit, kiosk_id, actor="command")

    database.transact(shut_out)


def _find_demo_kind(untrusted_code: str) -> KioskKind | None:
    kinds: dict[str, KioskKind] = {DEMO_CODE: "kiosk", DEMO_AGENT_CODE: "agent"}
    typed = _plain(untrusted_code)
    return next(
        (k for code, k in kinds.items() if secrets.compare_digest(typed, _plain(code))), None
    )


def _use_code(unit: UnitOfWork, untrusted_code: str) -> _Place:
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
        .returning(
            EnrolmentCode.kiosk_name,
            EnrolmentCode.kind,
            EnrolmentCode.profile,
            EnrolmentCode.kiosk_id,
        )
    ).one_or_none()
    if used is None:
        raise EnrolmentRefused
    return _Place(
        name=used.kiosk_name, kind=used.kind, profile=used.profile, kiosk_id=used.kiosk_id
    )


def _plain(code: str) -> str:
    """As typed by a person: case, dashes and spaces do not count."""
    return "".join(letter for letter in code.upper() if letter.isascii() and letter.isalnum())


def revoke_kiosk(database: Database, *, name: str) -> int:
    """How many credentials and open codes of that name were ended."""

    def revoke(unit: UnitOfWork) -> int:
        standing = (
            Kiosk.facility_id == unit.facility_id,
            Kiosk.name == name,
            Kiosk.revoked_at.is_(None),
        )
        ended = list(unit.connection.scalars(select(Kiosk.id).where(*standing).with_for_update()))
        for kiosk_id in ended:
            _end_kiosk(unit, kiosk_id, actor="command")
        return len(ended) + _end_codes(unit, EnrolmentCode.kiosk_name == name)

    return database.transact(revoke)


def revoke_one(database: Database, kiosk_id: str, *, actor: str) -> None:
    """Its credential and open codes for its place end. Raises KioskNotFound, also the second time."""

    def revoke(unit: UnitOfWork) -> None:
        lock_kiosk(unit, kiosk_id)
        _end_kiosk(unit, kiosk_id, actor=actor)
        _end_codes(unit, EnrolmentCode.kiosk_id == kiosk_id)

    database.transact(revoke)


def end_invitation(database: Database, *, name: str, actor: str) -> int:
    """How many open codes for new kiosks of that name were ended; kiosks in use stay."""

    def end(unit: UnitOfWork) -> int:
        which = (EnrolmentCode.kiosk_name == name) & EnrolmentCode.kiosk_id.is_(None)
        ended = _end_codes(unit, which)
        if ended:
            unit.audit(Event.KIOSK_INVITATION_ENDED, actor=actor, subject=f"kiosk_name:{name}")
        return ended

    return database.transact(end)


def _end_kiosk(unit: UnitOfWork, kiosk_id: str, *, actor: str) -> None:
    unit.connection.execute(update(Kiosk).where(Kiosk.id == kiosk_id).values(revoked_at=unit.now))
    forget_troubles(unit, kiosk_id)
    end_absence(unit, kiosk_id)
    cancel_orders(unit, kiosk_id)
    unit.audit(Event.KIOSK_REVOKED, actor=actor, subject=f"kiosk:{kiosk_id}")


def _end_codes(unit: UnitOfWork, which: ColumnElement[bool]) -> int:
    ended = unit.connection.execute(
        update(EnrolmentCode)
        .where(
            EnrolmentCode.facility_id == unit.facility_id,
            which,
            EnrolmentCode.used_at.is_(None),
            EnrolmentCode.expires_at > unit.now,
        )
        .values(expires_at=unit.now)
        .returning(EnrolmentCode.code_hash)
    ).all()
    return len(ended)


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
