"""What a board plays and shows for a call or an announcement.

The displays call this when a call is on its way to them; with warm clips it takes milliseconds.
"""

from __future__ import annotations

from backend.domain.announcements import Announcement
from backend.domain.calling_settings import CallingSettings
from backend.domain.calling_words import (
    CallWords,
    Phrase,
    SpokenCall,
    call_words,
    template_words,
    text_phrases,
)
from backend.domain.reading import Language, UnreadableCode
from backend.errors import ValidationFailed
from backend.services.resources import Resources
from backend.voice.ports import VoiceStyle
from backend.voice.speaker import Speaker


def show_call(resources: Resources, call: SpokenCall, language: Language) -> str:
    """The sentence on the screen. Raises ValidationFailed for a number that cannot be called."""
    return _words(_settings(resources), call, language).shown


def render_speech(
    resources: Resources, call: SpokenCall, language: Language, *, with_chime: bool | None = None
) -> bytes:
    """A WAV of the whole call. `with_chime`: False for a second language right after the first.

    Raises ValidationFailed for a number that cannot be called, VoiceUnavailable when nothing can
    say it: the board shows the call all the same.
    """
    settings = _settings(resources)
    words = _words(settings, call, language)
    return resources.speaker.speak(
        words.phrases,
        voice_style(settings, language),
        times=words.times,
        with_chime=settings.chime if with_chime is None else with_chime,
    )


def render_announcement(
    resources: Resources,
    announcement: Announcement,
    language: Language,
    *,
    trial: bool = False,
) -> bytes:
    """A WAV of an announcement, said once: as recorded, otherwise its text in our voice.

    Raises VoiceUnavailable, also when there is no text in this language.
    """
    settings = _settings(resources)
    style = voice_style(settings, language)
    phrases = announcement_phrases(resources.speaker, announcement, style)
    return resources.speaker.speak(phrases, style, with_chime=settings.chime, trial=trial)


def try_template(
    resources: Resources,
    settings: CallingSettings,
    kind: str,
    call: SpokenCall,
    language: Language,
) -> bytes:
    """A WAV of one sentence under settings that nobody has saved yet.

    Raises ValidationFailed for what no voice can read, VoiceUnavailable.
    """
    try:
        words = template_words(kind, settings, language, call)
    except UnreadableCode as error:
        raise ValidationFailed(f"the number or room {error}") from error
    return resources.speaker.speak(
        words.phrases,
        voice_style(settings, language),
        times=words.times,
        with_chime=settings.chime,
        trial=True,
    )


def announcement_phrases(
    speaker: Speaker, announcement: Announcement, style: VoiceStyle
) -> tuple[Phrase, ...]:
    if announcement.clip and speaker.has_recording(announcement.clip, style):
        return (Phrase(text=announcement.clip),)
    text = announcement.text_vi if style.language == "vi" else announcement.text_en
    return text_phrases(text, style.language, style.region)


def voice_style(settings: CallingSettings, language: Language) -> VoiceStyle:
    return VoiceStyle(language=language, region=settings.region, rate=settings.rate)


def _settings(resources: Resources) -> CallingSettings:
    return resources.catalogue.get().settings.calling


def _words(settings: CallingSettings, call: SpokenCall, language: Language) -> CallWords:
    try:
        return call_words(call, settings, language)
    except UnreadableCode as error:
        raise ValidationFailed(f"the number {error}") from error
