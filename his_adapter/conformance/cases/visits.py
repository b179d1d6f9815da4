"""C10, C11, C24: arriving, finding a lost answer again, coverage."""

from __future__ import annotations

from his_adapter.conformance.case import case, expect
from his_adapter.conformance.lab import Lab, outcome_of
from his_adapter.conformance.settings import InsuredPerson
from his_adapter.errors import Duplicate, Unavailable
from his_adapter.models import (
    BirthDate,
    Coverage,
    CoverageOutcome,
    CoverageQuery,
    Feature,
    Identifier,
    Patient,
    PatientChanges,
    Visit,
)
from his_adapter.ports import HisGateway

_GOOD = {CoverageOutcome.OK, CoverageOutcome.OK_DESK_NOTE, CoverageOutcome.USE_NEW}
_COVERAGE_TIMEOUT_S = 5.0


@case("C10", "Tiếp nhận trả về số, phòng, mã lượt khám; gửi lại cùng mã yêu cầu vẫn số đó")
def check_in_once(lab: Lab) -> None:
    """check-in returns number, room, MA_LK; second call same key → same number; new key → new
    number or Duplicate per hospital rule
    """
    lab.needs(Feature.CREATE_PATIENT, Feature.CHECK_IN)
    patient, service, key = lab.register(), lab.walk_in(), lab.key()
    room = service.rooms[0] if service.rooms else None
    visit = lab.check_in(patient, key=key, service=service.ref, room=room, number="A012")
    expect(visit.ticket.number >= 1, "Tiếp nhận không trả về số.", "a check-in gives no number")
    expect(bool(visit.record_code), "Tiếp nhận không trả về MA_LK.", "a check-in gives no MA_LK")
    expect(
        visit.ticket.room == room,
        "Tiếp nhận không trả về phòng đã chọn.",
        "a check-in does not give the room that was asked for",
    )
    expect(
        visit.own_number == "A012",
        "HIS không giữ số đã in cho người bệnh.",
        "the HIS does not keep the number that was printed",
    )
    again = lab.check_in(patient, key=key, service=service.ref, room=room, number="A012")
    expect(
        (again.ref, again.ticket, again.record_code)
        == (visit.ref, visit.ticket, visit.record_code),
        "Gửi lại cùng mã yêu cầu mà ra số khác.",
        "the same key gave another visit",
    )
    error = outcome_of(lambda: lab.check_in(patient, service=service.ref, room=room))
    expect(
        error is None or (isinstance(error, Duplicate) and error.existing == visit.ref),
        "Tiếp nhận lần hai bằng mã mới không ra số mới, cũng không báo trùng.",
        f"a new key gave {error.code if error else 'ok'}",
    )


@case("C11", "Tìm theo mã yêu cầu ra mọi lần ghi")
def found_by_key(lab: Lab) -> None:
    """`find_by_key` finds every write made by C05, C10"""
    lab.needs(Feature.CREATE_PATIENT, Feature.CHECK_IN, Feature.FIND_BY_KEY)
    create, arrive, change = lab.key(), lab.key(), lab.key()
    patient = lab.gateway.create_patient(lab.draft(), key=create)
    found = lab.gateway.find_by_key(create)
    expect(
        isinstance(found, Patient) and found.ref == patient.ref,
        "Không tìm lại được hồ sơ theo mã yêu cầu.",
        "a created patient is not found by its key",
    )
    visit = lab.check_in(patient, key=arrive)
    found = lab.gateway.find_by_key(arrive)
    expect(
        isinstance(found, Visit) and found.ref == visit.ref,
        "Không tìm lại được lượt khám theo mã yêu cầu.",
        "a visit is not found by its key",
    )
    if lab.can(Feature.UPDATE_PATIENT):
        # Read anew: a check-in may have touched the record.
        version = lab.gateway.read_patient(patient.ref).version
        lab.gateway.update_patient(
            patient.ref, PatientChanges(phone="0900000009"), version=version, key=change
        )
        found = lab.gateway.find_by_key(change)
        expect(
            isinstance(found, Patient) and found.ref == patient.ref,
            "Không tìm lại được lần sửa hồ sơ theo mã yêu cầu.",
            "an update is not found by its key",
        )
    expect(
        lab.gateway.find_by_key(lab.key()) is None,
        "Mã yêu cầu chưa dùng mà vẫn tìm ra kết quả.",
        "a key that was never used finds something",
    )


@case("C24", "Thẻ BHYT: còn hạn, hết hạn, sai tên, cổng không trả lời cho các kết quả khác nhau")
def coverage_outcomes(lab: Lab) -> None:
    """coverage: valid, expired, wrong name, service down → distinct results"""
    lab.needs(Feature.CHECK_COVERAGE)
    people = lab.settings.coverage
    valid = _ask(lab, lab.prepared(people.get("valid"), "coverage.valid"))
    expired = _ask(lab, lab.prepared(people.get("expired"), "coverage.expired"))
    wrong = _ask(lab, lab.prepared(people.get("wrong_name"), "coverage.wrong_name"))
    expect(
        valid.outcome in _GOOD and valid.benefit_level is not None,
        f"Thẻ còn hạn mà kết quả là '{valid.outcome}'.",
        f"a valid card gave {valid.outcome}",
    )
    expect(
        expired.outcome is CoverageOutcome.NONE,
        f"Thẻ hết hạn mà kết quả là '{expired.outcome}'.",
        f"an expired card gave {expired.outcome}",
    )
    expect(
        wrong.outcome is CoverageOutcome.MISMATCH,
        f"Sai tên mà kết quả là '{wrong.outcome}'.",
        f"a wrong name gave {wrong.outcome}",
    )
    _service_down(lab, people["valid"])


def _service_down(lab: Lab, valid: InsuredPerson) -> None:
    silent = lab.settings.coverage.get("silent")
    if silent is not None:
        _expect_no_answer(lab, lab.gateway, silent)
    elif lab.wire is not None:
        with lab.through_proxy() as (gateway, proxy):
            proxy.go_down()
            _expect_no_answer(lab, gateway, valid)
    else:
        lab.note("service down: no wire, and [certify] coverage.silent names nobody")


def _expect_no_answer(lab: Lab, gateway: HisGateway, person: InsuredPerson) -> None:
    def ask() -> None:
        told.append(gateway.check_coverage(_query(person), on=lab.today(), timeout_s=1.0))

    told: list[Coverage] = []
    error = outcome_of(ask)
    expect(
        isinstance(error, Unavailable)
        or (error is None and told[0].outcome is CoverageOutcome.LATER),
        "Cổng không trả lời mà vẫn ra kết quả thẻ.",
        "a silent service gave a verdict on a card",
    )


def _ask(lab: Lab, person: InsuredPerson) -> Coverage:
    return lab.gateway.check_coverage(_query(person), on=lab.today(), timeout_s=_COVERAGE_TIMEOUT_S)


def _query(person: InsuredPerson) -> CoverageQuery:
    return CoverageQuery(
        identifiers=(Identifier(kind=person.kind, value=person.number),),
        full_name=person.full_name,
        birth_date=BirthDate.from_iso(person.birth_date),
    )
