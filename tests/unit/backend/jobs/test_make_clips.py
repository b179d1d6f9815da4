from __future__ import annotations

import errno
import itertools
from pathlib import Path

import pytest

from backend.domain.announcements import Announcement
from backend.domain.calling_words import SpokenCall
from backend.domain.displays import DisplayKind, DisplayWish
from backend.domain.ids import new_id
from backend.jobs import make_clips as job
from backend.jobs.make_clips import make_clips, planned_phrases
from backend.services.keep_announcements import add_announcement
from backend.services.manage_displays import add_display
from backend.services.recognise_caller import Caller
from backend.services.render_speech import render_speech
from backend.services.resources import Resources
from backend.storage.database import Database
from backend.storage.repositories import Intent
from backend.voice.clips import ClipCache
from backend.voice.speaker import Speaker
from tests.factories.voices import ToneEngine


@pytest.fixture
def tones(resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ToneEngine:
    monkeypatch.setattr(job, "NUMBERS_TO", 30)
    tones = ToneEngine()
    vars(resources)["speaker"] = Speaker(clips=ClipCache(tmp_path / "clips", tones))
    return tones


def test_after_it_no_call_waits(resources: Resources, tones: ToneEngine) -> None:
    made = make_clips(resources, budget_s=600)
    assert made == len(tones.said) == len(set(tones.said))
    assert make_clips(resources, budget_s=600) == 0
    for room in resources.catalogue.get().rooms.values():
        for attempt in (1, 2, 3):
            call = SpokenCall(number="A021", room_code=room.code, attempt=attempt)
            render_speech(resources, call, "vi")
    assert resources.speaker.clips.counts.late == 0


def test_a_little_at_a_time(resources: Resources, tones: ToneEngine) -> None:
    ticks = itertools.count()
    first = make_clips(resources, budget_s=5, monotonic_s=lambda: float(next(ticks)))
    assert 0 < first <= 5
    assert make_clips(resources, budget_s=5, monotonic_s=lambda: float(next(ticks))) > 0


def test_announcements_are_made_ahead(
    resources: Resources, tones: ToneEngine, database: Database
) -> None:
    for spoken in (True, False):
        add_announcement(
            database,
            Announcement(id="", text_vi="Giữ trật tự." if spoken else "Chỉ hiện.", spoken=spoken),
            staff=Caller(role="staff", id="s", name="Trực"),
            intent=Intent(caller="staff:s", key=new_id(), body_hash="x"),
            show=lambda kept: kept.id,
        )
    texts = [text for text, _ in planned_phrases(resources)]
    assert "Giữ trật tự" in texts
    assert "Chỉ hiện" not in texts


def test_without_an_engine_it_is_told_once(
    resources: Resources, tones: ToneEngine, caplog: pytest.LogCaptureFixture
) -> None:
    tones.is_missing = True
    assert make_clips(resources) == 0
    assert make_clips(resources) == 0
    assert [record.message for record in caplog.records].count("voice_failed") == 1
    tones.is_missing = False
    assert make_clips(resources, budget_s=600) > 0


def test_a_full_disk_is_not_tried_a_thousand_times(
    resources: Resources, tones: ToneEngine, tmp_path: Path
) -> None:
    def full(_file: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "full")

    clips = ClipCache(tmp_path / "full", tones, write=full)
    vars(resources)["speaker"] = Speaker(clips=clips)
    make_clips(resources, budget_s=600)
    assert len(tones.said) == 1
    assert render_speech(resources, SpokenCall(number="A1", room_code="101"), "vi")


def test_settings_of_the_hospital_decide_what_is_made(resources: Resources) -> None:
    texts = [text for text, _ in planned_phrases(resources)]
    assert len(texts) == len(set(texts))
    for text in ("Mời bệnh nhân số", "a", "ích", "chín trăm chín mươi chín", "linh"):
        assert (text in texts) == (text != "linh")


def test_a_display_that_speaks_english_has_its_clips(resources: Resources) -> None:
    catalogue = resources.catalogue.get()
    room = next(iter(catalogue.rooms))
    assert not any(style.language == "en" for _, style in planned_phrases(resources))
    wish = DisplayWish(
        name="S", kind=DisplayKind.DOOR, room_ids=(room,), zone="z", speaks=True, english=True
    )
    add_display(resources.database, catalogue, wish, actor="test")
    assert any(style.language == "en" for _, style in planned_phrases(resources))
