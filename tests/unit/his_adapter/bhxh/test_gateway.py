"""The client against the emulator: what a morning with the insurer's gateway is like."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from his_adapter.bhxh.client import CARD, COPAYMENT, HISTORY, TOKEN
from his_adapter.bhxh.emulated_people import PEOPLE, EmulatedPerson
from his_adapter.bhxh.emulator import EMPLOYEE_CCCD, WITHDRAWN, BhxhEmulator
from his_adapter.bhxh.mapping import read_birth_date
from his_adapter.errors import BrokenReply, HisError, LoginFailed, Unavailable
from his_adapter.events import HisEvent
from his_adapter.models import (
    CoverageOutcome,
    Exchange,
    Gender,
    HealthState,
    Identifier,
    IdentifierKind,
    StayElsewhere,
)
from tests.factories.bhxh import NOW, PASSWORD_MD5, TODAY, insurer, query

_O = CoverageOutcome
EXPECTED = {
    "000": _O.OK, "001": _O.OK_DESK_NOTE, "002": _O.OK_DESK_NOTE, "003": _O.USE_NEW, "004": _O.OK,
    "010": _O.NONE, "050": _O.NONE, "070": _O.MISMATCH, "100": _O.LATER, "101": _O.LATER,
    "110": _O.NONE, "120": _O.NONE, "121": _O.NONE, "122": _O.NONE, "123": _O.NONE,
    "124": _O.NONE, "130": _O.NONE,
}  # fmt: skip


@pytest.fixture
def emulator() -> Iterator[BhxhEmulator]:
    with BhxhEmulator(clock=lambda: NOW) as running:
        yield running


def ask_about(person: EmulatedPerson) -> Any:
    birth_date = read_birth_date(person.birth_date)
    assert birth_date is not None
    return query(person.cccd, person.full_name, birth_date.isoformat())


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.cccd)
def test_everybody_of_the_sheet_gets_their_outcome(
    emulator: BhxhEmulator, person: EmulatedPerson
) -> None:
    coverage = insurer(emulator).check_card(ask_about(person), on=TODAY, timeout_s=8)
    code = person.first_code or person.code
    assert (coverage.code, coverage.outcome) == (code, EXPECTED[code])


def test_a_valid_card_in_full(emulator: BhxhEmulator) -> None:
    coverage = insurer(emulator).check_card(query(), on=TODAY, timeout_s=8)
    assert coverage.card_number == "DN4990000000001"
    assert coverage.benefit_level == 4
    assert coverage.registered_here is True
    assert coverage.valid_to == date(2026, 12, 31)
    assert "DN499" not in repr(coverage)


@pytest.mark.parametrize(
    ("kind", "number"),
    [(IdentifierKind.BHYT15, "DN4990000000001"), (IdentifierKind.BHXH10, "0000000001")],
)
def test_asked_by_card_and_by_insurance_number(
    emulator: BhxhEmulator, kind: IdentifierKind, number: str
) -> None:
    coverage = insurer(emulator).check_card(query(number, kind=kind), on=TODAY, timeout_s=8)
    assert coverage.outcome is CoverageOutcome.OK


def test_a_token_serves_until_it_is_refused_and_is_then_taken_once(emulator: BhxhEmulator) -> None:
    ours = insurer(emulator)
    for person in PEOPLE[4:7]:
        ours.check_card(ask_about(person), on=TODAY, timeout_s=8)
    assert emulator.counts[TOKEN] == 1
    emulator.end_sessions()
    assert ours.check_card(query(), on=TODAY, timeout_s=8).outcome is CoverageOutcome.OK
    assert emulator.counts[TOKEN] == 2


@pytest.mark.parametrize("changes", [{"token_501": True}, {}])
def test_a_token_that_ends_in_mid_morning(emulator: BhxhEmulator, changes: dict[str, bool]) -> None:
    emulator.control(flip_to_401_after_n=1, **changes)
    ours = insurer(emulator)
    for person in (PEOPLE[5], PEOPLE[0]):
        assert ours.check_card(ask_about(person), on=TODAY, timeout_s=8).code == person.code
    assert emulator.counts[TOKEN] == 2


def test_refused_for_ever_is_two_questions_and_no_loop(emulator: BhxhEmulator) -> None:
    emulator.control(http_401_empty=True)
    coverage = insurer(emulator).check_card(query(), on=TODAY, timeout_s=8)
    assert coverage.outcome is CoverageOutcome.CONFIG_ERROR
    assert (emulator.counts[CARD], emulator.counts[TOKEN]) == (2, 2)


def test_a_wrong_password_is_not_tried_again_at_once(
    emulator: BhxhEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.control(refuse_login=True)
    ours = insurer(emulator)
    for _ in range(3):
        with pytest.raises(LoginFailed):
            ours.check_card(query(), on=TODAY, timeout_s=8)
    assert emulator.counts[TOKEN] == 1
    assert [r.msg for r in caplog.records if "emulator" not in r.msg] == [
        HisEvent.INSURER_REFUSES_US
    ]
    assert ours.health().state is HealthState.DEGRADED


def test_two_at_once_take_one_token(emulator: BhxhEmulator) -> None:
    emulator.control(delay_ms=100)
    ours = insurer(emulator)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda person: ours.check_card(ask_about(person), on=TODAY, timeout_s=8), PEOPLE[4:12]
        )
        assert len(list(answers)) == 8
    assert emulator.counts[TOKEN] == 1


@pytest.mark.parametrize("faults", [{"timeout": True}, {"delay_ms": 2_000}])
def test_silence_ends_at_the_limit(emulator: BhxhEmulator, faults: dict[str, Any]) -> None:
    ours = insurer(emulator)
    ours.health()
    emulator.control(**faults)
    seen: list[Exchange] = []
    started_at = time.monotonic()
    with pytest.raises(Unavailable):
        ours.check_card(query(), on=TODAY, timeout_s=0.4, witness=seen.append)
    assert time.monotonic() - started_at < 1.2
    assert [(e.failure, e.answered_at, e.http_status) for e in seen] == [("transient", None, None)]


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("http_500_html", Unavailable, 500),
        ("html_200", BrokenReply, 200),
        ("truncate_json", BrokenReply, 200),
        ("bad_utf8", BrokenReply, 200),
        ("huge_body", BrokenReply, None),
    ],
)
def test_a_broken_answer_is_an_error_and_evidence(
    emulator: BhxhEmulator, fault: str, error: type[HisError], status: int | None
) -> None:
    emulator.control(**{fault: True})
    seen: list[Exchange] = []
    with pytest.raises(error) as raised:
        insurer(emulator).check_card(query(), on=TODAY, timeout_s=8, witness=seen.append)
    assert raised.value.__cause__ is None
    assert "Nguyễn" not in str(raised.value)
    assert [e.http_status for e in seen] == [status]
    assert seen[0].failure == error.code


def test_an_answer_without_fields_is_looked_at_later(emulator: BhxhEmulator) -> None:
    emulator.control(null_fields=True)
    coverage = insurer(emulator).check_card(query(), on=TODAY, timeout_s=8)
    assert (coverage.outcome, coverage.code) == (CoverageOutcome.LATER, "000")


@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        (date(2026, 1, 1), CoverageOutcome.USE_NEW),
        (date(2026, 12, 31), CoverageOutcome.USE_NEW),
        (date(2025, 12, 31), CoverageOutcome.NONE),
        (date(2027, 1, 1), CoverageOutcome.NONE),
    ],
)
def test_the_new_card_only_in_its_days(
    emulator: BhxhEmulator, day: date, outcome: CoverageOutcome
) -> None:
    coverage = insurer(emulator).check_card(ask_about(PEOPLE[1]), on=day, timeout_s=8)
    assert (coverage.outcome, coverage.code) == (outcome, "003")
    assert coverage.card_number == (
        "DN4990000000002" if outcome is CoverageOutcome.USE_NEW else None
    )


@pytest.mark.parametrize(
    ("employee", "code"),
    [
        ({"full_name": "Trần Thị Ví Dụ", "cccd": "099185000001"}, "054"),
        ({"full_name": "Trần Văn Ví Dụ", "cccd": EMPLOYEE_CCCD}, "055"),
    ],
)
def test_an_employee_who_is_not_registered_calls_for_a_technician(
    emulator: BhxhEmulator,
    employee: dict[str, str],
    code: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ours = insurer(emulator, employee=employee)
    for _ in range(2):
        coverage = ours.check_card(query(), on=TODAY, timeout_s=8)
        assert (coverage.outcome, coverage.code) == (CoverageOutcome.CONFIG_ERROR, code)
    alarms = [r for r in caplog.records if r.msg == HisEvent.INSURER_REFUSES_US]
    assert [(r.levelname, r.code) for r in alarms] == [("ERROR", code)]  # type: ignore[attr-defined]
    assert ours.health().cause == code


def test_a_kiosk_with_an_employee_of_its_own(emulator: BhxhEmulator) -> None:
    nobody = {"full_name": "Không Đăng Ký", "cccd": "099185000001"}
    ours = insurer(emulator, employees={"kiosk-7": nobody})
    assert ours.check_card(query(), on=TODAY, timeout_s=8, asked_by="kiosk-7").code == "054"
    assert ours.check_card(query(), on=TODAY, timeout_s=8, asked_by="kiosk-1").code == "000"


def test_withdrawn_paths_are_never_called(emulator: BhxhEmulator) -> None:
    ours = insurer(emulator, look_elsewhere=True)
    for person in PEOPLE:
        ours.check_card(ask_about(person), on=TODAY, timeout_s=8)
    ours.copayment(query(), on=TODAY, timeout_s=8)
    assert not WITHDRAWN & emulator.counts.keys()


def test_no_secret_and_no_person_in_any_log(
    emulator: BhxhEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ours = insurer(emulator, look_elsewhere=True)
    ours.check_card(query(), on=TODAY, timeout_s=8)
    emulator.control(http_500_html=True)
    with pytest.raises(Unavailable) as raised:
        ours.check_card(ask_about(PEOPLE[4]), on=TODAY, timeout_s=8)
    lines = "\n".join(str(vars(record)) for record in caplog.records) + repr(raised.value)
    secrets = [PASSWORD_MD5, PASSWORD_MD5.lower(), "id_token=", "099090000001", "Mẫu", "Thí",
               EMPLOYEE_CCCD, "99001_BV", *emulator._sessions]  # fmt: skip
    assert [secret for secret in secrets if secret in lines] == []
    assert PASSWORD_MD5 not in repr(vars(ours)) + repr(ours._client._account)


def test_an_unknown_number_is_tried_with_the_next(emulator: BhxhEmulator) -> None:
    card = Identifier(kind=IdentifierKind.BHYT15, value="DN4990000000001")
    coverage = insurer(emulator).check_card(
        query("099090999999", more=(card,)), on=TODAY, timeout_s=8
    )
    assert coverage.outcome is CoverageOutcome.OK
    assert emulator.counts[CARD] == 2


def test_another_sex_goes_to_the_desk(emulator: BhxhEmulator) -> None:
    coverage = insurer(emulator).check_card(query(gender=Gender.FEMALE), on=TODAY, timeout_s=8)
    assert (coverage.outcome, coverage.code) == (CoverageOutcome.MISMATCH, "000")
    assert coverage.card_number is None


def test_a_good_answer_is_kept_for_the_day_only(emulator: BhxhEmulator) -> None:
    ours = insurer(emulator)
    for _ in range(3):
        ours.check_card(query(), on=TODAY, timeout_s=8)
    assert emulator.counts[CARD] == 1
    ours.check_card(query(), on=date(2026, 11, 24), timeout_s=8)
    assert emulator.counts[CARD] == 2


def test_a_bad_answer_is_asked_again(emulator: BhxhEmulator) -> None:
    ours = insurer(emulator)
    flaky = next(person for person in PEOPLE if person.first_code)
    codes = [ours.check_card(ask_about(flaky), on=TODAY, timeout_s=8).code for _ in range(2)]
    assert codes == ["100", "000"]


@pytest.mark.parametrize(
    ("cccd", "stays"),
    [
        ("099091000020", StayElsewhere.NOT_LEFT),
        ("099092000021", StayElsewhere.TODAY),
        ("099090000001", None),
    ],
)
def test_a_stay_elsewhere_is_a_note_for_the_desk(
    emulator: BhxhEmulator, cccd: str, stays: StayElsewhere | None
) -> None:
    person = next(each for each in PEOPLE if each.cccd == cccd)
    coverage = insurer(emulator, look_elsewhere=True).check_card(
        ask_about(person), on=TODAY, timeout_s=8
    )
    expected = CoverageOutcome.OK_DESK_NOTE if stays else CoverageOutcome.OK
    assert (coverage.stays, coverage.outcome) == (stays, expected)


def test_history_is_places_and_times(emulator: BhxhEmulator) -> None:
    ours = insurer(emulator)
    (stay,) = ours.history(query(), timeout_s=8)
    assert stay.facility_code == "99002"
    assert "huyết áp" not in repr(stay)
    assert ours.history(ask_about(PEOPLE[4]), timeout_s=8) == ()
    assert emulator.counts[HISTORY] == 2


@pytest.mark.parametrize(
    ("cccd", "paid", "exceeds"),
    [
        ("099093000022", 15_180_000, False),
        ("099094000023", 15_180_001, True),
        ("099090000001", 0, False),
    ],
)
def test_copayment_is_the_highest_total(
    emulator: BhxhEmulator, cccd: str, paid: int, exceeds: bool
) -> None:
    person = next(each for each in PEOPLE if each.cccd == cccd)
    copayment = insurer(emulator).copayment(ask_about(person), on=TODAY, timeout_s=8)
    assert (copayment.paid_vnd, copayment.exceeds_limit) == (paid, exceeds)
    assert emulator.counts[COPAYMENT] == 1


def test_lost_and_returned_are_said_once(
    emulator: BhxhEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ours = insurer(emulator)
    emulator.control(http_500_html=True)
    for _ in range(3):
        with pytest.raises(Unavailable):
            ours.check_card(query(), on=TODAY, timeout_s=8)
    emulator.control(http_500_html=False)
    ours.check_card(query(), on=TODAY, timeout_s=8)
    said = [r.msg for r in caplog.records if r.msg.startswith("insurer_")]
    assert said == [HisEvent.INSURER_LOST, HisEvent.INSURER_RETURNED]


def test_nobody_there() -> None:
    with BhxhEmulator() as gone:
        ours = insurer(gone)
    with pytest.raises(Unavailable):
        ours.check_card(query(), on=TODAY, timeout_s=2)
    assert ours.health().state is HealthState.DOWN
