from __future__ import annotations

import base64
import time
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from backend.domain.ids import new_token
from backend.events import Event
from backend.services import identify_patient
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.number_tables import Number
from backend.storage.visit_tables import NoticeAcceptance, Scan
from his_adapter.models import BirthDate, CoverageOutcome, Identifier, IdentifierKind
from tests.conftest import SettableClock
from tests.factories.his import ScriptedHis
from tests.factories.hospital import Hospital
from tests.factories.identity_payloads import bhyt, can_cuoc2024, cccd2021
from tests.unit.backend.web.conftest import NOTICE, ApiCaller

CARD = cccd2021()


def start_visit(kiosk: ApiCaller, hospital: Hospital, scan_id: str, **more: Any) -> dict[str, Any]:
    body = {"scan_id": scan_id, "service_id": hospital.services["NOI"]} | more
    reply = kiosk.post("/visits", body)
    assert reply.status_code in {200, 201}, reply.json
    return reply.json  # type: ignore[no-any-return]


def test_a_card_says_who_it_is_and_what_to_ask(kiosk: ApiCaller, his: ScriptedHis) -> None:
    his.add_patient()
    reply = kiosk.scan(CARD)
    assert reply.status_code == 200
    scan = reply.json
    assert scan["kind"] == "cccd2021"
    assert scan["outcome"] == "identified"
    assert scan["person"] == {
        "full_name": "Nguyễn Văn Thử",
        "masked_name": "N.V. THỬ",
        "birth_date": "1985-09-05",
        "gender": "male",
        "masked_number": "•••••••••000",
        "verified": True,
    }
    assert scan["coverage"]["outcome"] == "ok"
    assert scan["coverage"]["provisional"] is False
    assert scan["ask"] == ["confirm", "coverage", "visit_kind", "service", "priority", "summary"]


def test_the_payload_and_the_person_are_not_stored_in_clear(
    kiosk: ApiCaller, database: Database
) -> None:
    kiosk.scan(CARD)
    with database.read() as connection:
        sealed = connection.execute(select(Scan.sealed)).scalar_one()
    assert b"079085000000" not in sealed
    assert "Thử".encode() not in sealed


def test_the_notice_comes_first_and_is_recorded(kiosk: ApiCaller, database: Database) -> None:
    bare = kiosk.scan(CARD, notice=None)
    assert bare.status_code == 200
    assert (bare.json["outcome"], bare.json["message_key"]) == ("ask_notice", "notice.required")
    assert (bare.json["person"], bare.json["coverage"], bare.json["visits"]) == (None, None, [])
    assert "Thử" not in bare.text
    old = kiosk.scan(CARD, notice=NOTICE | {"version": "1999-01"})
    assert old.json["code"] == "notice_required"
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-23T08:00"):
        assert kiosk.scan(CARD, notice=NOTICE | {"accepted_at": moment}).status_code == 422
    kiosk.scan(CARD)
    with database.read() as connection:
        accepted = connection.execute(
            select(NoticeAcceptance.version, NoticeAcceptance.language)
        ).all()
    assert accepted == [(NOTICE["version"], "vi")]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "E_EMPTY"),
        (b"https://example.invalid/x", "E_QR_IS_URL"),
        (CARD[:40], "E_FIELD_COUNT"),
        (CARD + b"x" * 5000, "E_TOO_LONG"),
        (CARD + b"x" * 40_000, "E_TOO_LONG"),
        (b"\xff\xfe\x00", "E_CHARSET_GARBLED"),
    ],
)
def test_a_payload_that_cannot_be_used_has_its_code(
    kiosk: ApiCaller, payload: bytes, code: str
) -> None:
    reply = kiosk.scan(payload)
    assert reply.status_code == 422
    assert reply.content_type == "application/problem+json"
    assert reply.json["code"] == code
    assert reply.json["message_key"] == f"scan.{code.lower()}"


def test_base64_may_be_in_lines(kiosk: ApiCaller) -> None:
    """As base64.encodebytes and the base64 command write it."""
    body = {"payload_base64": base64.encodebytes(CARD).decode(), "notice": NOTICE}
    assert "\n" in body["payload_base64"]
    assert kiosk.post("/scans", body).json["outcome"] == "identified"


def test_broken_base64_is_an_invalid_request(kiosk: ApiCaller) -> None:
    reply = kiosk.post("/scans", {"payload_base64": "%%%", "source": "camera", "notice": NOTICE})
    assert (reply.status_code, reply.json["code"]) == (422, "validation_failed")


def test_a_silent_insurer_gives_a_provisional_ticket_in_time(
    kiosk: ApiCaller, hospital: Hospital, his: ScriptedHis
) -> None:
    his.silence()
    started = time.monotonic()
    scan = kiosk.scan(CARD).json
    assert time.monotonic() - started < 10  # of 20 s; the wait is 0.4 s here
    assert scan["coverage"]["outcome"] == "later"
    assert scan["coverage"]["provisional"] is True
    visit = start_visit(kiosk, hospital, scan["scan_id"])
    assert visit["provisional"] is True
    assert any("kiểm tra thẻ" in note for note in visit["ticket"]["notes"])


def test_an_answer_that_comes_late_still_counts(
    kiosk: ApiCaller, hospital: Hospital, his: ScriptedHis, resources: Resources
) -> None:
    his.silence()
    scan = kiosk.scan(CARD).json
    his.speak()
    resources.insurer_party._pool.shutdown(wait=True)
    visit = start_visit(kiosk, hospital, scan["scan_id"])
    assert visit["provisional"] is False


def test_an_answer_later_than_the_server_leaves_no_connection(
    kiosk: ApiCaller, his: ScriptedHis, resources: Resources, caplog: pytest.LogCaptureFixture
) -> None:
    engine, open_connections = resources.database.engine, [0]
    event.listen(engine, "connect", lambda *_: open_connections.append(1))
    event.listen(engine, "close", lambda *_: open_connections.append(-1))
    before = engine.pool.checkedin()  # type: ignore[attr-defined]  # of every pool that keeps some
    his.silence()
    kiosk.scan(CARD)
    resources.database.close()
    his.speak()
    resources.insurer_party.close()
    assert before + sum(open_connections) == 0
    logged = [record.getMessage() for record in caplog.records]
    assert logged.count(Event.LATE_COVERAGE_LOST) == 1


def test_an_insurer_that_fails_again_and_again_is_not_waited_for(
    kiosk: ApiCaller, his: ScriptedHis
) -> None:
    his.coverage_fails = True
    for _ in range(5):
        assert kiosk.scan(CARD).json["coverage"]["outcome"] == "later"
    assert his.coverage_questions == 3


def test_a_his_that_is_down_leaves_the_card_to_stand_alone(
    kiosk: ApiCaller, hospital: Hospital, his: ScriptedHis
) -> None:
    his.add_patient()
    his.down = True
    scan = kiosk.scan(CARD).json
    assert scan["outcome"] == "identified"
    assert scan["person"]["full_name"] == "Nguyễn Văn Thử"
    visit = start_visit(kiosk, hospital, scan["scan_id"])
    assert any("đồng bộ" in note for note in visit["ticket"]["notes"])
    assert kiosk.get("/services").status_code == 200


def test_a_record_of_somebody_else_under_the_same_number_goes_to_staff(
    kiosk: ApiCaller, his: ScriptedHis
) -> None:
    his.add_patient(full_name="Trần Thị Mẫu", birth_date=BirthDate(year=1960))
    scan = kiosk.scan(CARD).json
    assert scan["outcome"] == "see_staff"
    assert scan["person"] is None


def test_two_records_with_one_number_go_to_staff(kiosk: ApiCaller, his: ScriptedHis) -> None:
    his.add_patient("BN-1")
    his.add_patient("BN-2")
    assert kiosk.scan(CARD).json["outcome"] == "see_staff"


def test_insured_elsewhere_asks_for_papers(kiosk: ApiCaller, his: ScriptedHis) -> None:
    his.registered_here = False
    assert "papers" in kiosk.scan(CARD).json["ask"]


def test_papers_are_asked_for_while_the_insurer_is_silent(
    kiosk: ApiCaller, his: ScriptedHis
) -> None:
    his.outcome = CoverageOutcome.LATER
    his.registered_here = None
    assert "papers" in kiosk.scan(CARD).json["ask"]


def test_a_wrong_card_of_ours_looks_like_later_to_the_patient(
    kiosk: ApiCaller, his: ScriptedHis
) -> None:
    his.outcome = CoverageOutcome.CONFIG_ERROR
    assert kiosk.scan(CARD).json["coverage"]["outcome"] == "later"


# --- booked ---------------------------------------------------------------------------------------


def test_booked_and_on_time_skips_what_the_booking_answers(
    kiosk: ApiCaller, his: ScriptedHis, clock: SettableClock
) -> None:
    patient = his.add_patient()
    his.add_appointment(patient, clock.now + timedelta(minutes=10), service="DV-NOI")
    scan = kiosk.scan(can_cuoc2024(id_number="079085000000", full_name="Nguyễn Văn Thử")).json
    assert [each["state"] for each in scan["appointments"]] == ["on_time"]
    assert scan["appointments"][0]["can_arrive"] is True
    assert scan["ask"] == ["confirm", "coverage", "appointment", "priority", "summary"]


@pytest.mark.parametrize(
    ("minutes", "service", "state", "can_arrive"),
    [
        (31, "DV-NOI", "early", False),
        (-16, "DV-NOI", "late", True),
        (24 * 60, "DV-NOI", "wrong_day", False),
        (5, None, "other_facility", False),
    ],
)
def test_a_booking_at_another_time_or_place_says_so(
    kiosk: ApiCaller,
    his: ScriptedHis,
    clock: SettableClock,
    minutes: int,
    service: str | None,
    state: str,
    can_arrive: bool,
) -> None:
    patient = his.add_patient()
    his.add_appointment(patient, clock.now + timedelta(minutes=minutes), service=service)
    scan = kiosk.scan(CARD).json
    (appointment,) = scan["appointments"]
    assert appointment["service_id"]
    assert (appointment["state"], appointment["can_arrive"]) == (state, can_arrive)
    assert ("visit_kind" in scan["ask"]) is not can_arrive


# --- priority -------------------------------------------------------------------------------------


def test_eighty_and_over_is_known_from_the_card(kiosk: ApiCaller) -> None:
    scan = kiosk.scan(cccd2021(id_number="079046000000", birth_date="05091946")).json
    assert scan["priority"] == {"group": "from_80", "ask": False}
    assert "priority" not in scan["ask"]


def test_a_year_that_may_be_either_side_asks_staff(kiosk: ApiCaller) -> None:
    scan = kiosk.scan(cccd2021(id_number="079051000000", birth_date="1951")).json
    assert scan["priority"]["group"] is None
    assert scan["message_key"] == "priority.ask_staff"


# --- typed numbers --------------------------------------------------------------------------------


def test_a_typed_number_asks_for_the_birth_date_first(kiosk: ApiCaller, his: ScriptedHis) -> None:
    his.add_patient()
    known, unknown = kiosk.type_number("079085000000").json, kiosk.type_number("001085000000").json
    for reply in (known, unknown):
        assert reply["outcome"] == "ask_birth_date"
        assert reply["person"] is None
    assert known.keys() == unknown.keys()


def test_number_and_birth_date_of_a_known_person_go_on_unverified(
    kiosk: ApiCaller, hospital: Hospital, his: ScriptedHis
) -> None:
    his.add_patient()
    scan = kiosk.type_number("079085000000", "1985-09-05").json
    assert scan["outcome"] == "identified"
    assert scan["person"]["verified"] is False
    visit = start_visit(kiosk, hospital, scan["scan_id"])
    assert visit["verified"] is False


def test_no_answer_tells_whether_a_person_exists(
    kiosk: ApiCaller, his: ScriptedHis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify_patient, "FAILED_LOOKUP_S", 0.2)
    his.add_patient()
    answers = []
    for number, birth_date in (
        ("079085000000", "1985-09-06"),
        ("079085000000", "1985"),
        ("001085000000", "1985-09-05"),
    ):
        started = time.monotonic()
        reply = kiosk.type_number(number, birth_date)
        assert time.monotonic() - started >= 0.2
        answers.append({k: v for k, v in reply.json.items() if k not in {"scan_id", "expires_at"}})
    his.down = True
    reply = kiosk.type_number("001085000001", "1985-09-05")
    answers.append({k: v for k, v in reply.json.items() if k not in {"scan_id", "expires_at"}})
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["outcome"] == "see_staff"


def test_a_patient_number_from_a_slip_asks_for_the_birth_date_too(
    kiosk: ApiCaller, his: ScriptedHis
) -> None:
    his.add_patient()
    assert kiosk.scan(b"BN000001").json["outcome"] == "ask_birth_date"
    assert kiosk.scan(b"BN000001", birth_date="1985-09-05").json["outcome"] == "identified"


def test_a_lossy_read_keeps_the_number_only(kiosk: ApiCaller, his: ScriptedHis) -> None:
    his.add_patient()
    garbled = b"079085000000||Nguy?n V?n Th?|05091985|Nam||12082021"
    assert kiosk.scan(garbled, source="hid", lossy=True).json["outcome"] == "ask_birth_date"


def test_guessing_is_stopped(
    kiosk: ApiCaller, his: ScriptedHis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identify_patient, "FAILED_LOOKUP_S", 0.0)
    his.add_patient()
    codes = [
        kiosk.type_number("079085000000", f"1985-09-{day:02d}").status_code for day in range(10, 17)
    ]
    assert codes == [200] * 5 + [429] * 2
    # Not even the right date helps now.
    assert kiosk.type_number("079085000000", "1985-09-05").status_code == 429


def test_a_hundred_scans_a_minute_are_too_many(kiosk: ApiCaller, client: Any) -> None:
    replies = [kiosk.scan(b"not a card") for _ in range(100)]
    codes = [reply.status_code for reply in replies]
    assert codes == [422] * 90 + [429] * 10
    assert 0 < int(replies[-1].headers["Retry-After"]) <= 60


# --- tickets --------------------------------------------------------------------------------------


def test_a_ticket_shows_its_visit(
    kiosk: ApiCaller, hospital: Hospital, clock: SettableClock
) -> None:
    visit = start_visit(kiosk, hospital, kiosk.scan(CARD).json["scan_id"])
    token = visit["ticket"]["qr"]
    scan = kiosk.scan(token.encode(), notice=None).json
    assert scan["outcome"] == "ticket"
    assert [each["id"] for each in scan["visits"]] == [visit["id"]]
    assert "cancel" in scan["visits"][0]["actions"]
    assert scan["person"] is None
    clock.advance(days=1)
    assert kiosk.scan(token.encode()).status_code == 404


def test_a_token_nobody_gave_out_is_unknown(kiosk: ApiCaller) -> None:
    assert kiosk.scan(new_token().encode()).json["code"] == "visit_not_found"


def test_the_same_card_again_shows_the_open_visit(kiosk: ApiCaller, hospital: Hospital) -> None:
    visit = start_visit(kiosk, hospital, kiosk.scan(CARD).json["scan_id"])
    scan = kiosk.scan(CARD).json
    assert [each["number"] for each in scan["visits"]] == [visit["number"]]
    assert scan["ask"][:2] == ["confirm", "existing"]
    again = start_visit(kiosk, hospital, scan["scan_id"])
    assert (again["number"], again["existing"]) == (visit["number"], True)


def test_a_scan_of_one_kiosk_is_nothing_at_another(
    kiosk: ApiCaller, hospital: Hospital, client: Any
) -> None:
    scan_id = kiosk.scan(CARD).json["scan_id"]
    other = ApiCaller(client, hospital.add_kiosk("K2")[1])
    body = {"scan_id": scan_id, "service_id": hospital.services["NOI"]}
    assert other.post("/visits", body).json["code"] == "scan_expired"
    assert other.get(f"/services?scan_id={scan_id}").json["code"] == "scan_expired"


def test_an_insurance_card_is_enough(kiosk: ApiCaller, his: ScriptedHis) -> None:
    his.add_patient(
        identifiers=(Identifier(kind=IdentifierKind.BHXH10, value="7900000000"),),
    )
    payload = bhyt(full_name="Nguyễn Văn Thử", valid_to=date(2027, 1, 1))
    scan = kiosk.scan(payload).json
    assert scan["kind"] == "bhyt"
    assert scan["outcome"] == "identified"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(payload=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_no_payload_breaks_the_server(kiosk: ApiCaller, payload: bytes) -> None:
    reply = kiosk.scan(payload)
    assert reply.status_code in {200, 422, 404, 429}
    text = reply.get_data(as_text=True)
    if reply.status_code != 200 and len(payload) > 8:
        assert payload.decode("utf-8", errors="ignore").strip() not in text or not payload.strip()


def test_two_kiosks_with_one_card_get_one_number(
    kiosk: ApiCaller, hospital: Hospital, client: Any, database: Database
) -> None:
    other = ApiCaller(client, hospital.add_kiosk("K2")[1])
    first = start_visit(kiosk, hospital, kiosk.scan(CARD).json["scan_id"])
    second = start_visit(other, hospital, other.scan(CARD).json["scan_id"])
    assert first["number"] == second["number"]
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Number)) == 1
