from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.calling_settings import (
    TEMPLATES,
    CallingSettings,
    CallTemplate,
    find_template_fault,
    template_fields,
)
from backend.domain.calling_words import SpokenCall, call_words
from backend.domain.settings import FacilitySettings


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_defaults_are_without_fault(kind: str) -> None:
    template = TEMPLATES[kind]
    assert find_template_fault(kind, "vi", template.vi) is None
    assert find_template_fault(kind, "en", template.en) is None
    assert template_fields(template.vi) - {"person"} == template_fields(template.en)


@pytest.mark.parametrize(
    "template",
    [
        "",
        "   ",
        "Mời {number}",
        "Mời {name} đến phòng {room}",
        "Mời {number} {number} đến phòng {room}",
        "Mời {number} {name} đến phòng {room}",
        "Mời {number.__class__} đến phòng {room}",
        "Mời {number!r} đến phòng {room}",
        "Mời {number:>99999999} đến phòng {room}",
        "Mời {} đến phòng {room} {number}",
        "Mời {0} đến phòng {room} {number}",
        "Mời {number đến phòng {room}",
        "Mời {number} đến phòng {room}\x07",
        "Mời {number} đến phòng {room}" + "x" * 200,
    ],
)
def test_a_sentence_that_cannot_stand(template: str) -> None:
    assert find_template_fault("call_room", "vi", template)


def test_a_hospital_words_it_its_own_way() -> None:
    assert find_template_fault("call_room", "vi", "Số {number}: vào phòng {room} nhé") is None
    assert find_template_fault("call_nobody", "vi", "Số {number}") == "is no kind of call"


def test_settings_survive_the_database() -> None:
    own = CallTemplate(vi="Số {number} vào phòng {room}.", en="{number} to {room}.", times=3)
    calling = CallingSettings(
        templates={"call_room": own},
        person_word="người bệnh",
        languages=("vi", "en"),
        region="nam",
        rooms="cardinal",
        leading_zeros="digits",
        rate=0.85,
    )
    stored = json.loads(json.dumps(FacilitySettings(calling=calling).to_json()))
    assert FacilitySettings.from_json(stored).calling == calling
    assert FacilitySettings.from_json({}).calling == CallingSettings()


@pytest.mark.parametrize(
    "stored",
    [
        {"region": "trung"},
        {"region": ["bac"]},
        {"languages": []},
        {"languages": ["vi", "vi"]},
        {"languages": [["vi"]]},
        {"languages": "vi"},
        {"rate": "fast"},
        {"rate": 99},
        {"rate": True},
        {"gap_s": None},
        {"person_word": "{name}"},
        {"templates": []},
        {"templates": {"call_room": "Mời {number}"}},
        {"templates": {"call_room": {"vi": "Mời {name}", "en": "{number} {room}"}}},
        {"templates": {"call_room": {"vi": "{number} {room}", "en": 7}}},
        {"templates": {"call_room": {"vi": "{number}{room}", "en": "{number}{room}", "times": 9}}},
        {"templates": {"nonsense": {"vi": "a", "en": "b"}}},
        {"unheard_of": 1},
    ],
)
def test_what_cannot_be_used_keeps_its_default(stored: dict[str, Any]) -> None:
    assert CallingSettings.from_json(stored) == CallingSettings()


@given(st.text(max_size=60))
def test_any_sentence_is_judged(template: str) -> None:
    if find_template_fault("call_counter", "vi", template) is None:
        said = template.replace("{person}", "").format(number="A1", room="B2")
        assert "A1" in said
        assert "B2" in said


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
NAMES = [entry.name for entry in fields(CallingSettings)]
DAMAGED_TEMPLATES = st.fixed_dictionaries(
    {"templates": st.dictionaries(st.sampled_from([*TEMPLATES, "x"]), JSON, max_size=3)}
)


@given(JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4) | DAMAGED_TEMPLATES)
def test_damaged_settings_never_stop_the_calls(document: Any) -> None:
    settings = CallingSettings.from_json(document)
    call = SpokenCall(number="A1", room_code="1")
    for language in settings.languages:
        assert call_words(call, settings, language).phrases
