"""Who may do what, to be looked through once a year and signed (TCVN 14423; SE-06)."""

from __future__ import annotations

import csv
import io
from datetime import datetime, tzinfo

from sqlalchemy import func, select

from backend.domain.roles import ADMIN_ROLES, StaffRole
from backend.events import Event
from backend.services.export_figures import tame
from backend.services.manage_users import KnownUser, list_users
from backend.storage.account_tables import ApiToken, UserAccount
from backend.storage.database import Database

COLUMNS = (
    "tài khoản",
    "họ tên",
    "quyền",
    "phòng",
    "quản trị",
    "mã xác nhận",
    "khóa chương trình",
    "tạo ngày",
    "dùng lần cuối",
    "trạng thái",
    "giữ quyền? (có / bỏ / đổi)",
    "người rà soát",
    "ngày",
)
"""The last three are filled in by hand."""


def review_rights(database: Database, *, actor: str, zone: tzinfo) -> str:
    """A table for a spreadsheet, closed accounts included; that it was made is on record."""
    users = list_users(database)
    tokens = _count_tokens(database)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for user in users:
        row = _to_row(user, tokens.get(user.name, 0), zone)
        writer.writerow([tame(cell) for cell in row])
    with database.write() as unit:
        unit.audit(
            Event.RIGHTS_REVIEWED,
            actor=actor,
            subject=f"facility:{unit.facility_id}",
            detail={"accounts": len(users)},
        )
    return text.getvalue()


def _to_row(user: KnownUser, tokens: int, zone: tzinfo) -> list[str]:
    is_admin = not ADMIN_ROLES.isdisjoint(map(StaffRole, user.roles))
    state = "đã khóa" if user.disabled_at else "đang dùng"
    return [
        user.name,
        user.display_name,
        ", ".join(user.roles),
        ", ".join(user.rooms) or "mọi phòng",
        "có" if is_admin else "",
        "có" if user.second_factor else "chưa",
        str(tokens) if tokens else "",
        _day(user.created_at, zone),
        _day(user.last_login_at, zone),
        state,
        "",
        "",
        "",
    ]


def _count_tokens(database: Database) -> dict[str, int]:
    """Of those that still open something."""
    query = (
        select(UserAccount.name, func.count().label("tokens"))
        .join(ApiToken, ApiToken.user_id == UserAccount.id)
        .where(
            UserAccount.facility_id == database.facility_id,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > database.clock(),
        )
        .group_by(UserAccount.name)
    )
    with database.read() as connection:
        return {row.name: row.tokens for row in connection.execute(query)}


def _day(moment: datetime | None, zone: tzinfo) -> str:
    return "" if moment is None else f"{moment.astimezone(zone):%d/%m/%Y}"
