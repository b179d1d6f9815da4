"""One description: our own adapter, as a partner would use it, against our own server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from werkzeug.serving import make_server

from backend.app import create_app
from backend.bootstrap import assemble
from backend.services.manage_partners import revoke_partner
from backend.storage.database import Database
from backend.web import live
from his_adapter.errors import KeyReused, LoginFailed, NotFound
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.gateway import JsonKioskGateway
from his_adapter.models import (
    BirthDate,
    CheckIn,
    CoverageOutcome,
    CoverageQuery,
    Gender,
    Identifier,
    IdentifierKind,
    PatientDraft,
    PatientQuery,
    Ref,
    WriteKey,
)
from his_adapter.ports import HisGateway
from tests.conftest import SettableClock
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital, make_config
from tests.factories.partner import PREFIX, let_in

PERSON = PatientDraft(
    full_name="Nguyễn Thị Thử",
    birth_date=BirthDate.from_iso("1985-06-15"),
    gender=Gender.FEMALE,
    identifiers=(Identifier(kind=IdentifierKind.ID12, value="079185000001"),),
    address="12 Đường Ví Dụ, Phường Mẫu",
)
KEY = WriteKey("partner-registration-1")


@pytest.fixture
def his() -> ScriptedHis:
    return ScriptedHis()


@pytest.fixture
def hospital(database: Database) -> Hospital:
    hospital = Hospital(database).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101", by_hour=True)
    return hospital


@pytest.fixture
def address(hospital: Hospital, his: ScriptedHis) -> Iterator[str]:
    resources = assemble(
        replace(make_config(coverage_patient_wait_s=0.5), demo=False),
        database=hospital.database,
        keys=hospital.keys,
        his=cast("HisGateway", his),
    )
    app = create_app(resources)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions[live.EXTENSION].close()
    for party in (resources.his_party, resources.insurer_party):
        party._pool.shutdown(wait=True)


@pytest.fixture
def partner(
    address: str, hospital: Hospital, tmp_path: Path, clock: SettableClock
) -> Iterator[JsonKioskGateway]:
    new = let_in(hospital.database, hospital.keys)
    secret_file = tmp_path / "secret"
    secret_file.write_text(new.secret)
    settings = {
        "base_url": address,
        "merchant_id": new.merchant_id,
        "secret_file": str(secret_file),
        "facility": {"code": "79999", "name_vi": "Trung tâm Y tế Bình An"},
        "extensions": ["keys"],
    }

    def ticking() -> datetime:
        """Two requests never carry the same millisecond."""
        clock.advance(milliseconds=1)
        return clock()

    gateway = JsonKioskGateway(read_settings(settings), clock=ticking)
    yield gateway
    gateway.close()


def test_what_we_offer_is_read_as_we_mean_it(
    partner: JsonKioskGateway, hospital: Hospital, clock: SettableClock
) -> None:
    (service,) = partner.list_services().items
    assert (service.ref, service.code, service.price_vnd) == (
        hospital.services["NOI"], "NOI", 36_500,
    )  # fmt: skip
    (department,) = partner.list_departments().items
    assert service.department == department.ref
    slot = hospital.add_slot("NOI", starts_in_min=90, capacity=2)
    start = clock()
    (found,) = partner.find_slots(service.ref, None, start, start + timedelta(hours=8)).items
    assert (found.ref, found.free) == (slot, 2)


def test_a_registration_there_and_back(partner: JsonKioskGateway, hospital: Hospital) -> None:
    service = Ref(hospital.services["NOI"])
    request = CheckIn(patient=Ref(""), person=PERSON, service=service)
    visit = partner.check_in(request, key=KEY)
    assert (visit.ticket.prefix, visit.ticket.number, visit.service) == ("A", 1, service)
    assert partner.check_in(request, key=KEY) == visit
    assert partner.find_by_key(KEY) == visit
    assert partner.find_by_key(WriteKey("never-used-before")) is None
    other = replace(PERSON, full_name="Trần Thị Khác", identifiers=())
    with pytest.raises(KeyReused):
        partner.check_in(replace(request, person=other), key=KEY)
    with pytest.raises(NotFound):
        partner.check_in(replace(request, service=Ref("nothing")), key=WriteKey("another-key"))


def test_known_and_insured(partner: JsonKioskGateway, his: ScriptedHis) -> None:
    number = Identifier(kind=IdentifierKind.ID12, value="079085000000")
    query = PatientQuery(identifiers=(number,))
    assert partner.find_patients(query).items == ()
    his.add_patient()
    (match,) = partner.find_patients(query).items
    assert match.birth_year == 1985
    asked = CoverageQuery(identifiers=(number,), full_name="Nguyễn Văn Thử", gender=Gender.MALE)
    day = date(2026, 11, 23)
    assert partner.check_coverage(asked, on=day, timeout_s=3).outcome is CoverageOutcome.OK
    his.coverage_fails = True
    assert partner.check_coverage(asked, on=day, timeout_s=3).outcome is CoverageOutcome.LATER


def test_a_revoked_partner(address: str, partner: JsonKioskGateway, hospital: Hospital) -> None:
    revoke_partner(hospital.database, name="Ngân hàng Mẫu")
    with pytest.raises(LoginFailed):
        partner.list_departments()
