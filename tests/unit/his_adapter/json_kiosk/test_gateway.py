"""What differs from the whole contract: a vendor with the published calls only, and bad answers."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from his_adapter.errors import (
    BrokenReply,
    GatewayMisconfigured,
    InvalidData,
    LoginFailed,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    Unavailable,
)
from his_adapter.json_kiosk.client import MAX_REPLY_BYTES
from his_adapter.json_kiosk.config import read_settings
from his_adapter.json_kiosk.contract import Call, Extension
from his_adapter.json_kiosk.gateway import JsonKioskGateway, open_gateway
from his_adapter.models import (
    BirthDate,
    CheckIn,
    CoverageOutcome,
    CoverageQuery,
    Feature,
    Gender,
    HealthState,
    Identifier,
    IdentifierKind,
    MatchGrade,
    PatientDraft,
    PatientQuery,
    Ref,
    Visit,
    WriteKey,
)
from his_adapter.partial import overridden_features
from tests.contract.test_his_gateway import by_number, draft
from tests.contract.test_json_kiosk import make_settings
from tests.unit.his_adapter.json_kiosk.conftest import NOW, HostileServer, Vendor

BARE: dict[str, Any] = {"extensions": [], "documents": {"id12": "CCCD"}}
KEY = WriteKey("the-key-of-a-test")
SECRETS = ("099190000001", "Nguyễn Thị Đặng Ỷ", "Nguyen")


# --- a vendor with the published calls only ---------------------------------------------------


def test_only_what_works_is_declared(published: Vendor) -> None:
    his = published.open(**BARE)
    features = his.capabilities().features
    assert Feature.CHECK_IN in features
    assert not features & {Feature.FIND_BY_KEY, Feature.CREATE_PATIENT, Feature.CANCEL_VISIT}
    for feature in overridden_features(JsonKioskGateway) - features:
        with pytest.raises(NotSupported):
            call_undeclared(his, feature)


def call_undeclared(his: JsonKioskGateway, feature: Feature) -> None:
    arguments: dict[Feature, tuple[tuple[Any, ...], dict[str, Any]]] = {
        Feature.CREATE_PATIENT: ((draft(),), {"key": KEY}),
        Feature.UPDATE_PATIENT: ((Ref("P1"), None), {"version": "1", "key": KEY}),
        Feature.BOOK_APPOINTMENT: ((Ref("a"), Ref("b"), Ref("c")), {"key": KEY}),
        Feature.CHANGE_APPOINTMENT: ((Ref("a"), None), {"version": "1", "key": KEY}),
        Feature.FIND_APPOINTMENTS: ((Ref("a"), NOW, NOW), {}),
        Feature.CANCEL_VISIT: ((Ref("a"),), {"reason": "", "key": KEY}),
        Feature.LIST_VISITS: ((Ref("a"), NOW.date()), {}),
        Feature.LIST_ORDERS: ((Ref("a"), NOW), {}),
        Feature.LIST_REPORTS: ((Ref("a"), NOW), {}),
        Feature.READ_ACCOUNT: ((Ref("a"),), {}),
        Feature.POST_PAYMENT: ((None,), {"key": KEY}),
        Feature.FIND_BY_KEY: ((KEY,), {}),
    }
    positional, named = arguments[feature]
    getattr(his, feature.value)(*positional, **named)


def test_somebody_new_is_registered_with_the_visit(published: Vendor) -> None:
    his, person = published.open(**BARE), draft(1, address="Phường Mẫu, Tỉnh Giả Định")
    assert his.find_patients(by_number(1)).items == ()
    visit = his.check_in(
        CheckIn(patient=Ref(""), person=person, service=Ref("surgery"), number="A007"), key=KEY
    )
    assert (visit.service, visit.ticket.number > 0, bool(visit.record_code)) == (
        "surgery", True, True,
    )  # fmt: skip
    (match,) = his.find_patients(by_number(1)).items
    assert (match.ref, match.grade) == (visit.patient, MatchGrade.CERTAIN)
    known = his.read_patient(match.ref)
    assert (known.full_name, known.address) == (person.full_name, person.address)
    stored = published.hospital.read_patient(visit.patient)
    assert (stored.full_name, stored.gender) == (person.full_name, person.gender)


def test_rooms_and_hours_come_from_the_settings(published: Vendor) -> None:
    rooms = [{"code": "P1", "name_vi": "Phòng 1", "floor": "2", "services": ["NGO"]}]
    his = published.open(**BARE, rooms=rooms, hourly_services=["NGO"])
    services = {each.code: each for each in his.list_services(limit=1000).items}
    known = {room.ref for room in his.list_rooms(limit=1000).items}
    assert all(set(service.rooms) <= known and service.rooms for service in services.values())
    assert {each.weekday for each in his.list_sessions(limit=1000).items} == {0, 1, 2, 3, 4}
    assert his.list_practitioners().items == ()
    assert {service.department for service in services.values()} <= {
        department.ref for department in his.list_departments(limit=1000).items
    }


def test_without_keys_a_lost_answer_is_left_to_staff(published: Vendor) -> None:
    his = published.open(**BARE)
    his.list_services()
    published.emulator.switches.lose_replies = 1
    with pytest.raises(OutcomeUnknown):
        his.check_in(CheckIn(patient=Ref(""), person=draft(2), service=Ref("surgery")), key=KEY)
    with pytest.raises(NotSupported):
        his.find_by_key(KEY)


def test_with_keys_a_lost_answer_is_settled(full: Vendor) -> None:
    his = full.open()
    patient = his.create_patient(draft(3), key=WriteKey("somebody-new"))
    request = CheckIn(patient=patient.ref, person=patient, service=Ref("surgery"))
    his.list_services()
    full.emulator.switches.lose_replies = 1
    with pytest.raises(OutcomeUnknown):
        his.check_in(request, key=KEY)
    found = his.find_by_key(KEY)
    assert isinstance(found, Visit)
    assert his.check_in(request, key=KEY) == found


def test_a_vendor_that_forgets_keys_makes_two(full: Vendor) -> None:
    """What the certification finds: `keys` must not be in the settings of such a vendor."""
    his = full.open()
    full.emulator.switches.no_idempotency = True
    his.create_patient(draft(4, identifiers=()), key=KEY)
    his.create_patient(draft(4, identifiers=()), key=KEY)
    query = PatientQuery(full_name=draft(4).full_name, birth_date=draft(4).birth_date)
    assert len(his.find_patients(query).items) == 2
    assert his.find_by_key(KEY) is None


def test_the_number_of_the_search_is_in_the_answer(full: Vendor) -> None:
    his = full.open()
    mine = his.create_patient(draft(5), key=WriteKey("number-five"))
    other = his.create_patient(draft(6, name="Trần Văn Khác"), key=WriteKey("number-six"))
    full.emulator.switches.another_patient = other
    for action in (
        lambda: his.find_patients(by_number(5)),
        lambda: his.check_in(
            CheckIn(patient=mine.ref, person=draft(5), service=Ref("surgery")), key=KEY
        ),
    ):
        with pytest.raises(BrokenReply) as caught:
            action()
        assert not any(secret in str(caught.value) for secret in SECRETS)


# --- gender, names ------------------------------------------------------------------------------


def test_wrong_gender_codes_are_a_setting(full: Vendor) -> None:
    full.emulator.switches.wrong_gender_codes = True
    wrong, right = (
        full.open(),
        full.open(genders={"male": 1, "female": 0, "other": 3, "unknown": 3}),
    )
    stored = right.create_patient(draft(7), key=WriteKey("a-woman-is-made"))
    assert right.read_patient(stored.ref).gender is Gender.FEMALE
    assert wrong.read_patient(stored.ref).gender is Gender.UNKNOWN
    assert full.hospital.read_patient(stored.ref).gender is Gender.FEMALE


def test_swapped_names_are_not_taken_for_the_same_person(full: Vendor) -> None:
    his = full.open()
    stored = his.create_patient(draft(8), key=WriteKey("a-name-is-made"))
    full.emulator.switches.swapped_names = True
    query = PatientQuery(identifiers=by_number(8).identifiers, full_name=draft(8).full_name)
    (match,) = his.find_patients(query).items
    assert (match.ref, match.grade) == (stored.ref, MatchGrade.POSSIBLE)


# --- insurance ----------------------------------------------------------------------------------


def ask(his: JsonKioskGateway, serial: int = 0, timeout_s: float = 3) -> CoverageOutcome:
    query = CoverageQuery(
        identifiers=by_number(serial).identifiers,
        full_name="Nguyễn Thị Đặng Ỷ",
        birth_date=BirthDate.from_iso("1990-02-28"),
        gender=Gender.FEMALE,
    )
    return his.check_coverage(query, on=NOW.date(), timeout_s=timeout_s).outcome


def test_an_insurer_that_knows_nobody(full: Vendor) -> None:
    assert ask(full.open()) is CoverageOutcome.NONE


def test_a_silent_insurer_is_unavailable_in_time(full: Vendor) -> None:
    his = full.open()
    full.emulator.switches.slow_s = 0.6
    with pytest.raises(Unavailable):
        ask(his, timeout_s=0.2)


@pytest.mark.parametrize(
    ("data", "outcome"),
    [
        ({"MA_KQ": "000", "GT_THE_DEN": "2026-12-31"}, CoverageOutcome.OK),
        ({"MA_KQ": "000", "GT_THE_DEN": "2025-12-31"}, CoverageOutcome.NONE),
        ({"MA_KQ": "KQ001", "TIEP_NHAN_BHYT": 1}, CoverageOutcome.OK),
        ({"MA_KQ": "KQ001", "TIEP_NHAN_BHYT": 0}, CoverageOutcome.NONE),
        ({"MA_KQ": "KQ001"}, CoverageOutcome.LATER),
        ({"MA_KQ": "060", "HO_TEN": "Trần Văn Khác"}, CoverageOutcome.MISMATCH),
        ({"TIEP_NHAN_BHYT": "1", "GIOI_TINH": 0, "NGAY_SINH": "1990"}, CoverageOutcome.OK),
    ],
)
def test_what_the_insurance_says(
    hostile: HostileServer, tmp_path: Path, data: dict[str, Any], outcome: CoverageOutcome
) -> None:
    hostile.content = json.dumps({"code": "000", "message": "", "data": data}).encode()
    assert ask(open_gateway(make_settings(hostile.url, tmp_path))) is outcome


@pytest.mark.parametrize(
    "data",
    [
        {"MA_KQ": "000", "HO_TEN": "Trần Văn Khác"},
        {"MA_KQ": "000", "NGAY_SINH": "1991-02-28"},
        {"MA_KQ": "000", "GT_THE_DEN": "soon"},
        [],
        None,
    ],
)
def test_insurance_of_somebody_else_is_no_insurance(
    hostile: HostileServer, tmp_path: Path, data: Any
) -> None:
    hostile.content = json.dumps({"code": "000", "message": "", "data": data}).encode()
    with pytest.raises(BrokenReply):
        ask(open_gateway(make_settings(hostile.url, tmp_path)))


# --- signatures ---------------------------------------------------------------------------------


def test_a_refused_time_is_tried_once_more(full: Vendor) -> None:
    his = full.open()
    full.emulator.switches.expired = 1
    patient = his.create_patient(draft(9), key=KEY)
    assert his.find_by_key(KEY) == patient
    assert full.emulator.calls.count(Call.CREATE_PATIENT) == 2


def test_a_refused_signature_is_said(full: Vendor) -> None:
    his = full.open()
    full.emulator.switches.wrong_signature = True
    with pytest.raises(LoginFailed):
        his.list_departments()
    assert his.health().cause == "login"
    assert full.emulator.calls.count(Call.DEPARTMENTS) == 2


def test_another_secret_and_another_clock_are_refused(full: Vendor, tmp_path: Path) -> None:
    settings = make_settings(full.emulator.base_url, tmp_path)
    late = JsonKioskGateway(read_settings(settings), clock=lambda: NOW + timedelta(minutes=6))
    (tmp_path / "secret").write_bytes(b"another secret")
    other = JsonKioskGateway(read_settings(settings), clock=lambda: NOW)
    for his in (late, other):
        with pytest.raises(LoginFailed):
            his.list_departments()
        his.close()


# --- bad answers --------------------------------------------------------------------------------

BAD: dict[str, dict[str, Any]] = {
    "html": {"content": b"<html>login</html>", "content_type": "text/html"},
    "html called json": {"content": b"<html>login</html>"},
    "truncated": {"content": b'{"code": "000", "data": [{"ID_'},
    "cut off": {"content": b'{"code": "000", "data": []}', "cut_after": 9},
    "huge": {"content": b"[" + b"1," * (MAX_REPLY_BYTES // 2 + 10) + b"1]"},
    "wrong type": {"content": b"\x89PNG", "content_type": "image/png"},
    "garbage": {"content": bytes(range(256))},
    "deep": {"content": b"[" * 200_000},
    "a list": {"content": b"[]"},
    "no code": {"content": b'{"data": {}}'},
    "empty": {"content": b""},
    "data is a word": {"content": b'{"code": "000", "data": "yes"}'},
    "bad gateway": {"content": b"bad gateway", "status": 502, "content_type": "text/plain"},
    "moved": {"content": b"", "status": 302},
    "failed": {"content": b'{"code": "999", "message": "Loi"}'},
}


def play(server: HostileServer, case: dict[str, Any]) -> None:
    for name, value in case.items():
        setattr(server, name, value)


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_bad_answers_to_a_read(
    hostile: HostileServer, tmp_path: Path, case: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    play(hostile, case)
    his = open_gateway(make_settings(hostile.url, tmp_path))
    with caplog.at_level(logging.DEBUG, logger="his_adapter"):
        for read in (
            lambda: his.find_patients(by_number(1)),
            lambda: his.list_departments(),
            lambda: his.find_by_key(KEY),
            lambda: ask(his),  # type: ignore[arg-type]  # open_gateway gives the port
        ):
            with pytest.raises((BrokenReply, Unavailable)) as caught:
                read()
            assert not any(secret in str(caught.value) for secret in SECRETS)
    assert not any(secret in caplog.text for secret in SECRETS)
    his.close()


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_bad_answers_to_a_write(
    hostile: HostileServer, tmp_path: Path, case: dict[str, Any]
) -> None:
    """Nobody knows what was done: never tried again unasked."""
    play(hostile, case)
    his = open_gateway(make_settings(hostile.url, tmp_path))
    expected = {"failed": InvalidData, "data is a word": BrokenReply}
    name = next(name for name, each in BAD.items() if each is case)
    with pytest.raises(expected.get(name, OutcomeUnknown)):
        his.create_patient(draft(1), key=KEY)
    assert len(hostile.requests) == 1
    his.close()


def test_a_his_that_drips_does_not_hold_us_up(hostile: HostileServer, tmp_path: Path) -> None:
    hostile.content, hostile.drip_s = b'{"code": "000", "data": []}' * 20, 0.05
    settings = make_settings(hostile.url, tmp_path, read_timeout_s=0.4, write_timeout_s=0.4)
    his = open_gateway(settings)
    for action, error in (
        (lambda: his.list_departments(), Unavailable),
        (lambda: his.create_patient(draft(1), key=KEY), OutcomeUnknown),
    ):
        started = time.monotonic()
        with pytest.raises(error):
            action()
        assert time.monotonic() - started < 2


def test_packed_answers_are_not_unpacked(hostile: HostileServer, tmp_path: Path) -> None:
    hostile.content = gzip.compress(b'{"code": "000", "data": []}')
    hostile.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(BrokenReply):
        open_gateway(make_settings(hostile.url, tmp_path)).list_departments()


def test_a_read_on_a_closed_connection_is_made_again_a_write_is_not(full: Vendor) -> None:
    his = full.open()
    his.list_services()
    full.emulator.switches.lose_replies = 1
    assert his.list_departments().items == his.list_departments().items
    full.emulator.switches.lose_replies = 1
    with pytest.raises(OutcomeUnknown):
        his.create_patient(draft(11), key=KEY)
    assert full.emulator.calls.count(Call.CREATE_PATIENT) == 1


def test_nothing_there_is_unavailable_even_for_a_write(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    his = open_gateway(make_settings(f"http://127.0.0.1:{port}", tmp_path))
    for action in (lambda: his.create_patient(draft(1), key=KEY), lambda: his.list_departments()):
        with pytest.raises(Unavailable):
            action()
    assert his.health().state is HealthState.DOWN


def test_gone_and_back_is_logged_once_each(full: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    his = full.open(read_timeout_s=0.15)
    with caplog.at_level(logging.INFO, logger="his_adapter.json_kiosk"):
        full.emulator.switches.slow_s = 0.4
        for _ in range(3):
            with pytest.raises(Unavailable):
                his.list_departments()
        full.emulator.switches.slow_s = 0.0
        his.list_departments()
        his.list_departments()
    told = [record.getMessage() for record in caplog.records]
    assert told == ["his_lost", "his_returned"]


def test_a_page_with_status_200_and_then_the_truth(full: Vendor) -> None:
    his = full.open()
    full.emulator.switches.html = 1
    with pytest.raises(BrokenReply):
        his.list_departments()
    assert his.list_departments().items


@pytest.fixture
def untrusted_tls(tmp_path: Path) -> Iterator[str]:
    """A server whose certificate nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(raw, server_side=True).close()
            except OSError:
                raw.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_a_certificate_that_is_not_trusted_is_fatal(untrusted_tls: str, tmp_path: Path) -> None:
    his = open_gateway(make_settings(untrusted_tls, tmp_path))
    with pytest.raises(GatewayMisconfigured) as caught:
        his.create_patient(draft(1), key=KEY)
    assert not caught.value.retryable
    assert his.health().cause == "misconfigured"


# --- hostile texts ------------------------------------------------------------------------------


def test_texts_arrive_composed_whatever_they_are(full: Vendor) -> None:
    his = full.open()
    person = PatientDraft(
        full_name="Nguye\u0302\u0303n Va\u0306n An",
        address="Tổ 1 &^~\\| \"'<>, Ba Vi\u0300",
        identifiers=(Identifier(kind=IdentifierKind.ID12, value="099190000010"),),
    )
    stored = his.create_patient(person, key=KEY)
    known = full.hospital.read_patient(stored.ref)
    assert (known.full_name, known.address) == ("Nguyễn Văn An", "Tổ 1 &^~\\| \"'<>, Ba Vì")


def test_nobody_is_found_by_something_that_is_no_number(full: Vendor) -> None:
    his = full.open()
    for value in ("1&LOAI_GTTT=X", "../../x", "\ud800", "١٢٣", "0" * 10_000):
        query = PatientQuery(identifiers=(Identifier(kind=IdentifierKind.ID12, value=value),))
        assert his.find_patients(query).items == ()
    assert full.emulator.calls == []


def test_pages_are_read_to_the_end(hostile: HostileServer, tmp_path: Path) -> None:
    item = {"ID_KHOA": "1", "MA_KHOA": "A", "TEN_KHOA": "Khoa A"}
    envelope = {"code": "000", "page": 1, "pageSize": 1, "count": 3, "data": [item]}
    hostile.content = json.dumps(envelope).encode()
    his = open_gateway(make_settings(hostile.url, tmp_path, max_pages=2))
    with pytest.raises(BrokenReply):
        his.list_rooms()
    assert len(hostile.requests) == 1
    with pytest.raises(BrokenReply):  # a department is no room, which shows after the last page
        open_gateway(make_settings(hostile.url, tmp_path)).list_rooms()
    assert len(hostile.requests) == 1 + 3


def test_not_found_is_a_code_not_a_status(hostile: HostileServer, tmp_path: Path) -> None:
    hostile.content, hostile.status = b'{"code": 404, "message": "", "data": null}', 500
    his = open_gateway(make_settings(hostile.url, tmp_path))
    assert his.find_patients(by_number(1)).items == ()
    with pytest.raises(NotFound):
        his.read_patient(Ref("P1"))


def test_extensions_are_named(published: Vendor) -> None:
    assert published.open(**BARE).capabilities().his_version == "C06 1.0.6"
    changed = published.open(extensions=[Extension.KEYS.value])
    assert changed.capabilities().his_version == "C06 1.0.6 +keys"
