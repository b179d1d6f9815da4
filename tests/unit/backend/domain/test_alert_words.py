from __future__ import annotations

import json
import re
from typing import Any

import pytest

from backend.domain.alert_words import (
    _FILE,
    AlertWords,
    Language,
    _read,
    mail_words,
    name_subject,
    words_of,
)
from backend.domain.alerts import AlertKind, AlertPhase

MOST_WORDS = 15
MOST_CHARS_OF_A_TITLE = 45


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_says_what_is_wrong_and_what_to_do(kind: AlertKind, language: Language) -> None:
    assert_can_be_read(words_of(kind, language))


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("about", _read()["of_subjects"])
def test_so_do_words_of_some_subjects(about: str, language: Language) -> None:
    kind, begin = about.split(" ")
    words = words_of(AlertKind(kind), language, subject=f"{begin}x")
    assert words != words_of(AlertKind(kind), language)
    assert_can_be_read(words)


def test_two_kiosks_of_one_name_are_renamed_and_two_machines_of_one_kiosk_are_not() -> None:
    kind = AlertKind.KIOSK_NAME_TWICE
    assert "Đổi tên" in words_of(kind, "vi", subject="kiosk_name:Sảnh A").todo
    assert words_of(kind, "vi", subject="kiosk:0193") == words_of(kind, "vi")
    assert "Đổi tên" not in words_of(kind, "vi").todo


def assert_can_be_read(words: AlertWords) -> None:
    assert 0 < len(words.of(AlertPhase.RAISED)) <= MOST_CHARS_OF_A_TITLE
    assert 0 < len(words.of(AlertPhase.CLEARED)) <= MOST_CHARS_OF_A_TITLE
    assert words.todo.endswith(".")
    for sentence in re.split(r"[.;] ", words.todo):
        assert len(sentence.split()) <= MOST_WORDS, sentence


def test_no_words_stand_twice() -> None:
    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), names
        return dict(pairs)

    json.loads(_FILE.read_text(encoding="utf-8"), object_pairs_hook=read)


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
