from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backend.errors import VoiceUnavailable
from backend.voice.ports import VoiceStyle
from backend.voice.recorded import (
    ClipPack,
    RecordedEngine,
    load_pack,
    load_packs,
    missing_phrases,
    phrase_key,
)
from backend.voice.sound import RATE_HZ, read_wav, silence, write_wav
from tests.factories.voices import EN, VI, ToneEngine, level_db, tone, write_pack

LOUD, FAINT = write_wav(tone(0.4, level=0.9)), write_wav(tone(0.4, level=0.03))
NORTH = VI
SOUTH = VoiceStyle(language="vi", region="nam")


@pytest.fixture
def pack(tmp_path: Path) -> ClipPack:
    clips = {"Mời bệnh nhân số": LOUD, "một": FAINT, "trăm": FAINT, "linh": LOUD, "hai mươi": LOUD}
    return load_pack(write_pack(tmp_path / "pack", clips))


def test_a_recorded_phrase_wins_over_the_synthetic_voice(pack: ClipPack) -> None:
    tones = ToneEngine()
    engine = RecordedEngine([pack], otherwise=tones)
    engine.synthesise("Mời bệnh nhân số", NORTH, timeout_s=1)
    assert tones.said == []
    engine.synthesise("đến phòng", NORTH, timeout_s=1)
    assert tones.said == ["đến phòng"]


def test_numbers_are_joined_from_their_words(pack: ClipPack) -> None:
    assert pack.find_parts("một trăm hai mươi") == ["một", "trăm", "hai mươi"]
    assert pack.find_parts("một trăm hai") is None
    joined = pack.find("một trăm linh một")
    assert joined is not None
    assert len(joined) / RATE_HZ == pytest.approx(4 * 0.4 + 3 * 0.025, abs=0.15)


def test_loud_and_faint_recordings_are_evened_out(pack: ClipPack) -> None:
    for word in ("một", "linh"):
        clip = pack.find(word)
        assert clip is not None
        assert level_db(clip) == pytest.approx(-18, abs=1.5)


def test_a_pack_speaks_for_its_own_language_and_region_only(pack: ClipPack) -> None:
    tones = ToneEngine()
    engine = RecordedEngine([pack], otherwise=tones)
    for style in (SOUTH, EN):
        engine.synthesise("một", style, timeout_s=1)
    assert tones.said == ["một", "một"]


def test_without_a_synthetic_voice_the_pack_still_speaks(pack: ClipPack) -> None:
    tones = ToneEngine()
    tones.is_missing = True
    engine = RecordedEngine([pack], otherwise=tones)
    assert read_wav(engine.synthesise("một trăm", NORTH, timeout_s=1)).any()
    with pytest.raises(VoiceUnavailable, match="no recorded clip"):
        engine.synthesise("đến phòng", NORTH, timeout_s=1)
    with pytest.raises(VoiceUnavailable, match=r"^tone"):
        engine.synthesise("room", EN, timeout_s=1)


def test_what_is_missing_is_listed(pack: ClipPack) -> None:
    assert missing_phrases([pack], ["một", "đến phòng", "một trăm"], NORTH) == ["đến phòng"]
    assert missing_phrases([pack], ["một"], SOUTH) == ["một"]


def test_phrases_are_compared_as_people_read_them() -> None:
    assert (
        phrase_key("  Mời  BỆNH nhân ")
        == phrase_key("mời be\u0323\u0302nh nhân")
        == "mời bệnh nhân"
    )


def test_damaged_clips_are_left_out_and_named(tmp_path: Path) -> None:
    clips: dict[str, bytes | None] = {
        "một": LOUD,
        "hai": LOUD[:-300],
        "ba": b"",
        "bốn": None,
        "năm": b"MP3 or something",
        "sáu": write_wav(silence(500)),
        "  ": LOUD,
    }
    pack = load_pack(write_pack(tmp_path / "pack", clips))
    assert set(pack.files) == {"một"}
    assert len(pack.faults) == 6


def test_a_clip_damaged_later_falls_back(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", {"một": LOUD})
    engine = RecordedEngine([load_pack(folder)], otherwise=(tones := ToneEngine()))
    (folder / "clip-0.wav").write_bytes(b"broken")
    engine.synthesise("một", NORTH, timeout_s=1)
    (folder / "clip-0.wav").unlink()
    engine.synthesise("một", NORTH, timeout_s=1)
    assert tones.said == ["một", "một"]


@pytest.mark.parametrize(
    "name",
    ["../secret.wav", "/etc/x.wav", "a/b.wav", ".hidden.wav", "x.mp3", "", 7, None, "a\n.wav"],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: Any) -> None:
    (tmp_path / "secret.wav").write_bytes(LOUD)
    folder = write_pack(tmp_path / "pack", {}, clips={"một": name})
    pack = load_pack(folder)
    assert not pack.files
    assert len(pack.faults) == 1


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", {"một": None})
    (tmp_path / "else.wav").write_bytes(LOUD)
    (folder / "clip-0.wav").symlink_to(tmp_path / "else.wav")
    assert not load_pack(folder).files


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"format": 2, "language": "vi", "clips": {}}',
        b'{"format": 1, "language": "fr", "clips": {}}',
        b'{"format": 1, "language": ["vi"], "clips": {}}',
        b'{"format": 1, "language": "vi", "region": "trung", "clips": {}}',
        b'{"format": 1, "language": "vi", "clips": []}',
        b" " * 1_000_001,
        json.dumps(
            {"format": 1, "language": "vi", "clips": {str(i): "a.wav" for i in range(5_001)}}
        ).encode(),
    ],
)
def test_a_damaged_pack_is_empty_and_says_why(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.json").write_bytes(content)
    pack = load_pack(folder)
    assert not pack.files
    assert len(pack.faults) == 1
    assert not pack.fits(NORTH)


def test_packs_of_a_folder(tmp_path: Path) -> None:
    write_pack(tmp_path / "b", {"một": LOUD})
    write_pack(tmp_path / "a", {"one": LOUD}, language="en")
    (tmp_path / "no-pack").mkdir()
    assert [pack.language for pack in load_packs(tmp_path)] == ["en", "vi"]
    assert load_packs(tmp_path / "nowhere") == ()


def test_a_new_recording_is_another_identity(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "pack", {"một": LOUD})
    before = RecordedEngine([load_pack(folder)], otherwise=ToneEngine()).identity
    (folder / "clip-0.wav").write_bytes(write_wav(tone(0.7)))
    after = RecordedEngine([load_pack(folder)], otherwise=ToneEngine()).identity
    assert before != after
    assert after.endswith("+tone:1")
