"""Accounts for trying: everybody knows them, so they live in a demo only."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from backend.domain.roles import StaffRole
from backend.services.hash_password import hash_password
from backend.services.manage_users import insert_user
from backend.services.staff_sessions import DEMO_ID
from backend.storage.account_tables import ApiToken, UserAccount, UserSession
from backend.storage.database import Database
from backend.storage.unit_of_work import UnitOfWork

DEMO_PASSWORD = "Tiepdon-Thu-2026"  # noqa: S105  # published: it opens a demo
DEMO_ACCOUNTS: tuple[tuple[str, str, tuple[StaffRole, ...]], ...] = (
    ("letan", "Lê Thị Tiếp", (StaffRole.RECEPTION,)),
    ("phong", "Trần Văn Phòng", (StaffRole.ROOM_CALLER,)),
    ("truongkhoa", "Phạm Thị Khoa", (StaffRole.HEAD,)),
    ("thungan", "Vũ Thị Ngân", (StaffRole.CASHIER,)),
    ("ketoan", "Đặng Thị Toán", (StaffRole.ACCOUNTANT,)),
    ("bientap", "Hoàng Văn Biên", (StaffRole.CONTENT_EDITOR,)),
    ("it", "Đỗ Văn Máy", (StaffRole.IT,)),
    ("chatluong", "Bùi Thị Chất", (StaffRole.QUALITY,)),
    ("kiemtra", "Ngô Văn Kiểm", (StaffRole.AUDITOR,)),
)


def settle_demo_accounts(database: Database, *, demo: bool) -> None:
    """Makes the accounts everybody knows in a demo, and takes them out anywhere else.

    An account that a hospital made itself under such a name stays as it is.
    """
    password_hash = hash_password(DEMO_PASSWORD) if demo else ""

    def settle(unit: UnitOfWork) -> None:
        mine = UserAccount.facility_id == unit.facility_id
        names = {
            row.name: row.id
            for row in unit.connection.execute(select(UserAccount.name, UserAccount.id).where(mine))
        }
        if not demo:
            _take_out(unit, [user_id for user_id in names.values() if user_id.startswith(DEMO_ID)])
            return
        for name, display_name, roles in DEMO_ACCOUNTS:
            if name not in names:
                insert_user(
                    unit,
                    f"{DEMO_ID}{name}",
                    name=name,
                    display_name=display_name,
                    roles=roles,
                    password_hash=password_hash,
                    one_time=False,
                )
        # Whatever somebody tried with them is forgotten; who is signed in stays so.
        unit.connection.execute(
            update(UserAccount)
            .where(mine, UserAccount.id.startswith(DEMO_ID, autoescape=True))
            .values(
                password_hash=password_hash,
                must_change_password=False,
                sealed_totp=None,
                totp_confirmed_at=None,
                totp_step=None,
                recovery_hashes=[],
                failed_tries=0,
                locked_until=None,
                disabled_at=None,
            )
        )

    database.transact(settle)


def _take_out(unit: UnitOfWork, ids: list[str]) -> None:
    for table in (ApiToken, UserSession):
        unit.connection.execute(delete(table).where(table.user_id.in_(ids)))
    unit.connection.execute(delete(UserAccount).where(UserAccount.id.in_(ids)))
