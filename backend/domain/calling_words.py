"""What a call says: the words on the screen, and the same as pieces that are spoken.

Spoken pieces are stable ("Mời bệnh nhân số", "đến phòng", "một không hai"), so that each is one
clip made or recorded once. Neither words nor pieces know a name, a birth date, an insurance
number, a clinic's kind or a reason: nothing of that is in a SpokenCall.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from backend.domain.calling_settings import TEMPLATES, CallingSettings
from backend.domain.reading import (
    Language,
    Region,
    UnreadableCode,
    read_digits,
    read_number,
    read_number_en,
    read_room_code,
    read_ticket_number,
)

CallKind: TypeAlias = Literal[
    "call", "missed", "get_ready", "pharmacy_range", "results_ready", "room_moved", "room_paused"
]
RoomKind: TypeAlias = Literal["room", "counter"]

STOP_MS = 450
COMMA_MS = 200
MAX_NUMBERS = 5
"""A hall does not keep more in mind."""
MAX_SENTENCE_CHARS = 600
MAX_PHRASE_CHARS = 160


@dataclass(frozen=True, kw_only=True)
class SpokenCall:
    """What may be said in public, and nothing else.

    `room_code` is the room's or counter's; `attempt` counts the calls of one number. The fields
    at the end belong to `get_ready`, `pharmacy_range`, `room_moved` and `room_paused`.
    """

    kind: CallKind = "call"
    number: str = ""
    room_code: str = ""
    room_kind: RoomKind = "room"
    attempt: int = 1
    priority_lane: bool = False
    numbers: tuple[str, ...] = ()
    last_number: str = ""
    new_room_code: str = ""
    minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class Phrase:
    """A piece that is always spoken alike: one clip. The pause comes before it."""

    text: str
    pause_before_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class CallWords:
    """`shown` stands on the screen; `phrases` are said `times` times, after the chime."""

    shown: str
    phrases: tuple[Phrase, ...]
    times: int


def template_kind(call: SpokenCall) -> str:
    """Which sentence of `calling_settings.TEMPLATES` a call takes."""
    if call.kind != "call":
        return call.kind
    if call.attempt >= 3:
        return f"last_call_{call.room_kind}"
    if call.attempt == 2:
        return f"second_call_{call.room_kind}"
    if call.room_kind == "counter" and call.priority_lane:
        return "call_priority_counter"
    return f"call_{call.room_kind}"


def call_words(call: SpokenCall, settings: CallingSettings, language: Language) -> CallWords:
    """The words of a call in one language.

    A room code no voice can read is shown, and people are told to look at the screen. Raises
    UnreadableCode for a number that cannot be said: there is nobody to call.
    """
    kind = template_kind(call)
    shown = _show(call, settings, language, kind)
    try:
        return template_words(kind, settings, language, call)
    except UnreadableCode:
        if kind in {"room_moved", "room_paused"}:
            raise
        # It was the number: this raises again.
        rescue = replace(call, kind="call", attempt=1)
        phrases = tuple(_speak(rescue, settings, language, "call_see_screen"))
        times = settings.get_template("call_see_screen").times
        return CallWords(shown=shown, phrases=phrases, times=times)


def template_words(
    kind: str, settings: CallingSettings, language: Language, call: SpokenCall
) -> CallWords:
    """One sentence of the templates, whichever a call would have taken: for whoever words it.

    Raises UnreadableCode for a number or a room that no voice can read.
    """
    return CallWords(
        shown=_show(call, settings, language, kind),
        phrases=tuple(_speak(call, settings, language, kind)),
        times=settings.get_template(kind).times,
    )


def text_phrases(text: str, language: Language, region: Region = "bac") -> tuple[Phrase, ...]:
    """A free text (an announcement) in pieces that fit one clip each; empty for one of signs only.

    Its numbers become words here, so that every voice reads them alike. Longer than
    MAX_SENTENCE_CHARS is cut: nobody listens that long.
    """
    plain = unicodedata.normalize("NFC", text)[:MAX_SENTENCE_CHARS]
    return tuple(_pieces(_NUMBER.sub(lambda match: _number_words(match, language, region), plain)))


_NUMBER = re.compile(
    r"(?<![0-9])(?:([0-9]{1,2}):([0-9]{2})|([0-9]{1,3}(?:\.[0-9]{3}){1,3})|([0-9]+))(?![0-9])"
)
"""A time, a number in thousands, or plain digits."""
MAX_CARDINAL_DIGITS = 4
"""Longer runs are telephone numbers and codes."""


def _number_words(match: re.Match[str], language: Language, region: Region) -> str:
    hours, minutes, grouped, digits = match.groups()
    if hours is not None:
        spoken_hours = _cardinal(int(hours), language, region)
        spoken_minutes = _cardinal(int(minutes), language, region) if int(minutes) else ""
        return f"{spoken_hours} {_HOURS[language]} {spoken_minutes}"
    if grouped is not None:
        value = int(grouped.replace(".", ""))
        return read_number(value, region) if language == "vi" else str(value)
    if len(digits) > MAX_CARDINAL_DIGITS or (len(digits) > 1 and digits.startswith("0")):
        return read_digits(digits, language)
    return _cardinal(int(digits), language, region)


_HOURS = {"vi": "giờ", "en": ""}


def _cardinal(number: int, language: Language, region: Region) -> str:
    return read_number(number, region) if language == "vi" else read_number_en(number)


def fixed_phrases(settings: CallingSettings, language: Language) -> tuple[str, ...]:
    """Every piece of the templates that no number or room changes, once each, in their order."""
    texts: dict[str, None] = {}
    for kind in TEMPLATES:
        for literal, _, _, _ in string.Formatter().parse(_template(settings, language, kind)):
            texts |= dict.fromkeys(phrase.text for phrase in _pieces(literal))
    if language == "en":
        texts[_AND_EN] = None
    return tuple(texts)


def _template(settings: CallingSettings, language: Language, kind: str) -> str:
    template: str = getattr(settings.get_template(kind), language)
    word = settings.person_word if language == "vi" else "patient"
    return template.replace("{person}", word)


def _show(call: SpokenCall, settings: CallingSettings, language: Language, kind: str) -> str:
    *first, last = call.numbers or ("",)
    listed = f"{', '.join(first)} {_AND_EN} {last}" if first and language == "en" else None
    return _template(settings, language, kind).format(
        number=call.number,
        last_number=call.last_number,
        numbers=listed or ", ".join(call.numbers),
        room=call.room_code,
        new_room=call.new_room_code,
        minutes=call.minutes,
    )


_AND_EN = "and"


def _speak(
    call: SpokenCall, settings: CallingSettings, language: Language, kind: str
) -> Iterator[Phrase]:
    pending_ms = 0
    for literal, name, _, _ in string.Formatter().parse(_template(settings, language, kind)):
        for phrase in _pieces(literal):
            pause_ms = max(pending_ms, phrase.pause_before_ms)
            pending_ms = 0
            yield Phrase(text=phrase.text, pause_before_ms=pause_ms)
        pending_ms = _pause_at_end(literal)
        if name is None:
            continue
        for phrase in _value(call, settings, language, name):
            yield replace(phrase, pause_before_ms=max(phrase.pause_before_ms, pending_ms))
            pending_ms = 0


def _value(
    call: SpokenCall, settings: CallingSettings, language: Language, name: str
) -> Iterator[Phrase]:
    """Letters and number of one field; the pause before it lets people listen up."""
    if name == "minutes":
        yield Phrase(text=_cardinal(call.minutes, language, settings.region))
        return
    if name == "numbers":
        if not 0 < len(call.numbers) <= MAX_NUMBERS:
            raise UnreadableCode(f"takes 1 to {MAX_NUMBERS} numbers")
        for number in call.numbers:
            if language == "en" and len(call.numbers) > 1 and number is call.numbers[-1]:
                yield Phrase(text=_AND_EN)
            yield from _ticket(number, settings, language)
        return
    if name in {"number", "last_number"}:
        yield from _ticket(getattr(call, name), settings, language)
        return
    code = call.room_code if name == "room" else call.new_room_code
    pieces = read_room_code(
        code,
        language,
        region=settings.region,
        rooms=settings.rooms,
        leading_zeros=settings.leading_zeros,
    )
    yield from _after_pause(pieces, settings.pause_ms)


def _ticket(code: str, settings: CallingSettings, language: Language) -> Iterator[Phrase]:
    pieces = read_ticket_number(
        code, language, region=settings.region, leading_zeros=settings.leading_zeros
    )
    yield from _after_pause(pieces, settings.pause_ms)


def _after_pause(pieces: tuple[str, ...], pause_ms: int) -> Iterator[Phrase]:
    for index, piece in enumerate(pieces):
        yield Phrase(text=piece, pause_before_ms=0 if index else pause_ms)


_STOPS = re.compile(r"([.!?;:,\n…]+)")


def _pieces(text: str) -> Iterator[Phrase]:
    """Clauses between signs, without them; each pause tells which sign stood before."""
    pending_ms = 0
    for index, part in enumerate(_STOPS.split(text)):
        if index % 2:
            pending_ms = max(pending_ms, COMMA_MS if set(part) == {","} else STOP_MS)
            continue
        for piece in _short(" ".join(_speakable(part).split())):
            yield Phrase(text=piece, pause_before_ms=pending_ms)
            pending_ms = 0


def _speakable(text: str) -> str:
    """Letters, digits and what joins them: signs that a synthesiser would take as orders go."""
    return "".join(char if char.isalnum() or char in "-'’%/" else " " for char in text)


def _short(text: str) -> Iterator[str]:
    while len(text) > MAX_PHRASE_CHARS:
        cut = text.rfind(" ", 0, MAX_PHRASE_CHARS)
        cut = cut if cut > 0 else MAX_PHRASE_CHARS
        yield text[:cut].strip()
        text = text[cut:].strip()
    if any(char.isalnum() for char in text):
        yield text


def _pause_at_end(literal: str) -> int:
    """The pause of a sign that stands at the very end: it goes before what follows."""
    signs = _STOPS.split(literal.rstrip())
    if len(signs) < 3 or signs[-1].strip():
        return 0
    return COMMA_MS if set(signs[-2]) == {","} else STOP_MS
