"""What a case is, and how it can end.

A case is one function that gets a Lab and returns when the HIS did right. Reasons are told in
plain Vietnamese and English, and carry nothing of a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from his_adapter.conformance.lab import Lab


class Level(StrEnum):
    """Each level asks for all of the levels before it."""

    DONG = "dong"
    BAC = "bac"
    VANG = "vang"


LEVEL_NAMES = {
    Level.DONG: ("Đồng", "bronze"),
    Level.BAC: ("Bạc", "silver"),
    Level.VANG: ("Vàng", "gold"),
}


class Status(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    UNPREPARED = "unprepared"
    """The hospital has not put into its test HIS what the case needs: no level without it."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    vi: str
    en: str


class CaseEnd(Exception):
    """A case that ended otherwise than well."""

    status: Status

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.reason = Reason(vi=vi, en=en)


class CaseFailed(CaseEnd):
    status = Status.FAILED


class NotApplicable(CaseEnd):
    status = Status.NOT_APPLICABLE


class NotPrepared(CaseEnd):
    status = Status.UNPREPARED


def expect(condition: bool, vi: str, en: str) -> None:
    """Raises CaseFailed."""
    if not condition:
        raise CaseFailed(vi, en)


@dataclass(frozen=True, kw_only=True)
class Case:
    id: str
    level: Level
    title: Reason
    run: Callable[[Lab], None]


CASES: dict[str, Case] = {}
"""By id; filled as the modules of `cases` are imported."""


def _level(number: int) -> Level:
    return Level.DONG if number <= 12 else Level.BAC if number <= 24 else Level.VANG


def case(case_id: str, vi: str) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """Registers a case. Its docstring is the sentence that says what is asked."""

    def register(run: Callable[[Lab], None]) -> Callable[[Lab], None]:
        title = Reason(vi=vi, en=" ".join((run.__doc__ or "").split()))
        CASES[case_id] = Case(id=case_id, level=_level(int(case_id[1:])), title=title, run=run)
        return run

    return register
