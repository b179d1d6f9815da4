"""Which release each group of kiosks shall run, and what they said when they changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.domain.releases import SCOPES, ReleaseState, Scope, Target, choose_version
from backend.errors import NotFound, ReleaseRefused
from backend.events import Event
from backend.services.raise_alert import clear_alert, raise_alert
from backend.storage.database import Database
from backend.storage.kiosk_tables import KIOSK_PROFILES, Heartbeat, Kiosk
from backend.storage.release_tables import KioskRelease, ReleaseBundle, ReleaseTarget
from backend.storage.unit_of_work import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A bundle the server has. `sha256` is of the whole file."""

    version: str
    sha256: str
    size_bytes: int
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class KioskStand:
    """`wanted` None: nobody decided. `state` and `reason` are of the last change it told of."""

    kiosk: str
    profile: str
    wanted: str | None
    runs: str | None
    """As its last heartbeat said."""
    last: str | None
    state: str | None
    reason: str | None


def add_release(database: Database, *, version: str, sha256: str, size_bytes: int) -> None:
    """Twice the same is once. Raises ReleaseRefused for another file of a version that is there."""

    def add(unit: UnitOfWork) -> None:
        unit.connection.execute(
            unit.insert_into(ReleaseBundle)
            .values(
                id=new_id(),
                facility_id=unit.facility_id,
                version=version,
                sha256=sha256,
                size_bytes=size_bytes,
                added_at=unit.now,
            )
            .on_conflict_do_nothing()
        )
        there = _find_bundle(unit.connection, unit.facility_id, version)
        if there is None or there.sha256 != sha256:
            raise ReleaseRefused(f"another {version} is here already: versions never change")
        unit.audit(Event.RELEASE_ADDED, actor="command", subject=f"release:{version}")

    database.transact(add)


def stage_release(database: Database, *, version: str | None, scope: Scope, name: str) -> None:
    """From now on the kiosks of this group run `version`; None: nothing is said of them any more.

    `name`: a kiosk as staff call it, a profile, or nothing for all. Raises NotFound,
    ReleaseRefused.
    """

    def stage(unit: UnitOfWork) -> None:
        key = _key_of(unit, scope, name)
        unit.connection.execute(
            delete(ReleaseTarget).where(
                ReleaseTarget.facility_id == unit.facility_id,
                ReleaseTarget.scope == scope,
                ReleaseTarget.name == key,
            )
        )
        if version is not None:
            if _find_bundle(unit.connection, unit.facility_id, version) is None:
                raise NotFound(f"there is no release {version} here: `tiepdon release add FILE`")
            unit.connection.execute(
                insert(ReleaseTarget).values(
                    id=new_id(),
                    facility_id=unit.facility_id,
                    scope=scope,
                    name=key,
                    version=version,
                    set_at=unit.now,
                )
            )
        unit.audit(
            Event.RELEASE_STAGED,
            actor="command",
            subject=f"release:{version or 'none'}",
            detail={"scope": scope, "name": key},
        )

    database.transact(stage)


def find_release_for(database: Database, *, kiosk_id: str) -> Staged | None:
    """What this kiosk shall run; None: it stays as it is."""
    with database.read() as connection:
        profile = connection.execute(
            select(Kiosk.profile).where(
                Kiosk.facility_id == database.facility_id, Kiosk.id == kiosk_id
            )
        ).scalar_one_or_none()
        targets = _targets(connection, database.facility_id)
        version = choose_version(targets, kiosk_id=kiosk_id, profile=profile or "")
        return _find_bundle(connection, database.facility_id, version) if version else None


def record_release(
    database: Database, *, kiosk_id: str, version: str, state: ReleaseState, reason: str | None
) -> None:
    """What a kiosk says of its change. One that went back is told to the IT desk, once."""

    def record(unit: UnitOfWork) -> None:
        values = {"version": version, "state": state, "reason": reason, "at": unit.now}
        unit.connection.execute(
            unit.insert_into(KioskRelease)
            .values(kiosk_id=kiosk_id, facility_id=unit.facility_id, **values)
            .on_conflict_do_update(index_elements=[KioskRelease.kiosk_id], set_=values)
        )
        subject = f"kiosk:{kiosk_id}"
        if state == "installed":
            clear_alert(unit, AlertKind.RELEASE_ROLLED_BACK, subject=subject)
        else:
            detail = {"version": version, "state": state}
            raise_alert(unit, AlertKind.RELEASE_ROLLED_BACK, subject=subject, detail=detail)
        unit.audit(
            Event.RELEASE_TOLD,
            actor=subject,
            subject=f"release:{version}",
            detail={"state": state},
        )

    database.transact(record)


def list_releases(database: Database) -> list[Staged]:
    """Newest first."""
    with database.read() as connection:
        rows = connection.execute(
            select(ReleaseBundle)
            .where(ReleaseBundle.facility_id == database.facility_id)
            .with_only_columns(
                ReleaseBundle.version,
                ReleaseBundle.sha256,
                ReleaseBundle.size_bytes,
                ReleaseBundle.added_at,
            )
            .order_by(ReleaseBundle.added_at.desc(), ReleaseBundle.version)
        ).all()
    return [Staged(**row._asdict()) for row in rows]


def show_staging(database: Database) -> list[KioskStand]:
    """Every kiosk that may call: what it shall run, what it runs, what it said. By name."""
    with database.read() as connection:
        targets = _targets(connection, database.facility_id)
        rows = connection.execute(
            select(
                Kiosk.id,
                Kiosk.name,
                Kiosk.profile,
                Heartbeat.report,
                KioskRelease.version,
                KioskRelease.state,
                KioskRelease.reason,
            )
            .outerjoin(Heartbeat, Heartbeat.kiosk_id == Kiosk.id)
            .outerjoin(KioskRelease, KioskRelease.kiosk_id == Kiosk.id)
            .where(
                Kiosk.facility_id == database.facility_id,
                Kiosk.kind == "kiosk",
                Kiosk.revoked_at.is_(None),
            )
            .order_by(Kiosk.name, Kiosk.id)
        ).all()
    return [
        KioskStand(
            kiosk=row.name,
            profile=row.profile,
            wanted=choose_version(targets, kiosk_id=row.id, profile=row.profile),
            runs=(row.report or {}).get("version"),
            last=row.version,
            state=row.state,
            reason=row.reason,
        )
        for row in rows
    ]


def _targets(connection: Connection, facility_id: str) -> list[Target]:
    rows = connection.execute(
        select(ReleaseTarget.scope, ReleaseTarget.name, ReleaseTarget.version).where(
            ReleaseTarget.facility_id == facility_id, ReleaseTarget.scope.in_(SCOPES)
        )
    ).all()
    return [Target(**row._asdict()) for row in rows]


def _find_bundle(connection: Connection, facility_id: str, version: str) -> Staged | None:
    row = connection.execute(
        select(
            ReleaseBundle.version,
            ReleaseBundle.sha256,
            ReleaseBundle.size_bytes,
            ReleaseBundle.added_at,
        ).where(ReleaseBundle.facility_id == facility_id, ReleaseBundle.version == version)
    ).one_or_none()
    return Staged(**row._asdict()) if row else None


def _key_of(unit: UnitOfWork, scope: Scope, name: str) -> str:
    if scope == "all":
        return ""
    if scope == "profile":
        if name not in KIOSK_PROFILES:
            raise NotFound(f"there is no profile {name}: {', '.join(KIOSK_PROFILES)}")
        return name
    found = unit.connection.scalars(
        select(Kiosk.id).where(
            Kiosk.facility_id == unit.facility_id,
            Kiosk.name == name,
            Kiosk.kind == "kiosk",
            Kiosk.revoked_at.is_(None),
        )
    ).all()
    if len(found) != 1:
        raise NotFound(f"{len(found)} kiosks are named {name}")
    return found[0]
