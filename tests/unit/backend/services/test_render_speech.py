from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from backend.domain.announcements import Announcement
from backend.domain.calling_settings import CallingSettings
from backend.domain.calling_words import SpokenCall
from backend.domain.settings import FacilitySettings
from backend.errors import ValidationFailed, VoiceUnavailable
from backend.services.render_speech import render_announcement, render_speech, show_call
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Facility
from backend.voice.clips import ClipCache
from backend.voice.recorded import RecordedEngine, load_packs
from backend.voice.sound import RATE_HZ, chime, read_wav, write_wav
from backend.voice.speaker import Speaker
from tests.factories.hospital import Hospital
from tests.factories.voices import ToneEngine, tone, write_pack

CALL = SpokenCall(number="A102", room_code="102")
NOTICE = Announcement(
    id="a", text_vi="Nhà thuốc đóng cửa. Xin cảm ơn!", text_en="", clip="nhà thuốc"
)


@pytest.fixture
def tones() -> ToneEngine:
    return ToneEngine()


@pytest.fixture
def speaking(resources: Resources, tones: ToneEngine, tmp_path: Path) -> Resources:
    """The resources with tones instead of a voice."""
    vars(resources)["speaker"] = Speaker(clips=ClipCache(tmp_path / "clips", tones))
    return resources


def set_calling(hospital: Hospital, calling: CallingSettings) -> None:
    with hospital.database.write() as unit:
        settings = FacilitySettings(calling=calling).to_json()
        unit.connection.execute(update(Facility).values(settings=settings))
    hospital.touch_catalogue()


def test_a_call_in_both_languages(speaking: Resources, tones: ToneEngine) -> None:
    assert read_wav(render_speech(speaking, CALL, "vi")).any()
    assert tones.said == [
        "Mời bệnh nhân số",
        "a",
        "một trăm linh hai",
        "đến phòng",
        "một không hai",
    ]
    tones.said.clear()
    render_speech(speaking, CALL, "en")
    assert tones.said == ["Number", "A", "one zero two", "please go to room"]
    assert show_call(speaking, CALL, "vi") == "Mời bệnh nhân số A102 đến phòng 102."


def test_the_hospital_chooses_voice_and_words(
    speaking: Resources, tones: ToneEngine, hospital: Hospital
) -> None:
    set_calling(hospital, CallingSettings(region="nam", person_word="người bệnh", chime=False))
    sound = read_wav(render_speech(speaking, CALL, "vi"))
    assert tones.said[:3] == ["Mời người bệnh số", "a", "một trăm lẻ hai"]
    assert len(read_wav(render_speech(speaking, CALL, "vi", with_chime=True))) > len(sound)


def test_a_second_language_follows_without_a_chime(speaking: Resources) -> None:
    with_chime = read_wav(render_speech(speaking, CALL, "en"))
    without = read_wav(render_speech(speaking, CALL, "en", with_chime=False))
    assert len(with_chime) - len(without) == pytest.approx(len(chime()) + 0.15 * RATE_HZ, abs=2)


def test_what_is_no_number_is_refused(speaking: Resources) -> None:
    for number in ("", "Nguyễn Văn Thử"):
        with pytest.raises(ValidationFailed) as refusal:
            render_speech(speaking, replace(CALL, number=number), "vi")
        assert "Nguyễn" not in str(refusal.value)


def test_without_a_voice_the_words_are_still_shown(speaking: Resources, tones: ToneEngine) -> None:
    tones.is_missing = True
    with pytest.raises(VoiceUnavailable):
        render_speech(speaking, CALL, "vi")
    assert show_call(speaking, CALL, "vi")


def test_an_announcement_is_read(speaking: Resources, tones: ToneEngine) -> None:
    render_announcement(speaking, NOTICE, "vi")
    assert tones.said == ["Nhà thuốc đóng cửa", "Xin cảm ơn"]
    with pytest.raises(VoiceUnavailable):
        render_announcement(speaking, NOTICE, "en")


def test_a_recorded_announcement_is_played(
    resources: Resources, tones: ToneEngine, tmp_path: Path
) -> None:
    write_pack(tmp_path / "voice" / "p", {"Nhà thuốc": write_wav(tone(3))})
    packs = load_packs(tmp_path / "voice")
    cache = ClipCache(tmp_path / "clips", RecordedEngine(packs, otherwise=tones))
    vars(resources)["speaker"] = Speaker(clips=cache, packs=packs)
    sound = read_wav(render_announcement(resources, NOTICE, "vi"))
    assert len(sound) / RATE_HZ > 4
    assert tones.said == []
