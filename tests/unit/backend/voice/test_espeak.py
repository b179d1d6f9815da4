from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from backend.errors import VoiceUnavailable
from backend.voice.espeak import EspeakEngine
from backend.voice.ports import VoiceStyle
from backend.voice.sound import RATE_HZ, make_clip, read_wav
from tests.factories.voices import EN, VI

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is missing")
SOUTH = VoiceStyle(language="vi", region="nam")


def say(text: str, style: VoiceStyle = VI) -> bytes:
    return EspeakEngine().synthesise(text, style, timeout_s=5)


def stub(folder: Path, script: str) -> EspeakEngine:
    binary = folder / "espeak-stub"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return EspeakEngine(str(binary))


@needs_espeak
@pytest.mark.parametrize("style", [VI, SOUTH, EN])
def test_it_speaks_each_language(style: VoiceStyle) -> None:
    clip = make_clip(read_wav(say("một trăm" if style.language == "vi" else "one hundred", style)))
    assert 0.3 < len(clip) / RATE_HZ < 2


@needs_espeak
def test_voices_and_paces_differ() -> None:
    north, south, english = (say("hai", style) for style in (VI, SOUTH, EN))
    assert len({north, south, english}) == 3
    slow = say("Mời bệnh nhân số", VoiceStyle(language="vi", rate=0.7))
    assert len(slow) > len(say("Mời bệnh nhân số", VoiceStyle(language="vi", rate=1.0)))
    assert EspeakEngine().identity.startswith("espeak-ng:1.")


@needs_espeak
def test_the_same_words_are_the_same_sound() -> None:
    assert say("đến phòng") == say("đến phòng")


@needs_espeak
@pytest.mark.parametrize(
    "text",
    ["[[h@l]] a", "<voice name='en'>a</voice>", "--help a", "-f /etc/passwd a", "a\0b", "$(a)"],
)
def test_hostile_text_is_only_read(text: str) -> None:
    samples = read_wav(say(text))
    assert 0.1 < len(samples) / RATE_HZ < 10


@needs_espeak
def test_marks_are_read_as_if_they_were_not_there() -> None:
    assert say("[[xin]]") == say("  xin  ")


@needs_espeak
def test_the_letter_x_can_be_heard() -> None:
    assert len(make_clip(read_wav(say("ích")))) / RATE_HZ > 0.4


@needs_espeak
def test_a_long_text_is_cut() -> None:
    assert len(read_wav(say("một hai " * 60))) / RATE_HZ < 60


def test_a_missing_engine_says_so() -> None:
    engine = EspeakEngine("espeak-not-here")
    assert engine.identity == "espeak-ng:none"
    with pytest.raises(VoiceUnavailable, match="not installed"):
        engine.synthesise("một", VI, timeout_s=1)


@pytest.mark.parametrize("script", ["exit 1", "exit 0", "echo RIFF", "kill -9 $$"])
def test_an_engine_that_fails(tmp_path: Path, script: str) -> None:
    with pytest.raises(VoiceUnavailable):
        stub(tmp_path, script).synthesise("một", VI, timeout_s=5)


def test_an_engine_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(VoiceUnavailable, match="in time"):
        stub(tmp_path, "exec sleep 30").synthesise("một", VI, timeout_s=0.2)


def test_a_version_nobody_knows(tmp_path: Path) -> None:
    assert stub(tmp_path, "echo hello").identity == "espeak-ng:unknown"
