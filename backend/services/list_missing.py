"""What a hospital has still to do before its first patient: looked up, not remembered."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import exists, select

from backend.domain.catalogue_faults import find_catalogue_faults
from backend.domain.roles import StaffRole
from backend.services.enrol_kiosk import list_kiosks
from backend.services.manage_users import list_users
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from backend.storage.hall_tables import Display

_BUILT_IN = "builtin"


class Missing(StrEnum):
    HOTLINE = "hotline"
    STANDING = "standing"
    OWN_REGISTER = "own_register"
    """No HIS: fine for a commune station, forgotten anywhere else."""
    ROOMS = "rooms"
    SECOND_ADMINISTRATOR = "second_administrator"
    DESK = "desk"
    ROOM_CALLERS = "room_callers"
    KIOSK = "kiosk"
    DISPLAY = "display"
    CASH_ONLY = "cash_only"


def list_missing(server: Resources) -> tuple[Missing, ...]:
    """In the order somebody would do it. Raises StorageUnavailable."""
    database = server.database
    catalogue = server.catalogue.get()
    users = [user for user in list_users(database) if user.disabled_at is None]
    kiosks = [kiosk for kiosk in list_kiosks(database) if kiosk.kind == "kiosk"]
    with database.read() as connection:
        facility: Any = connection.execute(
            select(Facility.hotline).where(Facility.id == database.facility_id)
        ).one()
        has_display = connection.scalar(
            select(
                exists().where(
                    Display.facility_id == database.facility_id, Display.revoked_at.is_(None)
                )
            )
        )

    def count(role: StaffRole) -> int:
        return sum(role.value in user.roles for user in users)

    is_missing = {
        Missing.HOTLINE: not facility.hotline,
        Missing.STANDING: catalogue.settings.standing.level is None,
        Missing.OWN_REGISTER: server.config.his_adapter == _BUILT_IN,
        Missing.ROOMS: bool(find_catalogue_faults(catalogue)),
        Missing.SECOND_ADMINISTRATOR: count(StaffRole.IT) < 2,
        Missing.DESK: not count(StaffRole.RECEPTION),
        Missing.ROOM_CALLERS: not count(StaffRole.ROOM_CALLER),
        Missing.KIOSK: not any(each.enrolled_at and not each.revoked_at for each in kiosks),
        Missing.DISPLAY: not has_display,
        Missing.CASH_ONLY: not server.providers,
    }
    return tuple(missing for missing, is_so in is_missing.items() if is_so)
