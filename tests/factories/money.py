"""Payments and money for tests, straight in the database; money comes in by the one door."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, cast

from sqlalchemy import insert, select

from backend.domain.catalogue import Catalogue
from backend.domain.ids import new_id
from backend.domain.roles import StaffRole
from backend.services.apply_transaction import Applied, apply_transaction
from backend.services.recognise_caller import Caller
from backend.storage import payment_tables as tables
from backend.storage.catalogue import load_catalogue
from backend.storage.crypto import Keys, demo_keys
from backend.storage.database import Database
from payments.match_codes import new_match_code
from payments.models import Credit, Money, Payer

PROVIDER, ACCOUNT = "bidv", "1200000000001"


def make_staff(name: str = "Vũ Thị Ngân", role: StaffRole = StaffRole.CASHIER) -> Caller:
    return Caller(role="staff", id=new_id(), name=name, roles=frozenset({role}))


@dataclass
class Till:
    """A hospital that takes money by QR. `hospital` must be set up."""

    database: Database
    keys: Keys = field(default_factory=demo_keys)
    _serials: Any = field(default_factory=lambda: count(1))

    @property
    def catalogue(self) -> Catalogue:
        with self.database.read() as connection:
            return load_catalogue(connection, self.database.facility_id)

    def add_payment(
        self,
        amount_vnd: int = 150_000,
        *,
        state: str = "waiting",
        kind: str = "fees",
        bill: str | None = None,
        provider: str = PROVIDER,
        **values: Any,
    ) -> str:
        """Its id; one bill and one attempt go with it."""
        payment_id, code = new_id(), values.pop("code", new_match_code("VP"))
        serial = next(self._serials)
        is_open = state not in {"expired", "cancelled", "failed"}
        with self.database.write() as unit:
            row = {
                "id": payment_id,
                "facility_id": unit.facility_id,
                "code": code,
                "kind": kind,
                "state": state,
                "amount_vnd": amount_vnd,
                "patient_ref": f"BN-{serial}",
                "language": "vi",
                "method": provider,
                "created_at": unit.now,
                "expires_at": unit.now + timedelta(minutes=10),
                "fee_checked_at": unit.now,
            }
            unit.connection.execute(insert(tables.Payment).values(**row | values))
            for each in dict.fromkeys(("created", "waiting", state)):
                unit.add(
                    tables.PaymentChange,
                    id=new_id(),
                    payment_id=payment_id,
                    at=unit.now,
                    state=each,
                    cause="kiosk",
                    actor="kiosk:k1",
                )
            unit.connection.execute(
                insert(tables.PaymentLine).values(
                    id=new_id(),
                    facility_id=unit.facility_id,
                    payment_id=payment_id,
                    position=0,
                    invoice_ref=bill or (f"HD-{serial}" if kind == "fees" else None),
                    invoice_code=bill or (f"HD-{serial}" if kind == "fees" else None),
                    title_vi="Tiền khám" if kind == "fees" else "Tạm ứng",
                    amount_vnd=amount_vnd,
                    is_open=is_open,
                )
            )
            unit.connection.execute(
                insert(tables.PaymentAttempt).values(
                    id=new_id(),
                    facility_id=unit.facility_id,
                    payment_id=payment_id,
                    attempt=1,
                    key=f"{code}-1",
                    provider=provider,
                    state="open" if is_open else "expired",
                    amount_vnd=amount_vnd,
                    provider_ref=f"{code}-1",
                    created_at=unit.now,
                    expires_at=unit.now + timedelta(minutes=10),
                )
            )
        return payment_id

    def code_of(self, payment_id: str) -> str:
        return str(self.row(tables.Payment, payment_id).code)

    def receive(
        self,
        amount_vnd: int = 150_000,
        *,
        payment_id: str | None = None,
        memo: str = "chuyen tien",
        provider: str = PROVIDER,
        account: str = ACCOUNT,
        transaction_id: str | None = None,
    ) -> Applied:
        """Money comes, for that payment or for nobody knows whom."""
        serial = next(self._serials)
        credit = Credit(
            provider=provider,
            account=account,
            transaction_id=transaction_id or f"GD-{serial}",
            bank_reference=f"FT{serial:08d}",
            amount=Money(amount_vnd),
            paid_at=self.database.clock(),
            memo=self.code_of(payment_id) if payment_id else memo,
            payer=Payer(name="TRAN VAN TRA", account="0071000123456", bank="VCB"),
        )
        catalogue = self.catalogue
        return self.database.transact(
            lambda unit: apply_transaction(
                unit, self.keys, catalogue, credit, source="callback", actor=f"provider:{provider}"
            )
        )

    def hold(self, amount_vnd: int = 150_000, **options: Any) -> str:
        """Money nobody knows the owner of; the id of its item."""
        return self.item_of(self.receive(amount_vnd, **options).credit_id)

    def item_of(self, credit_id: str) -> str:
        """The newest item of that money."""
        with self.database.read() as connection:
            found = connection.scalar(
                select(tables.SuspenseItem.id)
                .where(tables.SuspenseItem.credit_id == credit_id)
                .order_by(tables.SuspenseItem.id.desc())
                .limit(1)
            )
        return cast("str", found)

    def row(self, table: type[Any], row_id: str) -> Any:
        with self.database.read() as connection:
            return connection.execute(select(table.__table__).where(table.id == row_id)).one()

    def rows(self, table: type[Any]) -> list[Any]:
        with self.database.read() as connection:
            return list(connection.execute(select(table.__table__).order_by(table.id)))
