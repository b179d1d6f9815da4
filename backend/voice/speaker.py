"""Pieces of a call become one sound: chime, words, pauses, said as often as the call wants."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.domain.calling_words import Phrase
from backend.errors import VoiceUnavailable
from backend.events import Event
from backend.logging import log
from backend.voice.clips import ClipCache
from backend.voice.espeak import EspeakEngine
from backend.voice.ports import VoiceStyle
from backend.voice.recorded import ClipPack, RecordedEngine, load_packs, phrase_key
from backend.voice.sound import Samples, chime, silence, write_wav

AFTER_CHIME_MS = 150
BETWEEN_TIMES_MS = 900
JOINT_MS = 40
"""Between pieces that flow into one another."""
CALL_BUDGET_S = 3.0
"""A call waits this long for clips that are missing, then it is not spoken but still shown."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """`packs` are the recorded ones; the clips come from them first."""

    clips: ClipCache
    packs: tuple[ClipPack, ...] = ()
    monotonic_s: Callable[[], float] = time.monotonic

    def speak(
        self,
        phrases: tuple[Phrase, ...],
        style: VoiceStyle,
        *,
        times: int = 1,
        with_chime: bool = True,
        trial: bool = False,
    ) -> bytes:
        """A WAV of the whole call; some milliseconds when its clips are there.

        `trial`: somebody tries a wording, no hall waits; clips made for it are not late.

        Raises VoiceUnavailable when a clip is missing and cannot be made within CALL_BUDGET_S.
        """
        give_up_at_s = self.monotonic_s() + CALL_BUDGET_S
        late_before = self.clips.counts.late
        once: list[Samples] = []
        for index, phrase in enumerate(phrases):
            left_s = give_up_at_s - self.monotonic_s()
            if left_s <= 0:
                raise VoiceUnavailable("the voice is too slow")
            if index:
                once.append(silence(max(phrase.pause_before_ms, JOINT_MS)))
            once.append(self.clips.get(phrase.text, style, timeout_s=left_s, ahead=trial))
        if not once:
            raise VoiceUnavailable("there is nothing to say")
        late = self.clips.counts.late - late_before
        if late:
            log(Event.VOICE_CLIPS_MADE_LATE, count=late, language=style.language)
        sounds: list[Samples] = [chime(), silence(AFTER_CHIME_MS)] if with_chime else []
        for turn in range(times):
            sounds += [silence(BETWEEN_TIMES_MS), *once] if turn else once
        return write_wav(np.concatenate([*sounds, silence(100)]))

    def has_recording(self, phrase: str, style: VoiceStyle) -> bool:
        """True when somebody recorded this very phrase as a whole."""
        return any(phrase_key(phrase) in pack.files for pack in self.packs if pack.fits(style))

    def list_recordings(self) -> list[str]:
        """Every phrase that somebody recorded, in small letters as `phrase_key` writes them."""
        return sorted({phrase for pack in self.packs for phrase in pack.files})


def open_speaker(*, clips_folder: Path, packs_folder: Path) -> Speaker:
    """Recorded clips first, espeak-ng for the rest. Never fails: what is missing shows later."""
    packs = load_packs(packs_folder)
    for pack in packs:
        if pack.faults:
            log(Event.VOICE_PACK_DAMAGED, faults=len(pack.faults))
    engine = RecordedEngine(packs, otherwise=EspeakEngine())
    return Speaker(clips=ClipCache(clips_folder, engine), packs=packs)
