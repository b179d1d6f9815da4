"""What alerts are called on the page and in mails: for every kind, in Vietnamese and English."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from backend.domain.alerts import AlertKind, AlertPhase

Language = Literal["vi", "en"]
_FILE = Path(__file__).with_name("alert_words.json")


@dataclass(frozen=True, kw_only=True)
class AlertWords:
    """`raised` and `cleared` follow the name of what it is about: "Kiosk 3: hết giấy in"."""

    raised: str
    cleared: str
    todo: str
    """What somebody does about it."""

    def of(self, phase: AlertPhase) -> str:
        return self.raised if phase is AlertPhase.RAISED else self.cleared


def words_of(kind: AlertKind, language: Language, *, subject: str = "") -> AlertWords:
    """The same kind may ask for something else where it is about something else."""
    begin = subject.partition(":")[0]
    own = _read()["of_subjects"].get(f"{kind} {begin}:", {})
    return AlertWords(**_read()["kinds"][kind][language] | own.get(language, {}))


def mail_words(language: Language) -> Mapping[str, str]:
    words: Mapping[str, str] = _read()["mail"][language]
    return words


def name_subject(subject: str, language: Language) -> str:
    """What an alert is about, as far as the subject itself tells: "Máy chủ", "Sao lưu usb".

    The longest beginning that has words counts; what has none stands as it is.
    """
    words = _read()["subjects"]
    if subject in words:
        return str(words[subject][language])
    begin = subject
    while ":" in begin:
        begin = begin.rpartition(":")[0]
        if (found := words.get(f"{begin}:")) is not None:
            return str(found[language]).format(rest=_read_day(subject[len(begin) + 1 :]))
    return subject


def _read_day(text: str) -> str:
    """Days as people here write them; anything else as it stands."""
    try:
        return date.fromisoformat(text).strftime("%d/%m/%Y")
    except ValueError:
        return text


@cache
def _read() -> Any:
    return json.loads(_FILE.read_text(encoding="utf-8"))
