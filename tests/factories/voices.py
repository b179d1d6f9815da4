"""Voices for tests: tones of a known pitch instead of words, and engines that misbehave."""

from __future__ import annotations

import hashlib
import json
import wave
from pathlib import Path

import numpy as np

from backend.errors import VoiceUnavailable
from backend.voice.ports import VoiceStyle
from backend.voice.sound import RATE_HZ, Samples, write_wav

VI = VoiceStyle(language="vi")
EN = VoiceStyle(language="en")


def tone(seconds: float = 0.3, *, level: float = 0.3, pitch_hz: float = 440) -> Samples:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (np.sin(2 * np.pi * pitch_hz * time_s) * level * 32767).astype(np.int16)


def level_db(samples: Samples) -> float:
    return float(20 * np.log10(np.sqrt(np.mean((samples / 32768.0) ** 2))))


class ToneEngine:
    """Says every text as a tone of its own; remembers what was asked."""

    def __init__(self, identity: str = "tone:1", *, level: float = 0.3) -> None:
        self.identity = identity
        self.level = level
        self.said: list[str] = []
        self.is_missing = False

    def synthesise(self, text: str, style: VoiceStyle, *, timeout_s: float) -> bytes:
        if self.is_missing:
            raise VoiceUnavailable("tone is not installed")
        self.said.append(text)
        pitch_hz = 200 + int(hashlib.sha256(text.encode()).hexdigest()[:4], 16) % 800
        return write_wav(tone(0.2 + 0.01 * len(text), level=self.level, pitch_hz=pitch_hz))


def write_pack(folder: Path, wavs: dict[str, bytes | None], **changes: object) -> Path:
    """A pack whose phrases have these WAVs (None: the file is not there)."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {phrase: f"clip-{number}.wav" for number, phrase in enumerate(wavs)}
    for phrase, content in wavs.items():
        if content is not None:
            (folder / names[phrase]).write_bytes(content)
    manifest = {"format": 1, "name": "Thử", "language": "vi", "region": "bac", "clips": names}
    (folder / "pack.json").write_text(json.dumps(manifest | changes), encoding="utf-8")
    return folder


def strange_wav(samples: Samples, *, rate_hz: int = RATE_HZ, channels: int = 1) -> bytes:
    """As another recorder writes it."""
    import io

    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(2)
        wav.setframerate(rate_hz)
        wav.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())
    return file.getvalue()
