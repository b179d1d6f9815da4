"""Texts for people: a catalogue per language, found by key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from kiosk_ui.presenters.views import Phrase

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
_FOLDER = Path(__file__).with_name("locales")


@cache
def texts(language: Language) -> Mapping[str, str]:
    """All texts of a language by key."""
    found: Mapping[str, str] = json.loads(
        (_FOLDER / language / "kiosk.json").read_text(encoding="utf-8")
    )
    return found


def say(language: Language, key: str, **values: object) -> Phrase:
    """The text of `key`, `{name}` filled from `values`. Raises KeyError for an unknown key.

    The key is the name of the audio clip too.
    """
    text = texts(language)[key]
    return Phrase(key=key, text=text.format(**values) if values else text)


def shown(text: str) -> Phrase:
    """A text that is data, such as the name of a department: it has no clip."""
    return Phrase(key="", text=text)
