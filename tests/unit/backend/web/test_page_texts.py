from __future__ import annotations

import json
from typing import Any

import pytest

from backend.web.page_texts import FOLDER, LANGUAGES, texts

AREAS = sorted(path.stem for path in (FOLDER / "vi").glob("*.json"))


def shape(words: Any) -> Any:
    return {key: shape(word) for key, word in words.items()} if isinstance(words, dict) else None


def test_both_languages_have_the_same_areas() -> None:
    for language in LANGUAGES:
        assert sorted(path.stem for path in (FOLDER / language).glob("*.json")) == AREAS


@pytest.mark.parametrize("area", AREAS)
def test_both_languages_have_the_same_keys(area: str) -> None:
    assert shape(texts("vi", area)) == shape(texts("en", area))


@pytest.mark.parametrize("area", AREAS)
def test_no_word_is_left_empty(area: str) -> None:
    def leaves(words: Any) -> list[str]:
        if isinstance(words, dict):
            return [leaf for word in words.values() for leaf in leaves(word)]
        return [words]

    for language in LANGUAGES:
        words = json.loads((FOLDER / language / f"{area}.json").read_text(encoding="utf-8"))
        assert all(isinstance(leaf, str) and leaf.strip() for leaf in leaves(words))


def test_a_page_gets_the_common_words_too() -> None:
    assert texts("vi", "phone").keys() > texts("vi").keys()
