"""Words of the pages, Vietnamese first: `locales/LANGUAGE/AREA.json`, one file per page area.

Every page knows the words of `common`; a page names the areas it shows besides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
FOLDER = Path(__file__).with_name("locales")


@cache
def texts(language: Language, *areas: str) -> Mapping[str, Any]:
    """The words of `common` and of `areas` by key. A template says `t.key`.

    Raises FileNotFoundError for an area nobody wrote, ValueError for a key that two areas use.
    """
    found: dict[str, Any] = {}
    for area in dict.fromkeys(("common", *areas)):
        words = json.loads((FOLDER / language / f"{area}.json").read_text(encoding="utf-8"))
        if twice := found.keys() & words.keys():
            raise ValueError(f"{area}.json uses the keys of another area: {sorted(twice)}")
        found |= words
    return found


def find_language(untrusted_text: str | None) -> Language | None:
    return "vi" if untrusted_text == "vi" else "en" if untrusted_text == "en" else None
