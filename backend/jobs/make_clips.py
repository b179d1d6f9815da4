"""Makes the clips of the day ahead, so that no call waits for its voice.

A little at a time: the worker has other jobs, and a call never depends on this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from backend.domain.calling_words import fixed_phrases
from backend.domain.catalogue import Catalogue
from backend.domain.reading import (
    Language,
    UnreadableCode,
    read_letter,
    read_number,
    read_number_en,
    read_room_code,
    read_ticket_number,
)
from backend.errors import VoiceUnavailable
from backend.events import Event
from backend.logging import log
from backend.services.keep_announcements import list_active_announcements
from backend.services.manage_displays import list_displays
from backend.services.render_speech import announcement_phrases, voice_style
from backend.services.resources import Resources
from backend.voice.ports import VoiceStyle

BUDGET_S = 0.5
"""Each ten seconds: a twentieth of one core for the first minutes of a new server, then nothing."""
NUMBERS_TO = 999
ALPHABET = "ABCDĐEGHIKLMNOPQRSTUVXYFJWZ"
PHRASE_TIMEOUT_S = 3.0


def make_clips(
    resources: Resources,
    *,
    budget_s: float = BUDGET_S,
    monotonic_s: Callable[[], float] = time.monotonic,
) -> int:
    """How many were made; 0 when all are there. Stops at the budget and goes on next time.

    Raises StorageUnavailable, CatalogueUnavailable. Without a voice or a folder that takes files
    it gives up for this time.
    """
    clips = resources.speaker.clips
    stop_at_s = monotonic_s() + budget_s
    unwritten = clips.counts.unwritten
    made = 0
    for text, style in planned_phrases(resources):
        if clips.has(text, style):
            continue
        if monotonic_s() >= stop_at_s or clips.counts.unwritten > unwritten:
            break
        try:
            clips.get(text, style, timeout_s=PHRASE_TIMEOUT_S, ahead=True)
        except VoiceUnavailable:
            # Told once by the clips. A pack without a synthetic voice still has other phrases.
            continue
        made += 1
    if made:
        log(Event.VOICE_CLIPS_MADE, count=made)
    return made


def planned_phrases(resources: Resources) -> Iterator[tuple[str, VoiceStyle]]:
    """What a day is likely to need, the most needed first: sentences, rooms, letters, numbers."""
    catalogue = resources.catalogue.get()
    calling = catalogue.settings.calling
    languages = _list_languages(resources, calling.languages)
    for language in languages:
        style = voice_style(calling, language)
        for text in day_phrases(catalogue, language):
            yield text, style
    for announcement in list_active_announcements(resources.database):
        for language in languages:
            style = voice_style(calling, language)
            if announcement.spoken:
                for phrase in announcement_phrases(resources.speaker, announcement, style):
                    yield phrase.text, style


def _list_languages(resources: Resources, always: Sequence[Language]) -> list[Language]:
    """Those of the facility, and English where a display that speaks has it beside Vietnamese."""
    languages = list(dict.fromkeys(always))
    displays = list_displays(resources.database)
    if "en" not in languages and any(each.speaks and each.english for each in displays):
        languages.append("en")
    return languages


def day_phrases(catalogue: Catalogue, language: Language) -> dict[str, None]:
    """Without repeats, in order."""
    calling = catalogue.settings.calling
    texts = dict.fromkeys(fixed_phrases(calling, language))
    for room in catalogue.rooms.values():
        try:
            pieces = read_room_code(
                room.code,
                language,
                region=calling.region,
                rooms=calling.rooms,
                leading_zeros=calling.leading_zeros,
            )
        except UnreadableCode:
            continue
        texts |= dict.fromkeys(pieces)
    for letter in ALPHABET:
        texts[read_letter(letter, language)] = None
    for number in range(NUMBERS_TO + 1):
        texts[
            read_number(number, calling.region) if language == "vi" else read_number_en(number)
        ] = None
        if calling.leading_zeros == "digits":
            # Three digits is how tickets are printed.
            read = read_ticket_number(
                f"{number:03d}", language, region=calling.region, leading_zeros="digits"
            )
            texts |= dict.fromkeys(read)
    return texts
