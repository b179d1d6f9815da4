"""What a single setting takes, as data: checked when it is changed, drawn as a field where it is typed.

A kind called with a value gives the sentence that says what is taken instead, or None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from zoneinfo import ZoneInfo

MAX_TEXT_CHARS = 200
MAX_VND = 1_000_000_000
MAX_COUNT = 10_000
"""Of minutes, months, people: more would lead out of the calendar."""
ROW_FAULT = "{name}: {words}"
"""Of one row of a table."""
CODE = re.compile(r"[a-z0-9_]{1,40}")


class Said(str):
    """An English sentence that keeps how it was made, so that a page can say it in another language."""

    __slots__ = ("facts", "template")
    template: str
    facts: Mapping[str, object]


def say(template: str, **facts: object) -> Said:
    """`template` is English with fields in braces; catalogues of pages know it by its own text."""
    said = Said(template.format(**facts))
    said.template, said.facts = template, facts
    return said


class SettingKind(Protocol):
    def __call__(self, value: Any, /) -> Said | None:
        """Why `value` is not taken; None when it is."""


@dataclass(frozen=True, kw_only=True)
class Count:
    least: int
    most: int
    or_none: bool = False

    def __call__(self, value: Any) -> Said | None:
        if self.or_none and value is None:
            return None
        fits = type(value) is int and self.least <= value <= self.most
        words = "Takes a whole number from {least} to {most}."
        return None if fits else say(words, least=self.least, most=self.most)


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """With a fraction."""

    least: float
    most: float

    def __call__(self, value: Any) -> Said | None:
        fits = type(value) is float and self.least <= value <= self.most
        words = "Takes seconds from {least} to {most}."
        return None if fits else say(words, least=f"{self.least:g}", most=f"{self.most:g}")


@dataclass(frozen=True, kw_only=True)
class YesNo:
    def __call__(self, value: Any) -> Said | None:
        return None if isinstance(value, bool) else say("Takes true or false.")


@dataclass(frozen=True, kw_only=True)
class Choice:
    choices: tuple[str | None, ...]

    def __call__(self, value: Any) -> Said | None:
        fits = (value is None or isinstance(value, str)) and value in self.choices
        shown = ", ".join("null" if choice is None else choice for choice in self.choices)
        return None if fits else say("Takes one of {choices}.", choices=shown)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of text."""

    most: int = MAX_TEXT_CHARS
    empty: bool = False

    def __call__(self, value: Any) -> Said | None:
        fits = (
            isinstance(value, str)
            and (self.empty or value != "")
            and len(value) <= self.most
            and value.isprintable()
            and value == " ".join(value.split())
        )
        words = "Takes one line of {least} to {most} letters."
        return None if fits else say(words, least=0 if self.empty else 1, most=self.most)


@dataclass(frozen=True, kw_only=True)
class Like:
    """A short code of a fixed form, such as two capital letters."""

    pattern: re.Pattern[str]
    words: str
    most: int

    def __call__(self, value: Any) -> Said | None:
        fits = isinstance(value, str) and self.pattern.fullmatch(value)
        return None if fits else say(self.words)


CAPITALS = Like(
    pattern=re.compile(r"[A-Z]{1,3}"), words="Takes one to three capital letters.", most=3
)
TWO_CAPITALS = Like(pattern=re.compile(r"[A-Z]{2}"), words="Takes two capital letters.", most=2)
TWO_DIGITS = Like(pattern=re.compile(r"[0-9]{2}"), words="Takes two digits.", most=2)


@dataclass(frozen=True, kw_only=True)
class Day:
    or_none: bool = False

    def __call__(self, value: Any) -> Said | None:
        if self.or_none and value is None:
            return None
        try:
            fits = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
        except ValueError:
            fits = False
        return None if fits else say("Takes a day such as 2026-11-30.")


@dataclass(frozen=True, kw_only=True)
class TimeZone:
    def __call__(self, value: Any) -> Said | None:
        words = say("Takes a time zone such as Asia/Ho_Chi_Minh.")
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]+(/[A-Za-z_]+)+", value):
            return words
        try:
            ZoneInfo(value)
        except (OSError, ValueError, LookupError):
            return words
        return None


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """Shown, never changed."""

    def __call__(self, _value: Any) -> Said | None:
        return say("This file is of another facility.")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A value of kind `of` for each of `names`; for others too unless `only`."""

    names: tuple[str, ...]
    of: Count | Like
    only: bool

    def __call__(self, value: Any) -> Said | None:
        if not isinstance(value, Mapping) or not set(self.names) <= set(value):
            return say("Takes a value for each of {names}.", names=", ".join(self.names))
        for name, each in value.items():
            if self.only and name not in self.names:
                return say("Takes no {name}.", name=name)
            words = self.of(each)
            if words is not None:
                return say(ROW_FAULT, name=name, words=words)
        return None


@dataclass(frozen=True, kw_only=True)
class LoadAims:
    """People a room sees in eight hours: aimed at, too many, never."""

    count: int = 3
    of: Count = Count(least=1, most=MAX_COUNT)

    def __call__(self, value: Any) -> Said | None:
        fits = (
            isinstance(value, list)
            and len(value) == self.count
            and not any(self.of(each) for each in value)
            and value == sorted(value)
        )
        words = "Takes three whole numbers, each no less than the one before."
        return None if fits else say(words)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Up to eight sums of money."""

    most: int = 8
    of: Count = Count(least=1, most=MAX_VND)

    def __call__(self, value: Any) -> Said | None:
        fits = (
            isinstance(value, list)
            and len(value) <= self.most
            and not any(self.of(each) for each in value)
        )
        return None if fits else say("Takes up to eight sums of money.")


@dataclass(frozen=True, kw_only=True)
class VisitKinds:
    most: int = 20

    def __call__(self, value: Any) -> Said | None:
        if not isinstance(value, list) or not 1 <= len(value) <= self.most:
            return say("Takes a list of 1 to {most} kinds of visit.", most=self.most)
        if not all(map(_is_visit_kind, value)):
            return say("Every kind of visit takes a code and a label with vi and en.")
        codes = [kind["code"] for kind in value]
        is_clear = len(set(codes)) == len(codes)
        return None if is_clear else say("Two kinds of visit have the same code.")


def _is_visit_kind(kind: Any) -> bool:
    label = kind.get("label") if isinstance(kind, Mapping) else None
    return (
        isinstance(label, Mapping)
        and set(kind) == {"code", "label"}
        and set(label) == {"vi", "en"}
        and isinstance(kind["code"], str)
        and CODE.fullmatch(kind["code"]) is not None
        and not any(Line()(label[language]) for language in ("vi", "en"))
    )
