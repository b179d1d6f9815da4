"""Views and procedures of a PostgreSQL, exactly those a HIS vendor is given as an example."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest

import his_adapter.sql_views
from his_adapter.builtin.reports import PartDraft
from his_adapter.errors import LoginFailed
from his_adapter.models import Charge, Ref, ReportStatus
from his_adapter.sql_views.gateway import open_gateway
from tests.contract.his_harness import MONDAY_MORNING, Harness
from tests.contract.test_his_gateway import HisGatewayContract
from tests.postgres import PostgresServer

FOLDER = Path(his_adapter.sql_views.__file__).parent
ACCOUNT = "tiepdon_reader"

pytestmark = pytest.mark.postgres

SEED = """
CREATE OR REPLACE FUNCTION his.clock() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT timestamptz '2026-01-05 02:00+00' $$;
INSERT INTO his.department VALUES ('kkb', 'KKB', 'Khoa Khám bệnh', 'Outpatients', 1);
INSERT INTO his.room VALUES ('101', '101', 'Phòng khám 1', 'Room 1', 'kkb', '1', 'cạnh thang máy', ''),
    ('102', '102', 'Phòng tiêm', 'Room 2', 'kkb', '1', '', '');
INSERT INTO his.service VALUES ('exam', 'KB', 'Khám bệnh', 'Examination', 'examination', 'kkb',
    '101', 45000, 39800, true, 10), ('shot', 'TC', 'Tiêm chủng', 'Vaccination', 'examination',
    'kkb', '102', 0, NULL, false, 5);
INSERT INTO his.post VALUES ('dr-1', 'BS.', 'Lê Văn Mẫu', 'exam', '101', 40);
INSERT INTO his.opening SELECT '101-' || d, '101', d, 'morning', '07:00', '11:30', NULL
    FROM generate_series(0, 4) d;
INSERT INTO his.code_entry VALUES ('province', '01', 'Hà Nội'), ('province', '25', 'Phú Thọ');
INSERT INTO his.slot SELECT 'exam-' || to_char(s, 'YYYYMMDDHH24MI'), 'exam', '101', NULL, s,
    s + interval '30 minutes', 3
    FROM (SELECT generate_series(timestamptz '2026-01-05 00:00+00', '2026-01-07 12:00+00', '30 minutes')
          UNION SELECT generate_series(date_trunc('hour', now()), now() + interval '3 days', '1 hour')) x (s);
"""


class OtherClinic:
    """The vendor's own people, who work on the vendor's own tables."""

    def __init__(self, url: str) -> None:
        self._url = url

    def place_order(
        self,
        patient: Ref,
        *,
        service: Ref,
        name_vi: str = "Xét nghiệm",
        preparation_vi: str = "",
        visit: Ref | None = None,
    ) -> Any:
        ref = self._one(
            "INSERT INTO his.service_order (patient_id, visit_id, service, kind, code, name_vi,"
            " status, preparation_vi, ordered_at) VALUES (%s, %s, %s, 'laboratory', 'XN', %s,"
            " 'active', %s, his.clock()) RETURNING id::text",
            (patient, visit, service, name_vi, preparation_vi),
        )
        return type("Placed", (), {"ref": ref})

    def cancel_order(self, order: Ref) -> None:
        self._one(
            "UPDATE his.service_order SET status = 'cancelled', version = version + 1"
            " WHERE id::text = %s RETURNING id",
            (order,),
        )

    def write_report(
        self, patient: Ref, *, parts: Sequence[PartDraft], order: Ref | None = None
    ) -> Ref:
        ref = self._one(
            "INSERT INTO his.report (patient_id, order_id, kind, title_vi, issued_at)"
            " VALUES (%s, %s, 'laboratory', 'Xét nghiệm', his.clock()) RETURNING id::text",
            (patient, order),
        )
        self._parts(ref, parts)
        return Ref(ref)

    def release_report(self, report: Ref) -> None:
        self._status(report, "final")

    def correct_report(self, report: Ref, parts: Sequence[PartDraft]) -> None:
        self._run("DELETE FROM his.report_value WHERE report_id::text = %s", (report,))
        self._run("DELETE FROM his.report_document WHERE report_id::text = %s", (report,))
        self._parts(report, parts)
        self._status(report, ReportStatus.CORRECTED)

    def withdraw_report(self, report: Ref) -> None:
        self._status(report, "draft")

    def charge(self, patient: Ref, charge: Charge) -> None:
        self._run(
            "INSERT INTO his.charge (patient_id, code, name_vi, quantity, amount_vnd,"
            " insurance_vnd, discount_vnd) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (
                patient,
                charge.code,
                charge.name_vi,
                charge.quantity,
                charge.amount_vnd,
                charge.insurance_vnd,
                charge.discount_vnd,
            ),
        )

    def issue_invoice(self, patient: Ref) -> None:
        self._run(
            "WITH made AS (INSERT INTO his.invoice (patient_id, status, title_vi, issued_at)"
            " VALUES (%s, 'issued', 'Phiếu thu', his.clock()) RETURNING id, patient_id)"
            " UPDATE his.charge c SET invoice_id = made.id FROM made"
            " WHERE c.patient_id = made.patient_id AND c.invoice_id IS NULL",
            (patient,),
        )

    def issue_einvoice(self, invoice: Ref) -> None:
        self._run(
            "INSERT INTO his.einvoice (invoice_id, number, url, lookup_code, issued_at)"
            " VALUES (%s, '1C26TTD-1', 'https://hoadon.example.vn/1', 'A1', his.clock())",
            (invoice,),
        )

    def _parts(self, report: str, parts: Sequence[PartDraft]) -> None:
        for part in parts:
            for place, value in enumerate(part.values):
                self._run(
                    "INSERT INTO his.report_value VALUES (%s, %s, %s, %s, %s, %s, '', %s)",
                    (report, place, value.code, value.name_vi, value.value, value.unit, value.flag),
                )
            if part.body:
                self._run(
                    "INSERT INTO his.report_document VALUES (%s, %s, %s, %s)",
                    (report, part.name, part.media_type, part.body),
                )

    def _status(self, report: Ref, status: str) -> None:
        self._run(
            "UPDATE his.report SET status = %s, version = version + 1, issued_at = his.clock()"
            " WHERE id::text = %s",
            (status, report),
        )

    def _one(self, statement: LiteralString, values: tuple[object, ...]) -> Any:
        with psycopg.connect(self._url) as connection:
            row = connection.execute(statement, values).fetchone()
            assert row is not None
            return row[0]

    def _run(self, statement: LiteralString, values: tuple[object, ...]) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(statement, values)


@pytest.fixture(scope="session")
def views_template(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"views_{uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name}")
    postgres_server.execute(f"CREATE ROLE {ACCOUNT} LOGIN")
    with psycopg.connect(postgres_server.url(name)) as connection:
        connection.execute((FOLDER / "example_postgresql.sql").read_bytes())
        connection.execute(SEED.encode())
        connection.execute(
            f"GRANT USAGE ON SCHEMA tiepdon TO {ACCOUNT};"
            f"GRANT SELECT ON ALL TABLES IN SCHEMA tiepdon TO {ACCOUNT}".encode()
        )
    yield name
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    postgres_server.execute(f"DROP ROLE {ACCOUNT}")


@pytest.fixture
def views_url(postgres_server: PostgresServer, views_template: str) -> Iterator[str]:
    """The database as its owner sees it."""
    name = f"views_{uuid4().hex}"
    postgres_server.execute(f"CREATE DATABASE {name} TEMPLATE {views_template}")
    yield postgres_server.url(name)
    postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def example_settings(url: str, *, account: str = ACCOUNT, **more: object) -> dict[str, Any]:
    """The settings a hospital is given, with the restricted account."""
    document = tomllib.loads((FOLDER / "example_settings.toml").read_text(encoding="utf-8"))
    settings: dict[str, Any] = document["settings"]
    del settings["password_file"]
    own_url = url.replace("postgres@", f"{account}@")
    return {**settings, "url": own_url, "pool_size": 16, "connect_timeout_s": 20, **more}


class TestSqlViews(HisGatewayContract):
    @pytest.fixture
    def harness(self, views_url: str) -> Iterator[Harness]:
        settings = example_settings(views_url)
        gateway = open_gateway(settings)
        yield Harness(
            gateway=gateway,
            name="sql_views",
            settings=settings,
            hourly=Ref("exam"),
            walk_in=Ref("shot"),
            now=MONDAY_MORNING,
            clinic=OtherClinic(views_url),  # type: ignore[arg-type]  # the same doings, over SQL
        )
        gateway.close()


def test_the_example_declares_all_but_merging_and_insurance(views_url: str) -> None:
    gateway = open_gateway(example_settings(views_url))
    absent = {feature.value for feature in type(next(iter(gateway.capabilities().features)))}
    absent -= {feature.value for feature in gateway.capabilities().features}
    assert absent == {"check_coverage", "merge_patients"}
    gateway.close()


@pytest.mark.parametrize("account", ["nobody_knows", "pg_monitor"])
def test_an_account_that_may_not_log_in(views_url: str, account: str) -> None:
    gateway = open_gateway(example_settings(views_url, account=account))
    with pytest.raises(LoginFailed):
        gateway.list_departments()
    gateway.close()


def test_the_clock_of_the_seed_is_that_of_the_tests() -> None:
    assert datetime(2026, 1, 5, 2, tzinfo=UTC) - MONDAY_MORNING == timedelta()
