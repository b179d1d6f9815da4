"""A hospital with fees: the demo register, one kiosk, a sandbox bank and a sandbox wallet."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from backend.app import create_app
from backend.bootstrap import assemble
from backend.domain.ids import new_id
from backend.domain.notice import NOTICE_VERSION
from backend.jobs.deliver_outbox import deliver_outbox
from backend.jobs.pursue_payments import pursue_payments
from backend.services.resources import Resources
from backend.services.sync_catalogue import sync_catalogue
from backend.services.verify_payments import Verdict, verify_payments
from backend.storage import payment_tables as tables
from backend.storage.base import Base
from backend.storage.crypto import demo_keys
from backend.storage.database import Database
from backend.web import live
from his_adapter.builtin.clinic import Clinic
from his_adapter.demo.gateway import open_demo
from his_adapter.demo.personas import PERSONAS, Persona
from his_adapter.models import Charge, Invoice, Page, PatientQuery, Ref, Slot
from his_adapter.ports import HisGateway
from his_adapter.testing import fill_demo_folder
from payments.config_file import ProviderEntry
from payments.models import CallbackRequest, Credit, Money
from payments.providers.sandbox.provider import SandboxProvider, open_provider
from tests.conftest import SettableClock
from tests.factories.accounts import Accounts
from tests.factories.hospital import Hospital, make_config

NOTICE = {
    "version": NOTICE_VERSION,
    "language": "vi",
    "accepted_at": "2026-11-23T08:00:00+07:00",
}
PATIENT: Persona = next(each for each in PERSONAS if each.registered and each.id_number)


class Till:
    """What a patient, a bank and the hospital's own people do; `client` speaks for the kiosk."""

    def __init__(
        self, resources: Resources, clinic: Clinic, clock: SettableClock, client: FlaskClient
    ) -> None:
        self.resources = resources
        self.clinic = clinic
        self.clock = clock
        self.client = client
        self.credential = Hospital(resources.database).add_kiosk("K1")[1]

    @property
    def bank(self) -> SandboxProvider:
        return cast("SandboxProvider", self.resources.providers["bank"])

    @property
    def wallet(self) -> SandboxProvider:
        return cast("SandboxProvider", self.resources.providers["wallet"])

    # --- the hospital

    def patient(self) -> Ref:
        return (
            self.resources.his.find_patients(
                PatientQuery(full_name=PATIENT.full_name, birth_date=PATIENT.birth_date)
            )
            .items[0]
            .ref
        )

    def bill(self, amount_vnd: int = 350_000, title: str = "Khám bệnh") -> Invoice:
        patient = self.patient()
        self.clinic.charge(
            patient, Charge(code="KB", name_vi=title, quantity=1, amount_vnd=amount_vnd)
        )
        return self.clinic.issue_invoice(patient, title_vi=title)

    def due_vnd(self) -> int:
        return self.resources.his.read_account(self.patient()).due_vnd

    # --- the kiosk

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> TestResponse:
        headers = {
            "Authorization": f"Bearer {self.credential}",
            "Idempotency-Key": key or new_id(),
        }
        return self.client.post(f"/api/v1{path}", headers=headers, json=body or {})

    def get(self, path: str) -> TestResponse:
        return self.client.get(
            f"/api/v1{path}", headers={"Authorization": f"Bearer {self.credential}"}
        )

    def scan(self, payload: str = PATIENT.payload) -> str:
        reply = self.post(
            "/scans",
            {
                "payload_base64": base64.b64encode(payload.encode()).decode(),
                "source": "camera",
                "notice": NOTICE,
            },
        )
        assert reply.status_code == 200, reply.json
        return str(reply.json["scan_id"])

    def dues(self, **wish: Any) -> dict[str, Any]:
        reply = self.post("/dues", wish or {"scan_id": self.scan()})
        assert reply.status_code == 200, reply.json
        return dict(reply.json)

    def start(self, *, method: str = "bank", **changes: Any) -> dict[str, Any]:
        dues = self.dues()
        wish = {
            "dues_id": dues["dues_id"],
            "bill_ids": [bill["id"] for bill in dues["bills"]],
            "method": method,
        } | changes
        reply = self.post("/payments", wish)
        assert reply.status_code == 201, reply.json
        return dict(reply.json)

    def show(self, payment: dict[str, Any]) -> dict[str, Any]:
        return dict(self.get(f"/payments/{payment['id']}").json)

    # --- banks

    def call_back(self, request: CallbackRequest, provider: str = "bank") -> TestResponse:
        return self.client.open(
            f"/payments/{provider}/{request.path}",
            method=request.method,
            headers=dict(request.headers),
            query_string=request.query or dict(request.arguments),
            data=request.untrusted_body,
        )

    def key_of(self, payment: dict[str, Any], attempt: int = 1) -> str:
        return f"{payment['code']}-{attempt}"

    def pay(self, payment: dict[str, Any], amount: int | None = None, **more: Any) -> TestResponse:
        attempt = more.pop("attempt", 1)
        return self.call_back(self.bank.pay(self.key_of(payment, attempt), amount, **more))

    # --- the house

    def deliver(self) -> None:
        """The worker tells the HIS what waits for it."""
        deliver_outbox(self.resources)

    def pursue(self) -> None:
        pursue_payments(self.resources)

    def verify(self) -> Verdict:
        database = self.resources.database
        with database.snapshot() as connection:
            return verify_payments(connection, facility_id=database.facility_id)

    def count(self, table: type[Base]) -> int:
        with self.resources.database.read() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0

    def items(self) -> list[tuple[str, str, int]]:
        """(reason, state, amount) of held money."""
        item = tables.SuspenseItem
        with self.resources.database.read() as connection:
            return [
                (row.reason, row.state, row.amount_vnd)
                for row in connection.execute(select(item.__table__).order_by(item.id))
            ]

    def balances(self) -> dict[str, int]:
        verdict = self.verify()
        assert verdict.faults == []
        return verdict.balances

    def credit(self, amount: int, **changes: Any) -> Credit:
        values: dict[str, Any] = {
            "provider": "bank",
            "account": "SANDBOX",
            "transaction_id": new_id(),
            "amount": Money(amount),
            "paid_at": self.clock(),
        }
        return Credit(**(values | changes))


class _WithoutHours:
    """The demo hospital without its free hours: most of its rows, and nobody books here."""

    def __init__(self, his: HisGateway) -> None:
        self._his = his

    def __getattr__(self, name: str) -> Any:
        return getattr(self._his, name)

    def find_slots(self, *_: Any, **__: Any) -> Page[Slot]:
        return Page(items=(), complete=True)


ENTRIES = (
    ProviderEntry(name="bank", kind="sandbox", label_vi="Ngân hàng", label_en="Bank app"),
    ProviderEntry(name="wallet", kind="sandbox", label_vi="Ví thử", label_en="Test wallet"),
)


@contextmanager
def open_till(
    database: Database, clock: SettableClock, folder: Path, **settings: Any
) -> Iterator[Till]:
    """`settings` are those of both sandboxes."""
    fill_demo_folder(folder, now=clock())
    his = open_demo(folder, clock=clock)
    sync_catalogue(database, cast("HisGateway", _WithoutHours(his)))
    providers = {
        "bank": open_provider("bank", settings, clock=clock),
        "wallet": open_provider("wallet", {"kind": "wallet", **settings}, clock=clock),
    }
    resources = assemble(
        make_config(payments=ENTRIES),
        database=database,
        keys=demo_keys(),
        his=his,
        providers=providers,
    )
    app = create_app(resources)
    try:
        yield Till(resources, his.clinic, clock, app.test_client())
    finally:
        app.extensions[live.EXTENSION].close()
        resources.close()


def body_of(reply: TestResponse) -> Any:
    return json.loads(reply.data)


__all__ = ["PATIENT", "Accounts", "Till", "body_of", "open_till"]
