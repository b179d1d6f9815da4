"""Staff decide what a kiosk is called, where it stands, whose it is, and whether it serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import null, select, update

from backend.domain.alerts import AlertKind
from backend.domain.settings import Words
from backend.errors import KioskExists, ValidationFailed
from backend.events import Event
from backend.services.enrol_kiosk import lock_kiosk
from backend.services.judge_kiosk import subject_of
from backend.services.raise_alert import clear_alert
from backend.storage.database import Database
from backend.storage.fleet_tables import KioskOwner
from backend.storage.kiosk_tables import KIOSK_PROFILES, Kiosk
from backend.storage.unit_of_work import UnitOfWork

MAX_NAME_CHARS = 80
MAX_WORDS_CHARS = 120
MAX_OWNER_CHARS = 200
USUAL_WORDS = Words(
    vi="Máy tạm ngưng phục vụ. Mời dùng máy bên cạnh.",
    en="This machine is out of service. Please use another one.",
)


@dataclass(frozen=True, kw_only=True)
class KioskWish:
    """`owner`, `contact` and `serial_number` are of the machine: whom to call when it is broken."""

    name: str
    profile: str
    owner: str = ""
    contact: str = ""
    serial_number: str = ""


def change_kiosk(database: Database, kiosk_id: str, wish: KioskWish, *, actor: str) -> None:
    """The kiosk learns of another profile with its next beat, half a minute later at most.

    Raises KioskNotFound, KioskExists for a name in use, ValidationFailed.
    """
    texts = (wish.owner, wish.contact, wish.serial_number)
    if (
        not 0 < len(wish.name) <= MAX_NAME_CHARS
        or wish.profile not in KIOSK_PROFILES
        or any(len(text) > MAX_OWNER_CHARS for text in texts)
        or not all(text.isprintable() for text in (wish.name, *texts))
    ):
        raise ValidationFailed("A kiosk cannot be like this")

    def change(unit: UnitOfWork) -> None:
        before = lock_kiosk(unit, kiosk_id)
        if wish.name != before.name:
            _refuse_name_in_use(unit, wish.name)
        unit.connection.execute(
            update(Kiosk).where(Kiosk.id == kiosk_id).values(name=wish.name, profile=wish.profile)
        )
        values = {
            "owner": wish.owner,
            "contact": wish.contact,
            "serial_number": wish.serial_number,
        }
        owner = unit.insert_into(KioskOwner).values(
            kiosk_id=kiosk_id, facility_id=unit.facility_id, **values
        )
        unit.connection.execute(
            owner.on_conflict_do_update(index_elements=[KioskOwner.kiosk_id], set_=values)
        )
        detail = {"profile": wish.profile, "renamed": wish.name != before.name}
        _trace(unit, Event.KIOSK_CHANGED, kiosk_id, actor, detail)

    database.transact(change)


def set_profile(database: Database, kiosk_id: str, profile: str, *, actor: str) -> None:
    """Where it stands, and so what it offers first. Raises KioskNotFound, ValidationFailed."""
    if profile not in KIOSK_PROFILES:
        raise ValidationFailed("There is no such profile")

    def change(unit: UnitOfWork) -> None:
        lock_kiosk(unit, kiosk_id)
        unit.connection.execute(update(Kiosk).where(Kiosk.id == kiosk_id).values(profile=profile))
        _trace(unit, Event.KIOSK_CHANGED, kiosk_id, actor, {"profile": profile})

    database.transact(change)


def pause_kiosk(database: Database, kiosk_id: str, words: Words, *, actor: str) -> None:
    """From its next beat, half a minute later at most, nobody can begin anything; it shows `words`.

    Its being away is no alarm any more. Again with other words changes the words. Raises
    KioskNotFound, ValidationFailed.
    """
    if not all(
        0 < len(text) <= MAX_WORDS_CHARS and text.isprintable() for text in (words.vi, words.en)
    ):
        raise ValidationFailed("These words cannot stand on the glass")

    def pause(unit: UnitOfWork) -> None:
        lock_kiosk(unit, kiosk_id)
        unit.connection.execute(
            update(Kiosk)
            .where(Kiosk.id == kiosk_id)
            .values(out_of_service={"vi": words.vi, "en": words.en})
        )
        clear_alert(unit, AlertKind.KIOSK_AWAY, subject=subject_of(kiosk_id))
        _trace(unit, Event.KIOSK_PAUSED, kiosk_id, actor, {})

    database.transact(pause)


def resume_kiosk(database: Database, kiosk_id: str, *, actor: str) -> bool:
    """False when it was in service already. Raises KioskNotFound."""

    def resume(unit: UnitOfWork) -> bool:
        if lock_kiosk(unit, kiosk_id).out_of_service is None:
            return False
        unit.connection.execute(
            update(Kiosk).where(Kiosk.id == kiosk_id).values(out_of_service=null())
        )
        _trace(unit, Event.KIOSK_RESUMED, kiosk_id, actor, {})
        return True

    return database.transact(resume)


def _refuse_name_in_use(unit: UnitOfWork, name: str) -> None:
    in_use = unit.connection.scalar(
        select(Kiosk.id).where(
            Kiosk.facility_id == unit.facility_id, Kiosk.name == name, Kiosk.revoked_at.is_(None)
        )
    )
    if in_use is not None:
        raise KioskExists


def _trace(
    unit: UnitOfWork, event: Event, kiosk_id: str, actor: str, detail: dict[str, Any]
) -> None:
    unit.audit(event, actor=actor, subject=f"kiosk:{kiosk_id}", detail=detail)
    unit.publish(event, subject=f"kiosk:{kiosk_id}", detail=detail)
