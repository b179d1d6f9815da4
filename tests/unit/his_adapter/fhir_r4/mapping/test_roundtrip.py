"""What is shown in FHIR is read back the same; what is not FHIR is a BrokenReply, never a crash."""

from __future__ import annotations

import contextlib
import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import EHEALTH, read_config
from his_adapter.fhir_r4.mapping import catalogue, money, papers, records, visits
from his_adapter.fhir_r4.mapping.appointments import appointment, existing_appointment_resource
from his_adapter.fhir_r4.mapping.patients import (
    changed_patient,
    draft_of,
    patient,
    patient_resource,
)
from his_adapter.fhir_r4.mapping.reading import vnd_of
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    BirthDate,
    Charge,
    Gender,
    Identifier,
    IdentifierKind,
    Invoice,
    InvoiceStatus,
    OpeningSession,
    Order,
    OrderStatus,
    PatientChanges,
    PatientDraft,
    Ref,
    ResultValue,
    Room,
    Service,
    ServiceKind,
    Visit,
    VisitStatus,
    VisitTicket,
)

FACILITY = {"code": "99001", "name_vi": "Bệnh viện Mẫu"}
CONFIG = read_config({"base_url": "https://his.example.vn/fhir", "facility": FACILITY})
MINISTRY = read_config(
    {"base_url": "https://his.example.vn/fhir", "facility": FACILITY, "preset": "ehealth"}
)
NINE = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)

letters = st.characters(categories=("Lu", "Ll"), max_codepoint=0x1EFF).filter(
    lambda letter: unicodedata.is_normalized("NFC", letter)
)
words = st.text(letters, min_size=1, max_size=12)
names = st.lists(words, min_size=1, max_size=6).map(" ".join)
refs = st.from_regex(r"[A-Za-z0-9\-.]{1,40}", fullmatch=True).map(Ref)
maybe_refs = st.none() | refs
births = st.builds(
    BirthDate, year=st.integers(1900, 2026), month=st.integers(1, 12), day=st.integers(1, 28)
) | st.builds(BirthDate, year=st.integers(1900, 2026))
vnd_amounts = st.integers(0, 10**9)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


identifiers = st.one_of(
    st.builds(Identifier, kind=st.just(IdentifierKind.ID12), value=digits(12)),
    st.builds(Identifier, kind=st.just(IdentifierKind.CMND9), value=digits(9)),
    st.builds(Identifier, kind=st.just(IdentifierKind.BHXH10), value=digits(10)),
    st.builds(
        Identifier,
        kind=st.just(IdentifierKind.BHYT15),
        value=digits(12).map(lambda text: f"HT3{text}"),
    ),
)
drafts = st.builds(
    PatientDraft,
    full_name=names,
    birth_date=st.none() | births,
    gender=st.sampled_from(Gender),
    identifiers=st.lists(identifiers, max_size=4, unique=True).map(lambda i: tuple(sorted(i))),
    phone=st.none() | digits(10),
    address=st.none() | names.map(lambda name: f"{name} ^&~|\\ 12"),
    guardian=st.none() | names,
)


def sent(resource: Any) -> Any:
    """Over the wire and back."""
    return json.loads(json.dumps(resource, ensure_ascii=False), parse_float=Decimal)


@pytest.mark.parametrize("config", [CONFIG, MINISTRY], ids=["vn-core", "ehealth"])
@settings(max_examples=50, deadline=None)
@given(draft=drafts)
def test_a_patient_survives_the_wire(config: Any, draft: PatientDraft) -> None:
    resource = sent(patient_resource(config, draft, key="key-0000001"))
    assert draft_of(config, resource) == draft


@settings(max_examples=50, deadline=None)
@given(draft=drafts)
def test_numbers_are_read_under_the_names_of_either_guide(draft: PatientDraft) -> None:
    resource = sent(patient_resource(MINISTRY, draft, key="key-0000001"))
    assert draft_of(CONFIG, resource).identifiers == draft.identifiers


def test_the_ministry_calls_the_card_a_national_id_and_the_old_card_a_citizen_id() -> None:
    draft = PatientDraft(
        full_name="Lan",
        identifiers=(
            Identifier(kind=IdentifierKind.ID12, value="001190000001"),
            Identifier(kind=IdentifierKind.CMND9, value="012345678"),
        ),
    )
    written = patient_resource(MINISTRY, draft, key="key-0000001")["identifier"]
    assert [item["system"].removeprefix(EHEALTH) for item in written[:2]] == [
        "/sid/national_id",
        "/sid/citizen_id",
    ]


@settings(max_examples=50, deadline=None)
@given(before=drafts, after=drafts)
def test_a_change_keeps_what_it_does_not_name(before: PatientDraft, after: PatientDraft) -> None:
    stored = sent(patient_resource(CONFIG, before, key="key-0000001"))
    stored |= {"id": "p1", "maritalStatus": {"text": "-"}, "photo": [{"title": "-"}]}
    changed = changed_patient(CONFIG, stored, PatientChanges(phone=after.phone), key="key-0000002")
    read = patient(CONFIG, sent(changed))
    assert (read.full_name, read.birth_date, read.address) == (
        before.full_name,
        before.birth_date,
        before.address,
    )
    assert read.phone == (after.phone or before.phone)
    assert changed["maritalStatus"] == {"text": "-"}
    keys = [i["value"] for i in changed["identifier"] if i["system"] == "urn:tiepdon:request"]
    assert keys == ["key-0000001", "key-0000002"]


@settings(max_examples=50, deadline=None)
@given(
    item=st.builds(
        Service,
        ref=refs,
        code=words,
        name_vi=names,
        name_en=names,
        kind=st.sampled_from(ServiceKind),
        department=refs,
        rooms=st.lists(refs, max_size=3).map(tuple),
        price_vnd=vnd_amounts,
        insurance_price_vnd=st.none() | vnd_amounts,
        pooled=st.booleans(),
        by_doctor=st.booleans(),
        by_hour=st.booleans(),
        minutes=st.none() | st.integers(1, 60),
        gender=st.none() | st.sampled_from(Gender),
        age_min_years=st.none() | st.integers(0, 100),
        age_max_years=st.none() | st.integers(0, 100),
        sensitive=st.booleans(),
        series_letter=st.none() | st.sampled_from("ABC"),
        visit_kinds=st.lists(st.sampled_from(["new", "medicine"]), unique=True).map(tuple),
    )
)
def test_a_service_survives_the_wire(item: Service) -> None:
    assert catalogue.service(CONFIG, sent(catalogue.service_resource(CONFIG, item))) == item


def test_a_room_and_its_hours_survive_the_wire() -> None:
    place = Room(
        ref=Ref("p1"),
        code="P1",
        name_vi="Phòng 1",
        name_en="Room 1",
        department=Ref("noi"),
        floor="2",
        landmark_vi="cạnh thang máy",
        landmark_en="by the lift",
    )
    session = OpeningSession(
        ref=Ref("p1.0.0700"),
        room=Ref("p1"),
        weekday=0,
        name="morning",
        opens_at=time(7, 0),
        closes_at=time(11, 30),
        limit=40,
    )
    resource = sent(catalogue.room_resource(CONFIG, place, [session], []))
    assert catalogue.room(CONFIG, resource) == place
    assert catalogue.sessions(CONFIG, resource) == [session]


@settings(max_examples=50, deadline=None)
@given(
    item=st.builds(
        Appointment,
        ref=refs,
        version=refs,
        patient=refs,
        status=st.sampled_from(AppointmentStatus),
        code=digits(10),
        service=maybe_refs,
        practitioner=maybe_refs,
        room=maybe_refs,
        slot=maybe_refs,
        start=moments,
        end=moments,
        facility_code=st.sampled_from(["99001", "99002"]),
        facility_name=st.just("Bệnh viện Mẫu"),
    )
)
def test_a_booking_survives_the_wire(item: Appointment) -> None:
    resource = existing_appointment_resource(CONFIG, item, slot=item.slot)
    assert appointment(CONFIG, sent(resource)) == item


@settings(max_examples=50, deadline=None)
@given(
    number=st.integers(1, 9999),
    prefix=words,
    own=st.none() | st.just("A012"),
    fee=st.none() | vnd_amounts,
    status=st.sampled_from(VisitStatus),
    created_at=moments,
)
def test_a_visit_survives_the_wire(
    number: int,
    prefix: str,
    own: str | None,
    fee: int | None,
    status: VisitStatus,
    created_at: datetime,
) -> None:
    service = Service(
        ref=Ref("noi"),
        code="KB01",
        name_vi="Khám Nội",
        name_en="Internal",
        kind=ServiceKind.EXAMINATION,
        department=Ref("k1"),
        rooms=(),
        price_vnd=0,
        insurance_price_vnd=None,
        pooled=True,
        by_doctor=False,
        by_hour=False,
        minutes=None,
    )
    item = Visit(
        ref=Ref("v1"),
        version="3",
        patient=Ref("p1"),
        status=status,
        record_code="LK1",
        service=Ref("noi"),
        practitioner=Ref("bs1"),
        appointment=Ref("a1"),
        ticket=VisitTicket(number=number, prefix=prefix, room=Ref("r1"), provisional=True),
        own_number=own,
        fee_due_vnd=fee,
        created_at=created_at,
    )
    resource = sent(visits.visit_resource(CONFIG, item, service))
    assert visits.visit(CONFIG, resource, {"KB01": Ref("noi")}) == item
    del resource["extension"][0]  # by the code of the service alone
    assert visits.visit(CONFIG, resource, {"KB01": Ref("noi")}).service == "noi"


@settings(max_examples=50, deadline=None)
@given(status=st.sampled_from(OrderStatus), kind=st.sampled_from(ServiceKind), at=moments)
def test_an_order_survives_the_wire(status: OrderStatus, kind: ServiceKind, at: datetime) -> None:
    item = Order(
        ref=Ref("o1"),
        version="1",
        patient=Ref("p1"),
        visit=Ref("v1"),
        service=Ref("lab"),
        kind=kind,
        code="XN",
        name_vi="Xét nghiệm máu",
        name_en="Blood test",
        status=status,
        room=Ref("r1"),
        preparation_vi="Nhịn ăn.",
        preparation_en="Do not eat.",
        accession="HA1",
        ordered_at=at,
    )
    assert records.order(sent(records.order_resource(CONFIG, item)), {}) == item


@pytest.mark.parametrize("value", ["118", "13.5", "0.08", "âm tính", "< 0.1", "007", "1e3", "12,5"])
def test_values_keep_their_digits(value: str) -> None:
    item = ResultValue(code="X", name_vi="Chỉ số", value=value, reference_range="1–2", flag="H")
    resource = sent(records.observation_resource(item, ref="obs1", patient=Ref("p1")))
    assert records.values(resource) == [item]


def test_a_trailing_zero_of_the_laboratory_is_not_lost() -> None:
    text = '{"status": "final", "code": {"text": "Hb"}, "valueQuantity": {"value": 13.50}}'
    (line,) = records.values(json.loads(text, parse_float=Decimal))
    assert line.value == "13.50"


@settings(max_examples=50, deadline=None)
@given(
    charges=st.lists(
        st.tuples(vnd_amounts, vnd_amounts, st.integers(1, 9)).map(
            lambda t: Charge(
                code="C",
                name_vi="Khoản",
                quantity=t[2],
                amount_vnd=t[0] + t[1],
                insurance_vnd=t[1] // 2,
                discount_vnd=t[1] // 3,
            )
        ),
        max_size=4,
    ),
    status=st.sampled_from(InvoiceStatus),
)
def test_a_bill_survives_the_wire(charges: list[Charge], status: InvoiceStatus) -> None:
    total_vnd = sum(c.amount_vnd - c.insurance_vnd - c.discount_vnd for c in charges)
    item = Invoice(
        ref=Ref("i1"),
        version="1",
        code="PT1",
        status=status,
        title_vi="Phiếu thu",
        total_vnd=total_vnd,
        due_vnd=total_vnd if status is InvoiceStatus.ISSUED else 0,
        charges=tuple(charges),
        issued_at=NINE,
    )
    resource = sent(money.invoice_resource(CONFIG, item, patient=Ref("p1")))
    assert money.invoice(CONFIG, resource) == item


@pytest.mark.parametrize(
    "amount",
    [
        {"value": 0.5},
        {"value": "100"},
        {"value": True},
        {"value": None},
        {"value": 10**15},
        {"value": 100, "currency": "USD"},
        {},
        [],
        None,
        {"value": float("inf")},
    ],
)
def test_money_is_whole_dong(amount: Any) -> None:
    with pytest.raises(BrokenReply):
        vnd_of(amount)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "meta",
                    "name",
                    "text",
                    "status",
                    "subject",
                    "reference",
                    "identifier",
                    "system",
                    "value",
                    "start",
                    "end",
                    "period",
                    "code",
                    "coding",
                    "extension",
                    "url",
                    "lineItem",
                    "amount",
                    "participant",
                    "actor",
                    "type",
                    "birthDate",
                    "gender",
                    "telecom",
                    "address",
                    "contact",
                    "location",
                    "hoursOfOperation",
                    "openingTime",
                    "slot",
                    "priceComponent",
                    "totalNet",
                    "authoredOn",
                    "issued",
                    "component",
                    "valueQuantity",
                    "category",
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=30,
)
READERS: dict[str, Callable[[Any], object]] = {
    "patient": lambda r: patient(CONFIG, r),
    "department": catalogue.department,
    "room": lambda r: catalogue.room(CONFIG, r),
    "sessions": lambda r: catalogue.sessions(CONFIG, r),
    "service": lambda r: catalogue.service(CONFIG, r),
    "practitioner": lambda r: catalogue.practitioner(CONFIG, r, [r]),
    "slot": lambda r: catalogue.slot(CONFIG, r, r),
    "appointment": lambda r: appointment(CONFIG, r),
    "visit": lambda r: visits.visit(CONFIG, r, {}),
    "order": lambda r: records.order(r, {}),
    "report": lambda r: records.report(CONFIG, r),
    "values": lambda r: records.values({**r, "status": "final"}),
    "invoice": lambda r: money.invoice(CONFIG, {**r, "status": "issued"}),
    "receipt": lambda r: money.receipt(r, None),
    "codes": lambda r: list(papers.codes(CONFIG, {"expansion": {"contains": [r]}})),
}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None)
@given(untrusted=st.dictionaries(st.text(max_size=5), anything) | anything)
def test_garbage_is_a_broken_reply_and_nothing_else(name: str, untrusted: Any) -> None:
    if not isinstance(untrusted, dict):
        return
    with contextlib.suppress(BrokenReply):
        READERS[name](untrusted)
