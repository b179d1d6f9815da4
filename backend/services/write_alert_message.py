"""One message about alerts, as people read it in a mail and as programs read it from a webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from backend.domain.alert_words import Language, mail_words, words_of
from backend.domain.alerts import AlertPhase
from backend.domain.settings import Words
from backend.storage.alert_notices import Batch, ToldAlert

LANGUAGES: tuple[Language, ...] = ("vi", "en")
TRIAL = "trial"


@dataclass(frozen=True, kw_only=True)
class AlertMessage:
    """`id` is the same however often it is sent; `answers` is the id of an earlier one."""

    id: str
    answers: str | None
    subject: str
    text: str
    content: Mapping[str, Any]


def write_message(
    batch: Batch, *, facility: Words, names: Mapping[Language, Mapping[str, str]], zone: tzinfo
) -> AlertMessage:
    """`names`: what each subject is called, in both languages. Nothing of a patient is in it."""
    lines = {
        language: [_Line.of(alert, language, names[language], zone) for alert in batch.alerts]
        for language in LANGUAGES
    }
    content = {
        "id": batch.id,
        "facility": facility.vi,
        "alerts": [
            _as_json(alert, vi, en)
            for alert, vi, en in zip(batch.alerts, lines["vi"], lines["en"], strict=True)
        ],
    }
    return AlertMessage(
        id=batch.id,
        answers=batch.answers,
        subject=_subject(lines["vi"], "vi"),
        text=_text(facility, lines),
        content=content,
    )


def write_trial(trial_id: str, *, facility: Words, now: datetime, zone: tzinfo) -> AlertMessage:
    """Proves that somebody can be told. Looks like the real ones."""
    lines = {
        language: [
            _Line(
                place=facility.vi if language == "vi" else facility.en,
                what=mail_words(language)["trial"],
                when=mail_words(language)["since"].format(since=_moment(now, zone)),
                todo=mail_words(language)["trial_todo"],
            )
        ]
        for language in LANGUAGES
    }
    return AlertMessage(
        id=trial_id,
        answers=None,
        subject=_subject(lines["vi"], "vi"),
        text=_text(facility, lines),
        content={"id": trial_id, "facility": facility.vi, "trial": True, "alerts": []},
    )


@dataclass(frozen=True, kw_only=True)
class _Line:
    place: str
    what: str
    when: str
    todo: str | None

    @classmethod
    def of(
        cls, alert: ToldAlert, language: Language, names: Mapping[str, str], zone: tzinfo
    ) -> _Line:
        words = words_of(alert.kind, language, subject=alert.subject)
        mail = mail_words(language)
        since = _moment(alert.raised_at, zone)
        if alert.cleared_at is None:
            when = mail["since"].format(since=since)
        else:
            when = mail["over"].format(since=since, until=_moment(alert.cleared_at, zone))
        what = words.cleared if alert.is_over else words.raised
        if len(alert.phases) == len(AlertPhase):
            what = f"{words.raised}; {words.cleared}"
        return cls(
            place=names.get(alert.subject, alert.subject),
            what=what,
            when=when,
            todo=None if alert.is_over else words.todo,
        )

    @property
    def head(self) -> str:
        return f"{self.place}: {self.what}"


def _subject(lines: Sequence[_Line], language: Language) -> str:
    """Readable on a phone: what and where first, how many more last."""
    words, first = mail_words(language), lines[0]
    more = len(lines) - 1
    if more == 0:
        text = first.head
    elif all(line.what == first.what for line in lines):
        places = ", ".join(line.place for line in lines[:2])
        if more > 1:
            places = words["and_more"].format(first=places, count=more - 1)
        text = f"{places}: {first.what}"
    else:
        text = words["and_others"].format(first=first.head, count=more)
    return " ".join(f"{words['tag']} {text}".split())


def _text(facility: Words, lines: Mapping[Language, Sequence[_Line]]) -> str:
    parts = []
    for language in LANGUAGES:
        words = mail_words(language)
        parts.append(facility.vi if language == "vi" else facility.en)
        for line in lines[language]:
            rest = [f"  {line.when}"] + ([f"  {line.todo}"] if line.todo else [])
            parts.append("\n".join([f"• {line.head}", *rest]))
        parts.append(words["foot"])
        if language == "vi":
            parts.append("――――――――――")
    return "\n\n".join(parts) + "\n"


def _as_json(alert: ToldAlert, vi: _Line, en: _Line) -> dict[str, Any]:
    return {
        "id": alert.alert_id,
        "kind": alert.kind.value,
        "subject": alert.subject,
        "phases": [phase.value for phase in AlertPhase if phase in alert.phases],
        "raised_at": alert.raised_at.isoformat(),
        "cleared_at": alert.cleared_at.isoformat() if alert.cleared_at else None,
        "detail": alert.detail,
        "text_vi": vi.head,
        "text_en": en.head,
    }


def _moment(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%H:%M %d/%m")
