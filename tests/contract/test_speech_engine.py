"""What every voice promises, real or for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.errors import VoiceUnavailable
from backend.voice.espeak import EspeakEngine
from backend.voice.ports import SpeechEngine, VoiceStyle
from backend.voice.recorded import RecordedEngine, load_pack
from backend.voice.sound import make_clip, read_wav, write_wav
from tests.factories.voices import EN, VI, ToneEngine, tone, write_pack


class SpeechEngineContract:
    @pytest.fixture
    def engine(self) -> SpeechEngine:
        raise NotImplementedError

    @pytest.mark.parametrize("style", [VI, EN, VoiceStyle(language="vi", region="nam")])
    def test_it_says_a_phrase(self, engine: SpeechEngine, style: VoiceStyle) -> None:
        text = "one two" if style.language == "en" else "một hai"
        assert len(make_clip(read_wav(engine.synthesise(text, style, timeout_s=10)))) > 1000

    def test_the_same_again_is_the_same(self, engine: SpeechEngine) -> None:
        first, second = (engine.synthesise("một hai", VI, timeout_s=10) for _ in range(2))
        assert np.array_equal(read_wav(first), read_wav(second))
        assert engine.identity == engine.identity != ""

    @pytest.mark.parametrize(
        "text", ["<b>một</b>", "[[m]] một", "-h một", "\n\tmột\0", "một" * 200]
    )
    def test_any_text_is_read_or_refused(self, engine: SpeechEngine, text: str) -> None:
        try:
            wav = engine.synthesise(text, VI, timeout_s=10)
        except VoiceUnavailable:
            return
        assert read_wav(wav).any()


class TestEspeakEngine(SpeechEngineContract):
    @pytest.fixture
    def engine(self) -> SpeechEngine:
        return EspeakEngine()


class TestRecordedEngine(SpeechEngineContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> SpeechEngine:
        clips: dict[str, bytes | None] = {"một": write_wav(tone()), "hai": write_wav(tone(0.5))}
        pack = load_pack(write_pack(tmp_path / "pack", clips))
        return RecordedEngine([pack], otherwise=ToneEngine())


class TestToneEngine(SpeechEngineContract):
    @pytest.fixture
    def engine(self) -> SpeechEngine:
        return ToneEngine()
