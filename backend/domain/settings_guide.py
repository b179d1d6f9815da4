"""Which page of settings shows what, from when a change counts and whom it touches. Pure data.

Labels, explanations and examples stand in the words of the pages (`settings_words`), under the
same names. What a setting takes is said by settings_checks. A new setting needs a line here and
its words; tests fail until both are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.domain.setting_kinds import SettingKind
from backend.domain.settings_checks import FACILITY_KINDS, GROUP_KINDS, kind_of_setting
from backend.domain.settings_file import Path, State


class Counts(StrEnum):
    """From when a change counts. Servers and kiosks notice it within seconds."""

    AT_ONCE = "at_once"
    NEXT_TICKET = "next_ticket"
    """Whoever holds a number keeps it."""
    NEXT_CALL = "next_call"
    NEXT_PAYMENT = "next_payment"
    NEXT_TABLE = "next_table"
    """The next check-in table for the insurer."""
    NEXT_PURGE = "next_purge"
    """What is purged then never comes back, also when the change is undone."""


class Touches(StrEnum):
    """Who notices."""

    NEW_PATIENTS = "new_patients"
    WAITING = "waiting"
    ROOMS = "rooms"
    DESK = "desk"
    PAYERS = "payers"
    KIOSKS = "kiosks"
    HEAD = "head"
    INSURER = "insurer"
    RECORDS = "records"
    EVERYBODY = "everybody"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One setting. `unit` names a word of the pages, where the name does not end with it."""

    path: Path
    counts: Counts
    touches: Touches
    unit: str | None

    @property
    def name(self) -> str:
        """As words of pages and audit rows name it: `late_min`, `standing.level`."""
        return ".".join(self.path[1:]) if self.path[0] == "settings" else ".".join(self.path)

    @property
    def kind(self) -> SettingKind:
        return get_kind(self.path)


@dataclass(frozen=True, kw_only=True)
class Group:
    """One page. A group with `rows` shows the priority table as well."""

    key: str
    entries: tuple[Entry, ...]
    rows: bool = False


_UNITS = {"_min": "minute", "_s": "second", "_vnd": "vnd", "_months": "month", "_days": "day"}
_ELSEWHERE = frozenset({"calling"})
"""On a page of their own: words of calls, with their history."""


def _entry(path: str, counts: Counts, touches: Touches, unit: str | None = None) -> Entry:
    section, _, rest = path.partition(".") if "." in path else ("settings", "", path)
    parts = (section, rest) if section == "facility" else ("settings", *path.split("."))
    ending = next((word for end, word in _UNITS.items() if path.endswith(end)), None)
    return Entry(path=parts, counts=counts, touches=touches, unit=unit or ending)


def _entries(*names: str, counts: Counts, touches: Touches, unit: str | None = None) -> list[Entry]:
    return [_entry(name, counts, touches, unit) for name in names]


GROUPS: tuple[Group, ...] = (
    Group(
        key="facility",
        entries=(
            *_entries(
                "facility.name_vi",
                "facility.name_en",
                "facility.hotline",
                "facility.timezone",
                counts=Counts.AT_ONCE,
                touches=Touches.EVERYBODY,
            ),
            *_entries(
                "standing.level",
                "standing.points",
                "standing.old_class",
                "standing.open_to_all",
                counts=Counts.NEXT_TABLE,
                touches=Touches.INSURER,
            ),
        ),
    ),
    Group(
        key="times",
        entries=(
            *_entries(
                "issue_before_opening_min",
                "change_within_s",
                counts=Counts.AT_ONCE,
                touches=Touches.NEW_PATIENTS,
            ),
            *_entries(
                "early_min",
                "late_min",
                "return_within_min",
                counts=Counts.AT_ONCE,
                touches=Touches.WAITING,
            ),
            _entry("undo_within_s", Counts.AT_ONCE, Touches.ROOMS),
        ),
    ),
    Group(
        key="calling",
        entries=(
            *_entries(
                "priority_in_a_row",
                "results_in_a_row",
                counts=Counts.NEXT_CALL,
                touches=Touches.WAITING,
                unit="person",
            ),
            _entry("guard_min", Counts.NEXT_CALL, Touches.WAITING),
            _entry("calls_before_missed", Counts.NEXT_CALL, Touches.ROOMS, "time"),
            _entry("call_again_after_s", Counts.NEXT_CALL, Touches.ROOMS),
            _entry("return_after_tickets", Counts.AT_ONCE, Touches.WAITING, "ticket"),
            *_entries(
                "returns_allowed",
                "step_outs_allowed",
                counts=Counts.AT_ONCE,
                touches=Touches.WAITING,
                unit="time",
            ),
            _entry("load_aims", Counts.AT_ONCE, Touches.HEAD, "person"),
            _entry("wait_limit_min", Counts.AT_ONCE, Touches.HEAD),
            _entry("wait_history_cases", Counts.AT_ONCE, Touches.NEW_PATIENTS, "case"),
        ),
    ),
    Group(key="priority", entries=(), rows=True),
    Group(
        key="numbers",
        entries=tuple(
            _entries(
                "letters",
                "numbering",
                "letter_beside_his",
                "numbering_wait_s",
                counts=Counts.NEXT_TICKET,
                touches=Touches.NEW_PATIENTS,
            )
        ),
    ),
    Group(
        key="visits",
        entries=(_entry("visit_kinds", Counts.AT_ONCE, Touches.NEW_PATIENTS),),
    ),
    Group(
        key="insurance",
        entries=tuple(
            _entries(
                "checkin_sender",
                "checkin_uninsured",
                "checkin_within_min",
                "care_types",
                counts=Counts.NEXT_TABLE,
                touches=Touches.INSURER,
            )
        ),
    ),
    Group(
        key="payments",
        entries=tuple(
            _entries(
                "payment_prefix",
                "payment_cash_first",
                "advance_min_vnd",
                "advance_max_vnd",
                "advance_step_vnd",
                "advances_vnd",
                "large_payment_vnd",
                counts=Counts.NEXT_PAYMENT,
                touches=Touches.PAYERS,
            )
        ),
    ),
    Group(
        key="retention",
        entries=tuple(
            _entries(
                "keep_tickets_months",
                "keep_person_days",
                "keep_audit_months",
                "keep_evidence_days",
                counts=Counts.NEXT_PURGE,
                touches=Touches.RECORDS,
            )
        ),
    ),
    Group(
        key="offline",
        entries=(
            _entry("offline_numbers_per_hour", Counts.AT_ONCE, Touches.KIOSKS, "ticket"),
            _entry("call_list_every_min", Counts.AT_ONCE, Touches.ROOMS),
        ),
    ),
)

_ENTRIES: Mapping[Path, Entry] = {each.path: each for group in GROUPS for each in group.entries}
_PRIORITY = _entry("priority", Counts.AT_ONCE, Touches.NEW_PATIENTS)


def find_group(untrusted_key: str) -> Group | None:
    return next((group for group in GROUPS if group.key == untrusted_key), None)


def find_entry(path: Path) -> Entry | None:
    """None for what a file may change and no page of settings shows, such as displays."""
    if path[0] == "priority_groups":
        return Entry(path=path, counts=_PRIORITY.counts, touches=_PRIORITY.touches, unit=None)
    return _ENTRIES.get(path)


def get_kind(path: Path) -> SettingKind:
    """What a leaf takes. Raises KeyError for one that no page shows."""
    if path[0] == "facility":
        return FACILITY_KINDS[path[1]]
    if path[0] == "priority_groups":
        return GROUP_KINDS[path[2]]
    return kind_of_setting(".".join(path[1:]))


def list_paths(group: Group, state: State) -> Iterator[Path]:
    """Every leaf the page of a group shows; of the priority table, all rows there are."""
    yield from (each.path for each in group.entries)
    if group.rows:
        codes = sorted({path[1] for path in state if path[0] == "priority_groups"})
        codes.sort(key=lambda code: (state.get(("priority_groups", code, "rank"), 0), code))
        yield from (("priority_groups", code, name) for code in codes for name in GROUP_KINDS)


def list_missing(state: State) -> list[Path]:
    """Leaves of the settings that no page shows: a test keeps this empty."""
    return [
        path
        for path in state
        if path[0] in {"facility", "settings"}
        and path not in _ENTRIES
        and path[1] not in _ELSEWHERE
        and path != ("facility", "code")
    ]
