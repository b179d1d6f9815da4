"""What turns words into sound. Drivers: `espeak` (synthetic), `recorded` (a hospital's own)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from backend.domain.reading import Language, Region


@dataclass(frozen=True, kw_only=True)
class VoiceStyle:
    """Whose voice: the region matters in Vietnamese only. `rate` 1.0 is the engine's own."""

    language: Language
    region: Region = "bac"
    rate: float = 0.9


class SpeechEngine(Protocol):
    @property
    def identity(self) -> str:
        """Name and version: a clip is made again when it changes."""

    def synthesise(self, text: str, style: VoiceStyle, *, timeout_s: float) -> bytes:
        """A WAV of these words, 16 bit, for a text of a line at most.

        Signs are not orders: any text is only ever read. Raises VoiceUnavailable when the engine
        is not installed, does not know the language or takes longer than `timeout_s`.
        """
