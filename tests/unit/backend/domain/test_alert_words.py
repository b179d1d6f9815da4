from __future__ import annotations

import re

import pytest

from backend.domain.alert_words import Language, _read, mail_words, name_subject, words_of
from backend.domain.alerts import AlertKind, AlertPhase

MOST_WORDS = 15
MOST_CHARS_OF_A_TITLE = 45


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_says_what_is_wrong_and_what_to_do(kind: AlertKind, language: Language) -> None:
    words = words_of(kind, language)
    assert 0 < len(words.of(AlertPhase.RAISED)) <= MOST_CHARS_OF_A_TITLE
    assert 0 < len(words.of(AlertPhase.CLEARED)) <= MOST_CHARS_OF_A_TITLE
    assert words.todo.endswith(".")
    for sentence in re.split(r"[.;] ", words.todo):
        assert len(sentence.split()) <= MOST_WORDS, sentence


def test_no_words_are_left_of_a_kind_that_is_gone() -> None:
    assert set(_read()["kinds"]) == set(AlertKind)


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("server", "Máy chủ"),
        ("disk:data", "Đĩa dữ liệu"),
        ("party:pay:momo", "Cổng thanh toán momo"),
        ("report:day:2026-11-26", "Báo cáo ngày 26/11/2026"),
        ("kiosk:0193", "Một kiosk"),
        ("something else", "something else"),
        ("new:kind", "new:kind"),
    ],
)
def test_what_it_is_about_has_a_name(subject: str, name: str) -> None:
    assert name_subject(subject, "vi") == name


def test_both_languages_have_the_same_words_for_mails() -> None:
    assert mail_words("vi").keys() == mail_words("en").keys()
