from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from backend.domain.calling_settings import CallingSettings
from backend.domain.calling_words import Phrase, SpokenCall, call_words
from backend.domain.reading import Language
from backend.errors import VoiceUnavailable
from backend.voice.clips import ClipCache
from backend.voice.espeak import EspeakEngine
from backend.voice.ports import VoiceStyle
from backend.voice.sound import RATE_HZ, chime, make_clip, read_wav
from backend.voice.speaker import AFTER_CHIME_MS, BETWEEN_TIMES_MS, CALL_BUDGET_S, Speaker
from tests.factories.voices import VI, ToneEngine, level_db

CALL = (
    Phrase(text="Mời bệnh nhân số"),
    Phrase(text="một trăm linh hai", pause_before_ms=300),
    Phrase(text="đến phòng"),
    Phrase(text="một không hai", pause_before_ms=300),
)


@pytest.fixture
def engine() -> ToneEngine:
    return ToneEngine()


@pytest.fixture
def speaker(tmp_path: Path, engine: ToneEngine) -> Speaker:
    return Speaker(clips=ClipCache(tmp_path, engine))


def silent_stretches_ms(sound: np.ndarray) -> list[int]:
    quiet = np.concatenate([[0], np.abs(sound) < 8, [0]]).astype(int)
    edges = np.flatnonzero(np.diff(quiet))
    lengths = [
        int((end - start) * 1000 / RATE_HZ)
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return [length for length in lengths if length > 100]


def test_once_without_chime(speaker: Speaker) -> None:
    sound = read_wav(speaker.speak(CALL, VI, with_chime=False))
    assert silent_stretches_ms(sound)[:2] == pytest.approx([300, 300], abs=12)


def test_twice_after_one_chime(speaker: Speaker) -> None:
    once = len(read_wav(speaker.speak(CALL, VI, with_chime=False)))
    twice = read_wav(speaker.speak(CALL, VI, times=2))
    assert np.array_equal(twice[: len(chime())], chime())
    tail = round(0.1 * RATE_HZ)
    pauses = round((AFTER_CHIME_MS + BETWEEN_TIMES_MS) / 1000 * RATE_HZ)
    assert len(twice) == pytest.approx(len(chime()) + pauses + 2 * (once - tail) + tail, abs=4)


def test_no_joint_clicks_and_nothing_clips(speaker: Speaker) -> None:
    sound = read_wav(speaker.speak(CALL, VI, times=2, with_chime=False)).astype(int)
    assert np.abs(sound).max() < 32767 * 0.9
    inside = max(
        np.abs(
            np.diff(
                make_clip(read_wav(ToneEngine().synthesise(p.text, VI, timeout_s=1))).astype(int)
            )
        ).max()
        for p in CALL
    )
    assert np.abs(np.diff(sound)).max() <= inside


def test_a_late_clip_is_spoken_and_counted(
    speaker: Speaker, engine: ToneEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="tiepdon")
    speaker.speak(CALL, VI)
    assert len(engine.said) == 4
    assert speaker.clips.counts.late == 4
    assert [r.message for r in caplog.records] == ["voice_clips_made_late"]
    speaker.speak(CALL, VI)
    assert len(engine.said) == 4
    assert len(caplog.records) == 1


def test_nothing_to_say(speaker: Speaker) -> None:
    with pytest.raises(VoiceUnavailable):
        speaker.speak((), VI)


def test_a_call_does_not_wait_for_ever(tmp_path: Path) -> None:
    ticks = iter([0.0, 0.1, CALL_BUDGET_S + 0.1])
    speaker = Speaker(clips=ClipCache(tmp_path, ToneEngine()), monotonic_s=lambda: next(ticks))
    with pytest.raises(VoiceUnavailable, match="slow"):
        speaker.speak(CALL, VI)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is missing")
@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_real_call_as_it_is_heard(tmp_path: Path, language: Language) -> None:
    """Pauses before number and room, no clipping, no click, even loudness, first sound at once."""
    speaker = Speaker(clips=ClipCache(tmp_path, EspeakEngine()))
    words = call_words(SpokenCall(number="A104", room_code="205"), CallingSettings(), language)
    style = VoiceStyle(language=language)
    sound = read_wav(speaker.speak(words.phrases, style, with_chime=False)).astype(int)
    assert len([pause for pause in silent_stretches_ms(sound) if 290 <= pause <= 420]) >= 2
    assert 0.5 < np.abs(sound).max() / 32768 < 0.9
    levels = [level_db(speaker.clips.get(phrase.text, style)) for phrase in words.phrases]
    assert max(levels) - min(levels) < 5
    whole = read_wav(speaker.speak(words.phrases, style, times=words.times)).astype(int)
    assert np.flatnonzero(np.abs(whole) > 1000)[0] / RATE_HZ < 0.05
    assert 8 < len(whole) / RATE_HZ < 14
