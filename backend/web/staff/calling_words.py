"""The page of the calling words: sentences, voice, pauses and loudness, each heard before it is kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.calling_settings import (
    MAX_TIMES,
    MAX_ZONES,
    NOTICE_KINDS,
    TEMPLATES,
    CallingSettings,
    CallTemplate,
    find_faults,
    template_fields,
)
from backend.domain.calling_words import SpokenCall, template_words
from backend.domain.reading import Language, UnreadableCode
from backend.errors import CallingWordsChanged, CallingWordsRefused
from backend.services.change_calling_words import (
    KeptCallingWords,
    change_calling_words,
    get_calling_words,
    list_zones,
    undo_calling_words,
)
from backend.services.render_speech import try_template
from backend.web.api import caller, resources
from backend.web.calling_words import WORDING_ROLES
from backend.web.page_texts import LANGUAGES, find_language
from backend.web.pages import render_page, staff_page

SAMPLE_NUMBER, SAMPLE_ROOM = "A024", "102"
MAX_SAMPLE_CHARS = 10
PERSON_WORDS = ("bệnh nhân", "người bệnh")
_SIMPLE = ("person_word", "region", "rooms", "leading_zeros")
_FIGURES = ("rate", "pause_ms", "gap_s", "drop_calls_after_s")

blueprint = Blueprint("staff_calling_words", __name__, url_prefix="/staff/calling-words")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a sentence looks and sounds like; both empty when it cannot stand."""

    shown: str = ""
    spoken: str = ""
    is_faulty: bool = False


@dataclass(frozen=True, kw_only=True)
class Lost:
    """Something typed that was not saved. `kind` and `language` are of a sentence."""

    name: str
    text: str
    kind: str = ""
    language: str = ""


@blueprint.get("")
@staff_page(*WORDING_ROLES)
def show() -> Response:
    return _page(get_calling_words(resources().database))


@blueprint.post("")
@staff_page(*WORDING_ROLES)
def change() -> ResponseReturnValue:
    database = resources().database
    wish = _read_form()
    try:
        change_calling_words(database, wish, version=_version(), staff=caller())
    except CallingWordsRefused as error:
        kept = get_calling_words(database)
        return _page(kept, wish=wish, status=error.status, faults=set(error.fields))
    except CallingWordsChanged as error:
        # Shown as they stand now; what was typed stands above, to be taken over by hand.
        kept = get_calling_words(database)
        lost = list(_differences(wish, kept.words))
        return _page(kept, status=error.status, refused=error.code, lost=lost)
    return redirect("/staff/calling-words?done=changed", 303)


@blueprint.post("/undo")
@staff_page(*WORDING_ROLES)
def undo() -> ResponseReturnValue:
    database = resources().database
    try:
        undo_calling_words(database, version=_version(), staff=caller())
    except CallingWordsChanged as error:
        return _page(get_calling_words(database), status=error.status, refused=error.code)
    return redirect("/staff/calling-words?done=undone", 303)


@blueprint.post("/preview")
@staff_page(*WORDING_ROLES)
def preview() -> Response:
    """Every sentence of the form as it is now; nothing is kept."""
    previews = _previews(_read_form())
    return jsonify(
        {
            kind: {language: vars(found) for language, found in each.items()}
            for kind, each in previews.items()
        }
    )


@blueprint.post("/sound")
@staff_page(*WORDING_ROLES)
def sound() -> Response:
    """One sentence of the form as it is now, `say` = its kind and language; nothing is kept.

    Raises CallingWordsRefused, ValidationFailed, VoiceUnavailable.
    """
    kind, _, lang = request.form.get("say", "").partition(" ")
    language, wish = find_language(lang), _read_form()
    faults = find_faults(wish)
    if kind not in TEMPLATES or language is None:
        faults = ["say"]
    if faults or language is None:
        raise CallingWordsRefused(tuple(faults))
    wav = try_template(resources(), wish, kind, _sample(), language)
    return Response(wav, content_type="audio/wav", headers={"Cache-Control": "no-store"})


# --- the form --------------------------------------------------------------------------------


def _read_form() -> CallingSettings:
    """The form as typed; `find_faults` says what of it cannot be kept.

    A sentence left empty is the usual one.
    """
    form = request.form
    return CallingSettings(
        templates={kind: _read_template(kind) for kind in TEMPLATES},
        person_word=_one_line("person_word"),
        languages=cast("tuple[Language, ...]", tuple(form.get("languages", "").split())),
        region=cast("Any", form.get("region", "")),
        rooms=cast("Any", form.get("rooms", "")),
        leading_zeros=cast("Any", form.get("leading_zeros", "")),
        rate=_figure("rate"),
        pause_ms=int(_figure("pause_ms")),
        chime="chime" in form,
        gap_s=_figure("gap_s"),
        drop_calls_after_s=_figure("drop_calls_after_s"),
        silent=tuple(kind for kind in NOTICE_KINDS if kind not in form.getlist("said")),
        volume=dict(_read_volume()),
    )


def _read_template(kind: str) -> CallTemplate:
    usual = TEMPLATES[kind]
    return CallTemplate(
        vi=_one_line(f"{kind}.vi") or usual.vi,
        en=_one_line(f"{kind}.en") or usual.en,
        times=int(_figure(f"{kind}.times")),
    )


def _read_volume() -> Iterator[tuple[str, int]]:
    """Rows of the form: a zone's name ("" the first time is for all others) and its loudness."""
    rows = zip(request.form.getlist("zone"), request.form.getlist("volume"), strict=False)
    for index, (zone, volume) in enumerate(list(rows)[: MAX_ZONES + 1]):
        name = " ".join(zone.split())
        if name or index == 0:
            yield name, int(_as_figure(volume))


def _figure(name: str) -> float:
    return _as_figure(request.form.get(name, ""))


def _as_figure(text: str) -> float:
    """-1, which fits nowhere, for what is no figure. A comma is how Vietnam writes the point."""
    try:
        figure = float(text.replace(",", "."))
    except ValueError:
        return -1
    return figure if math.isfinite(figure) and abs(figure) < 1e6 else -1


def _one_line(name: str) -> str:
    return " ".join(request.form.get(name, "")[:1_000].split())


def _version() -> int:
    text = request.form.get("version", "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1


def _sample() -> SpokenCall:
    number = _one_line("number")[:MAX_SAMPLE_CHARS] or SAMPLE_NUMBER
    return SpokenCall(
        number=number,
        room_code=_one_line("room")[:MAX_SAMPLE_CHARS] or SAMPLE_ROOM,
        numbers=(number, "A025", "A026"),
        last_number="A040",
        new_room_code="205",
        minutes=15,
    )


# --- the page --------------------------------------------------------------------------------


def _previews(words: CallingSettings) -> dict[str, dict[str, Preview]]:
    faults, call = set(find_faults(words)), _sample()
    return {
        kind: {language: _preview(words, kind, language, call, faults) for language in LANGUAGES}
        for kind in TEMPLATES
    }


def _preview(
    words: CallingSettings, kind: str, language: Language, call: SpokenCall, faults: set[str]
) -> Preview:
    if f"templates.{kind}.{language}" in faults:
        return Preview(is_faulty=True)
    if faults & set(_SIMPLE):
        return Preview()  # no sentence can be read like this, and none of them is to blame
    try:
        found = template_words(kind, words, language, call)
    except UnreadableCode:
        return Preview(is_faulty=True)
    spoken = " · ".join(phrase.text for phrase in found.phrases)
    return Preview(shown=found.shown, spoken=spoken)


def _differences(wish: CallingSettings, present: CallingSettings) -> Iterator[Lost]:
    for kind in TEMPLATES:
        for language in LANGUAGES:
            text = getattr(wish.get_template(kind), language)
            if text != getattr(present.get_template(kind), language):
                yield Lost(name="sentence", text=text, kind=kind, language=language)
    for name in (*_SIMPLE, *_FIGURES):
        if getattr(wish, name) != getattr(present, name):
            yield Lost(name=name, text=str(getattr(wish, name)))
    for zone, volume in wish.volume.items():
        if present.volume_of(zone) != volume:
            yield Lost(name="volume", text=f"{zone} {volume} %")


def _page(
    kept: KeptCallingWords,
    *,
    wish: CallingSettings | None = None,
    status: int = 200,
    refused: str | None = None,
    faults: set[str] | None = None,
    lost: list[Lost] | None = None,
) -> Response:
    words = wish or kept.words
    zones = [zone for zone in list_zones(resources().database) if zone not in words.volume]
    return render_page(
        "staff/calling_words.html",
        "staff",
        "calling_words",
        status=status,
        kept=kept,
        # What somebody typed over stays theirs to save: the version is that of their own form.
        version=_version() if wish else kept.version,
        words=words,
        sentences={kind: words.get_template(kind) for kind in TEMPLATES},
        usual=TEMPLATES,
        notice_kinds=NOTICE_KINDS,
        needed={kind: sorted(template_fields(usual.vi)) for kind, usual in TEMPLATES.items()},
        previews=_previews(words),
        person_words=dict.fromkeys((*PERSON_WORDS, words.person_word)),
        languages=" ".join(words.languages),
        times=range(1, MAX_TIMES + 1),
        volumes=[("", words.volume_of(""))]
        + [(zone, words.volume_of(zone)) for zone in sorted({*words.volume, *zones} - {""})],
        sample_number=_one_line("number") or SAMPLE_NUMBER,
        sample_room=_one_line("room") or SAMPLE_ROOM,
        faults=faults or set(),
        refused=refused,
        lost=lost,
        done=request.args.get("done"),
    )
