from __future__ import annotations

import json

from backend.domain.scan import AppointmentFacts, CoverageFacts, OnBehalfFacts, ScanContent
from backend.domain.settings import FacilitySettings
from tests.factories.hospital import make_person


def test_everything_survives_the_way_through_json() -> None:
    scan = ScanContent(
        person=make_person(),
        verified=False,
        known_to_his=True,
        coverage=CoverageFacts(outcome="ok", code="000", valid_to="2026-12-31"),
        appointments=(
            AppointmentFacts(
                ref="1", start="2026-11-23T09:00:00+07:00", state="on_time", service_ref="NOI"
            ),
        ),
        on_behalf=OnBehalfFacts(relation="parent", phone="0900000000"),
    )
    assert ScanContent.from_json(json.loads(json.dumps(scan.to_json()))) == scan
    empty = ScanContent(visit_id="v")
    assert ScanContent.from_json(json.loads(json.dumps(empty.to_json()))) == empty


def test_no_personal_value_in_repr() -> None:
    text = repr(ScanContent(person=make_person(), on_behalf=OnBehalfFacts(
        relation="parent", phone="0900000000"
    )))  # fmt: skip
    for secret in ("Nguyễn", "079185", "1985", "0900000000"):
        assert secret not in text


def test_only_clear_answers_are_final() -> None:
    final = {
        outcome
        for outcome in ("ok", "ok_desk_note", "use_new", "none", "mismatch", "later")
        if not CoverageFacts(outcome=outcome).provisional
    }
    assert final == {"ok", "none"}


def test_settings_survive_json_and_keep_defaults_for_what_is_missing() -> None:
    settings = FacilitySettings(late_min=20)
    assert FacilitySettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    assert FacilitySettings.from_json({"late_min": 20, "unknown": 1}) == settings
