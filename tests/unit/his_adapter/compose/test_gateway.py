from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.reports import PartDraft
from his_adapter.builtin.store import Store
from his_adapter.compose.config import read_settings
from his_adapter.compose.gateway import ComposedGateway, open_gateway
from his_adapter.errors import BrokenReply, GatewayMisconfigured, NotFound, Unavailable
from his_adapter.models import (
    Capabilities,
    Facility,
    Feature,
    Health,
    HealthState,
    Page,
    PartKind,
    Patient,
    PatientDraft,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    ReportPart,
    ReportStatus,
    WriteKey,
)
from his_adapter.partial import PartialGateway

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
SINCE = NOW - timedelta(days=1)
HIS = {"adapter": "builtin"}
PACS = {"adapter": "dicomweb", "patients": "mrn"}
SETTINGS: dict[str, Any] = {
    "read": HIS,
    "members": {"pacs": PACS},
    "features": {"list_reports": ["read", "pacs"], "read_report_part": ["read", "pacs"]},
}
IMAGE = ReportPart(name="image-1", kind=PartKind.IMAGE, media_type="image/png")


class Pacs(PartialGateway):
    """Knows people by their patient number."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.away = False
        self.closed = False
        self.answers_about = number

    def capabilities(self) -> Capabilities:
        return Capabilities(
            features=frozenset({Feature.LIST_REPORTS, Feature.READ_REPORT_PART}),
            facility=Facility(code="-", name_vi="-", name_en="-", hotline=""),
            max_limit=20,
            adapter="pacs",
            adapter_version="1",
            his_version="1",
        )

    def health(self) -> Health:
        if self.away:
            return Health(state=HealthState.DOWN, cause="transient")
        return Health(state=HealthState.OK, latency_ms=99_000)

    def close(self) -> None:
        self.closed = True

    def list_reports(self, patient: Ref, since: datetime, **_: Any) -> Page[Report]:
        if self.away:
            raise Unavailable("away")
        if patient != self.number:
            return Page(items=(), complete=True)
        study = Report(
            ref=Ref("1.2.3"),
            version="1",
            patient=Ref(self.answers_about),
            order=Ref("O000009"),
            visit=None,
            kind=ReportKind.IMAGING,
            title_vi="X-quang ngực",
            status=ReportStatus.FINAL,
            issued_at=NOW - timedelta(hours=1),
            parts=(IMAGE,),
        )
        return Page(items=(study,), complete=True)

    def read_report_part(self, ref: Ref, part: str, *, patient: Ref) -> ReportContent:
        if (ref, part, patient) != ("1.2.3", "image-1", self.number):
            raise NotFound("no such picture")
        return ReportContent(media_type="image/png", body=b"\x89PNG")


@pytest.fixture
def register(tmp_path: Path) -> BuiltinGateway:
    return BuiltinGateway(
        Store(tmp_path / "register.sqlite3"), load_catalogue(STARTER_FILE), clock=lambda: NOW
    )


@pytest.fixture
def patient(register: BuiltinGateway) -> Patient:
    return register.clinic.register_patient(PatientDraft(full_name="Trần Văn Một"))


@pytest.fixture
def pacs(patient: Patient) -> Pacs:
    return Pacs("BN00000001")


@pytest.fixture
def his(register: BuiltinGateway, pacs: Pacs) -> Iterator[ComposedGateway]:
    gateway = ComposedGateway(read_settings(SETTINGS), {"read": register, "pacs": pacs})
    yield gateway
    gateway.close()
    assert pacs.closed


def test_results_of_both_the_latest_first(
    his: ComposedGateway, register: BuiltinGateway, patient: Patient
) -> None:
    values = PartDraft(name="values", kind=PartKind.VALUES)
    own = register.clinic.write_report(patient.ref, parts=(values,), title_vi="Máu")
    register.clinic.release_report(own)
    page = his.list_reports(patient.ref, SINCE)
    assert [(item.ref, item.patient) for item in page.items] == [
        (own, patient.ref),
        ("pacs!1.2.3", patient.ref),
    ]
    assert page.items[1].order is None
    assert his.read_report_part(own, "values", patient=patient.ref).media_type
    picture = his.read_report_part(Ref("pacs!1.2.3"), "image-1", patient=patient.ref)
    assert picture.body == b"\x89PNG"
    assert not his.list_reports(patient.ref, SINCE, limit=1).complete


def test_a_picture_of_somebody_else_is_not_found(
    his: ComposedGateway, register: BuiltinGateway
) -> None:
    other = register.clinic.register_patient(PatientDraft(full_name="Lê Thị Hai"))
    for ref in ("pacs!1.2.3", "1.2.3", "read!1.2.3", "pacs!", "!x"):
        with pytest.raises(NotFound):
            his.read_report_part(Ref(ref), "image-1", patient=other.ref)
    assert his.list_reports(other.ref, SINCE).items == ()


def test_an_answer_about_another_patient_is_broken(
    his: ComposedGateway, pacs: Pacs, patient: Patient
) -> None:
    pacs.answers_about = "BN00000002"
    with pytest.raises(BrokenReply):
        his.list_reports(patient.ref, SINCE)


def test_a_member_that_is_away_fails_the_list_and_the_health(
    his: ComposedGateway, pacs: Pacs, patient: Patient
) -> None:
    health = his.health()
    assert (health.state, health.latency_ms) == (HealthState.OK, 99_000)
    pacs.away = True
    with pytest.raises(Unavailable):
        his.list_reports(patient.ref, SINCE)
    assert his.read_patient(patient.ref) == patient
    assert his.health().state is HealthState.DOWN
    assert his.health().cause == "pacs: transient"


def test_it_declares_what_somebody_can(his: ComposedGateway, register: BuiltinGateway) -> None:
    declared = his.capabilities()
    assert declared.features == register.capabilities().features
    assert declared.facility == register.capabilities().facility
    assert (declared.max_limit, declared.adapter) == (20, "compose(builtin+pacs)")


def test_writes_go_to_the_member_that_writes(register: BuiltinGateway, tmp_path: Path) -> None:
    class Deaf(PartialGateway):
        def capabilities(self) -> Capabilities:
            return replace(register.capabilities(), features=frozenset({Feature.LIST_ROOMS}))

        def health(self) -> Health:
            return Health(state=HealthState.OK)

        def close(self) -> None: ...

    his = ComposedGateway(
        read_settings({"read": HIS, "write": HIS}), {"read": Deaf(), "write": register}
    )
    assert Feature.CREATE_PATIENT in his.capabilities().features
    assert Feature.READ_PATIENT not in his.capabilities().features
    stored = his.create_patient(PatientDraft(full_name="Lan"), key=WriteKey("write-0001"))
    assert his.find_by_key(WriteKey("write-0001")) == stored


def test_pictures_of_done_orders_only(
    register: BuiltinGateway, pacs: Pacs, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**SETTINGS, "members": {"pacs": {**PACS, "orders": "accession"}}}
    his = ComposedGateway(read_settings(settings), {"read": register, "pacs": pacs})
    assert his.list_reports(patient.ref, SINCE).items == ()
    order = register.clinic.place_order(patient.ref, service=Ref("examination"))
    with Store(register._store._path).writing() as db:
        db.execute("UPDATE service_order SET accession = 'O000009'")
    assert his.list_reports(patient.ref, SINCE).items == ()
    register.clinic.complete_order(order.ref)
    (report,) = his.list_reports(patient.ref, SINCE).items
    assert (report.ref, report.order) == ("pacs!1.2.3", order.ref)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"members": {"read": HIS}}, "members already"),
        ({"members": {"a!b": HIS}}, "letters"),
        ({"read": {"adapter": "compose"}}, "composed"),
        ({"read": {"adapter": "builtin", "patients": "mrn"}}, "references"),
        ({"features": {"list_reports": ["lis"]}}, "no member lis"),
        ({"features": {"list_rooms": ["read", "pacs"]}}, "one member"),
        ({"features": {"read_account": "pacs"}}, "otherwise"),
        ({"features": {"list_reports": ["pacs"]}}, "same members"),
        ({"members": {"other": HIS}, "features": {"post_payment": "other"}}, "all writes"),
        ({"members": {"other": HIS}, "features": {"find_by_key": "other"}}, "checks in"),
        ({"features": {"fly": "read"}}, "features"),
    ],
)
def test_routes_that_do_not_fit(change: dict[str, Any], place: str) -> None:
    with pytest.raises(GatewayMisconfigured, match=place):
        read_settings({**SETTINGS, **change})


def test_a_member_that_does_not_open_closes_the_others(tmp_path: Path) -> None:
    with pytest.raises(GatewayMisconfigured):
        open_gateway(
            {
                "read": {"adapter": "builtin", "settings": {"file": str(tmp_path / "a.sqlite3")}},
                "write": {"adapter": "no-such-adapter"},
            }
        )
