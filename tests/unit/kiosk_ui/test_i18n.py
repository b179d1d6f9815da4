from __future__ import annotations

import re
import string
import unicodedata
from pathlib import Path

import pytest

import kiosk_ui
from kiosk_ui import i18n

FOLDER = Path(kiosk_ui.__file__).parent
SOURCES = [
    path.read_text(encoding="utf-8") for path in [*FOLDER.glob("*.py"), *FOLDER.rglob("*/*.py")]
]
KEYS = sorted(i18n.texts("vi"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_in_the_same_order() -> None:
    assert list(i18n.texts("vi")) == list(i18n.texts("en"))


def test_both_languages_have_the_same_placeholders() -> None:
    vi, en = i18n.texts("vi"), i18n.texts("en")
    assert [key for key in KEYS if placeholders(vi[key]) != placeholders(en[key])] == []


def test_no_key_is_unused_and_none_is_missing() -> None:
    used = {key for source in SOURCES for key in re.findall(r'"([a-z_]+\.[a-z0-9_]+)"', source)}
    assert sorted(set(KEYS) - used) == []
    missing = {key for key in used - set(KEYS) if key.split(".")[0] in prefixes()}
    assert sorted(missing) == []


def prefixes() -> set[str]:
    return {key.split(".")[0] for key in KEYS}


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_sentences_are_short(language: i18n.Language) -> None:
    """15 words; a Vietnamese word has one or two syllables, written apart."""
    most = 15 if language == "en" else 20
    assert [
        sentence
        for text in i18n.texts(language).values()
        for sentence in re.split(r"[.?!:]\s", text)
        if len(sentence.split()) > most
    ] == []


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_codes_and_no_strange_characters(language: i18n.Language) -> None:
    for text in i18n.texts(language).values():
        assert text == text.strip() != ""
        assert unicodedata.is_normalized("NFC", text)
        assert not re.search(r"E_[A-Z]|HTTP|\b[45]\d\d\b|[<>\[\]]", text)


def test_a_text_with_letters_of_vietnamese_is_vietnamese() -> None:
    """Texts were not swapped or forgotten in translation."""
    vietnamese = re.compile(
        r"[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE
    )
    english = [key for key, text in i18n.texts("en").items() if vietnamese.search(text)]
    assert english == []


def test_a_phrase_carries_the_name_of_its_clip() -> None:
    phrase = i18n.say("vi", "ticket.title", number="A001")
    assert (phrase.key, phrase.text) == ("ticket.title", "Số của bạn: A001")
    assert i18n.shown("Khoa Mắt").key == ""


def test_text_from_outside_is_not_a_template() -> None:
    assert "{hotline}" in i18n.say("vi", "ticket.title", number="{hotline}").text


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        i18n.say("en", "no.such_key")
