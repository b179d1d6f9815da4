from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapter.builtin.names import normal_form
from his_adapter.errors import BrokenReply
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.mapping import Hl7Mapping, join_name, split_name
from his_adapter.hl7_v2.messages import Message, decode
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    BirthDate,
    CheckIn,
    Gender,
    Identifier,
    IdentifierKind,
    Order,
    OrderStatus,
    PartKind,
    PatientDraft,
    Ref,
    ReportStatus,
    ServiceKind,
    Visit,
    VisitStatus,
    VisitTicket,
)

NOW = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
HEADER = r"MSH|^~\&|HIS|BV|KIOSK|BV|20261201070001+0700||{}|H1|P|2.5.1||||||UNICODE UTF-8" + "\r"
PID = "PID|1||BN000123^^^BVMAU^MR||Nguyễn^Nghiệm^Thị Thử^^^^L||19900517|F\r"
words = st.text(
    st.characters(categories=("Lu", "Ll"), max_codepoint=0x1EFF) | st.sampled_from("&^~\\|'-"),
    min_size=1,
    max_size=12,
)
names = st.lists(words, min_size=1, max_size=10).map(" ".join).map(normal_form).filter(bool)


def make_mapping(**settings: Any) -> Hl7Mapping:
    config = read_config(
        {"address": "127.0.0.1:2575", "catalogue_file": str(Path("x.json")), **settings}
    )
    return Hl7Mapping(config, "99001")


def sent(message: Message, kind: str = "ADT^A28^ADT_A05") -> Message:
    """As the other side reads it."""
    return decode(HEADER.format(kind).encode() + message.encode())


@given(names, names, st.text("&^~\\|\r\nđường Ỷ 12", max_size=80), st.sampled_from(Gender))
def test_people_come_back_whole(name: str, guardian: str, address: str, gender: Gender) -> None:
    mapping = make_mapping()
    draft = PatientDraft(
        full_name=name,
        birth_date=BirthDate.from_iso("1950-02"),
        gender=gender,
        identifiers=(Identifier(kind=IdentifierKind.ID12, value="001190000001"),),
        phone="0900000001",
        address=normal_form(address) or None,
        guardian=guardian,
    )
    message = Message()
    mapping.put_patient(message, draft)
    assert mapping.read_draft(sent(message)) == draft


@given(names)
def test_a_name_is_the_sum_of_its_parts(name: str) -> None:
    family, given_name, middle = split_name(name)
    assert join_name(family, middle, given_name) == name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Nguyễn Thị Đặng Ỷ", ("Nguyễn", "Ỷ", "Thị Đặng")),
        ("Lan", ("", "Lan", "")),
        ("H'Mẫu Niê", ("H'Mẫu", "Niê", "")),
    ],
)
def test_family_given_middle(name: str, parts: tuple[str, str, str]) -> None:
    assert split_name(name) == parts
    assert split_name(unicodedata.normalize("NFD", name)) == parts


@pytest.mark.parametrize("iso", ["1950", "1946-03", "1952-02-29"])
def test_birth_dates_keep_their_precision(iso: str) -> None:
    message = Message()
    draft = PatientDraft(full_name="Lan", birth_date=BirthDate.from_iso(iso))
    make_mapping().put_patient(message, draft)
    assert make_mapping().read_draft(sent(message)).birth_date == draft.birth_date


@pytest.mark.parametrize("text", ["19901345", "abc", "1850", "19900230"])
def test_days_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(BrokenReply):
        make_mapping().read_draft(sent(decode_body(PID.replace("19900517", text))))


def decode_body(text: str, kind: str = "ADT^A31^ADT_A05") -> Message:
    message = decode((HEADER.format(kind) + text).encode())
    return Message(message.segments[1:])


def test_cccd_and_cmnd_share_a_type_and_differ_in_length() -> None:
    pid = PID.replace("^MR||", "^MR~001190000001^^^BCA^NI~123456789^^^BCA^NI~12^^^BCA^NI||", 1)
    found = make_mapping().read_draft(decode_body(pid)).identifiers
    assert [(item.kind, item.value) for item in found] == [
        (IdentifierKind.CMND9, "123456789"),
        (IdentifierKind.ID12, "001190000001"),
        (IdentifierKind.MRN, "BN000123"),
    ]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("20261201070000+0700", "2026-12-01T00:00:00+00:00"),
        ("20261201070000", "2026-12-01T00:00:00+00:00"),
        ("20261201000000.1234+0000", "2026-12-01T00:00:00+00:00"),
        ("202612010700", "2026-12-01T00:00:00+00:00"),
        ("20261201", "2026-11-30T17:00:00+00:00"),
    ],
)
def test_times(text: str, utc: str) -> None:
    assert make_mapping().read_time(text).astimezone(UTC).isoformat() == utc


@pytest.mark.parametrize("text", ["", "2026", "20261301", "20261201250000", "hôm nay"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BrokenReply):
        make_mapping().read_time(text)


def test_number_and_key_travel_where_the_hospital_wants_them() -> None:
    mapping = make_mapping(places={"own_number": "PV1-50", "key": "PV1-24"})
    message = Message()
    mapping.put_patient(message, PatientDraft(full_name="Lan"), Ref("BN000123"))
    mapping.put_check_in(
        message, CheckIn(patient=Ref("BN000123"), service=Ref("noi"), number="A012"), Ref("noi")
    )
    read = sent(message)
    assert read.first("PV1").get(50) == "A012"
    assert read.find("ZTD") is None
    assert mapping.read_check_in(read).number == "A012"


def test_a_visit_from_the_acknowledgement_and_what_was_asked() -> None:
    mapping, asked = make_mapping(), Message()
    mapping.put_patient(asked, PatientDraft(full_name="Lan"), Ref("BN000123"))
    request = CheckIn(patient=Ref("BN000123"), service=Ref("noi"), number="A012", arrived_at=NOW)
    mapping.put_check_in(asked, request, request.service)
    answer = decode_body("MSA|AA|K1\rZTD|||24|P|LK20261201000123\r", "ACK^A04^ACK")
    visit = mapping.read_visit(answer, asked)
    assert (visit.record_code, visit.ticket.number, visit.ticket.prefix) == (
        "LK20261201000123",
        24,
        "P",
    )
    assert (visit.patient, visit.service, visit.own_number) == ("BN000123", "noi", "A012")


SAMPLE_RESULT = (
    PID + "ORC|RE|CD26120100045^HIS|XN26120100045^LIS\r"
    "OBR|1|CD26120100045^HIS|XN26120100045^LIS|CTM^Tổng phân tích tế bào máu^BVMAU-DV"
    "|||20261201073000+0700|||||||||||||||20261201081500+0700||LAB|F\r"
    "OBX|1|NM|718-7^Hemoglobin^LN||13.5|g/dL|12.0-16.0|N|||F\r"
    "OBX|2|NM|6690-2^WBC^LN||9.9|10*9/L||H|||P\r"
    "OBX|3|ED|PDF^Phiếu kết quả^BVMAU||^application^pdf^Base64^JVBERi0xLjQK||||||F\r"
)


def test_a_result_with_values_and_a_document() -> None:
    message = decode_body(SAMPLE_RESULT, "ORU^R01^ORU_R01")
    ((report, ref, changed_at, contents),) = make_mapping().read_reports(message, NOW)
    assert report is not None
    assert (ref, report.order, report.patient) == ("XN26120100045", "CD26120100045", "BN000123")
    assert (report.status, report.issued_at) == (ReportStatus.FINAL, changed_at)
    assert report.title_vi == "Tổng phân tích tế bào máu"
    assert [part.kind for part in report.parts] == [PartKind.VALUES, PartKind.PDF]
    (line,) = contents["values"].values  # the preliminary one is not shown
    assert (line.value, line.unit, line.reference_range, line.flag) == (
        "13.5",
        "g/dL",
        "12.0-16.0",
        "N",
    )
    assert contents["pdf"].body == b"%PDF-1.4\n"


@pytest.mark.parametrize("status", ["P", "R", "I", "S", "A", "O", "X", ""])
def test_only_released_results_are_reports(status: str) -> None:
    text = SAMPLE_RESULT.replace("LAB|F", f"LAB|{status}")
    ((report, _, _, contents),) = make_mapping().read_reports(decode_body(text), NOW)
    assert (report, contents) == (None, {})


@pytest.mark.parametrize(
    "change", [("Base64", "Rot13"), ("JVBERi0xLjQK", "%%%"), ("BN000123^^^BVMAU^MR", "x")]
)
def test_a_broken_result_is_refused(change: tuple[str, str]) -> None:
    with pytest.raises(BrokenReply):
        make_mapping().read_reports(decode_body(SAMPLE_RESULT.replace(*change)), NOW)


def test_orders_of_one_message_are_several() -> None:
    text = (
        PID + "PV1|1|O|||||||||||||||||LK1\rORC|NW|CD1^HIS\rOBR|1|CD1|||CTM\r"
        "ORC|CA|CD2^HIS\rOBR|2|CD2||XQ^X-quang\rNTE|1||Tháo trang sức\r"
    )
    one, two = make_mapping().read_orders(decode_body(text, "OML^O21"), NOW)
    assert (one.ref, one.status, one.visit, one.ordered_at) == ("CD1", "active", "LK1", NOW)
    assert (two.ref, two.status, two.preparation_vi) == ("CD2", "cancelled", "Tháo trang sức")
    assert replace(one, ref=two.ref) != two


texts = st.text("&^~\\|\r\nđường Ỷ 12", min_size=1, max_size=40).map(normal_form).filter(bool)
refs = st.text("&^~\\|abc-19", min_size=1, max_size=20).map(Ref)


@given(texts, texts, refs, refs, st.sampled_from(OrderStatus))
def test_orders_come_back_whole(
    name: str, preparation: str, ref: Ref, visit: Ref, status: OrderStatus
) -> None:
    order = Order(
        ref=ref,
        version="",
        patient=Ref("BN1"),
        visit=visit,
        service=Ref("noi"),
        kind=ServiceKind.LABORATORY,
        code="CTM",
        name_vi=name,
        status=status,
        room=Ref("P1"),
        preparation_vi=preparation,
        accession="ACC1",
        ordered_at=NOW,
    )
    mapping, message = make_mapping(), Message()
    mapping.put_reference(message, order.patient)
    mapping.put_order(message, order)
    (read,) = mapping.read_orders(sent(message, "OML^O21^OML_O21"), NOW)
    assert replace(read, version="") == order


@given(texts, refs, st.sampled_from(AppointmentStatus))
def test_bookings_come_back_whole(facility: str, ref: Ref, status: AppointmentStatus) -> None:
    booked = Appointment(
        ref=ref,
        version="3",
        patient=Ref("BN1"),
        status=status,
        code="LH1",
        service=Ref("noi"),
        practitioner=Ref("BS1"),
        room=Ref("P1"),
        slot=Ref("noi~BS1~P1~20260105T0900"),
        start=NOW,
        end=NOW + timedelta(minutes=15),
        facility_code="99001",
        facility_name=facility,
    )
    mapping, message = make_mapping(), Message()
    mapping.put_appointment(message, booked)
    assert mapping.read_appointment(sent(message, "SRR^S01^SRR_S01")) == booked


@given(refs, texts, st.integers(1, 10_000), st.sampled_from(VisitStatus))
def test_visits_come_back_whole(
    ref: Ref, own_number: str, number: int, status: VisitStatus
) -> None:
    visit = Visit(
        ref=ref,
        version="2",
        patient=Ref("BN1"),
        status=status,
        record_code="LK20260105000001",
        service=Ref("noi"),
        practitioner=None,
        appointment=Ref("L1"),
        ticket=VisitTicket(number=number, prefix="N", room=Ref("P1"), provisional=True),
        own_number=own_number,
        fee_due_vnd=0,
        created_at=NOW,
    )
    mapping, message = make_mapping(), Message()
    mapping.put_reference(message, visit.patient)
    mapping.put_visit(message, visit)
    assert mapping.read_visit(sent(message, "ACK^A04^ACK")) == visit
