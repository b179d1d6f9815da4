"""How one facility wants things done: data in its row, with what most hospitals want as default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from backend.domain.calling_settings import CallingSettings


@dataclass(frozen=True, kw_only=True)
class Words:
    """The same text in both languages."""

    vi: str
    en: str


@dataclass(frozen=True, kw_only=True)
class VisitKind:
    code: str
    label: Words


VISIT_KINDS = (
    VisitKind(code="new", label=Words(vi="Khám bệnh", en="See a doctor")),
    VisitKind(code="follow_up", label=Words(vi="Tái khám bệnh mạn tính", en="Follow-up visit")),
    VisitKind(code="medicine", label=Words(vi="Lấy thuốc theo hẹn", en="Medicine by appointment")),
    VisitKind(code="health_check", label=Words(vi="Khám sức khỏe", en="Health check")),
    VisitKind(code="results", label=Words(vi="Trở lại với kết quả", en="Back with results")),
    VisitKind(
        code="unsure",
        label=Words(
            vi="Tôi không chắc – nhờ nhân viên chọn", en="I am not sure – staff will choose"
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class FacilityStanding:
    """What the insurance law asks about a facility; the hospital enters it.

    `level` first, basic or specialised (None: not entered), `points` of its ranking (None:
    provisionally ranked), `old_class` none, district, province or central before 2025,
    `open_to_all`: a commune station, family doctor or the like (code 1.2).
    """

    level: str | None = None
    points: int | None = None
    old_class: str = "none"
    open_to_all: bool = False


class CheckinSender(StrEnum):
    """Which system sends check-in tables to the insurance gateway. Exactly one may."""

    HIS = "his"
    TIEPDON = "tiepdon"


@dataclass(frozen=True, kw_only=True)
class FacilitySettings:
    """Every figure is a choice of the hospital, none is law.

    `letters` maps a lane to the letter of its tickets, unless the service has its own. Letters
    that sound alike are never mixed in one hall (A and K, B and P, L and N, M and N).
    """

    letters: Mapping[str, str] = field(
        default_factory=lambda: {"N": "A", "P": "U", "B": "H", "R": "R", "T": "T", "X": "X"}
    )
    numbering: str = "own"
    """domain.numbering: `his` prints and calls the number of the HIS when it answers in time."""
    numbering_wait_s: float = 2.0
    letter_beside_his: str = "Z"
    """Of our numbers while the HIS numbers: a letter it never uses."""
    visit_kinds: tuple[VisitKind, ...] = VISIT_KINDS
    priority_in_a_row: int = 2
    results_in_a_row: int = 1
    guard_min: Mapping[str, int] = field(default_factory=lambda: {"R": 30, "B": 30, "N": 60})
    early_min: int = 30
    late_min: int = 15
    issue_before_opening_min: int = 60
    """Numbers are given out this long before a session opens: people come early."""
    change_within_s: int = 600
    calls_before_missed: int = 3
    call_again_after_s: int = 30
    return_after_tickets: int = 3
    """Who missed a turn and comes back lets this many of the same lane go first."""
    return_within_min: int = 60
    returns_allowed: int = 2
    step_outs_allowed: int = 3
    """How often one step may be left for a moment from the phone page."""
    undo_within_s: int = 30
    load_aims: tuple[int, int, int] = (35, 50, 65)
    """People a room sees in eight hours: aimed at, too many, never."""
    wait_limit_min: int = 60
    """A room whose longest wait passes this is shown to the head of the department."""
    wait_history_cases: int = 10
    """Fewer past cases than this say nothing about how long a room takes."""
    offline_numbers_per_hour: int = 60
    """Reception numbers one kiosk may give in an hour while its server is away; 0 = none."""
    call_list_every_min: int = 5
    """How often lists of all rooms are written to go on from without the server; 0 = never."""
    keep_tickets_months: int = 24
    keep_person_days: int = 1
    """Working days after the visit that ticket and person stay linked."""
    keep_audit_months: int = 24
    keep_evidence_days: int = 60
    """Proof of a failed insurance look-up; the insurer's portal keeps files as long as this."""
    checkin_sender: str = CheckinSender.HIS.value
    checkin_uninsured: bool = False
    """Whether visits without insurance get a check-in table too; the hospital decides."""
    checkin_within_min: int = 5
    """Minutes after which a check-in table that has not left is shown as late."""
    care_types: Mapping[str, str] = field(default_factory=lambda: {"new": "01", "medicine": "07"})
    """MA_LOAI_KCB by kind of visit; kinds that are missing count as `new`."""
    standing: FacilityStanding = field(default_factory=FacilityStanding)
    payment_prefix: str = "VP"
    """The two letters every code of a payment begins with; other hospitals have others."""
    payment_cash_first: bool = False
    """Self-payers without an advance are sent to the cashier first."""
    advance_min_vnd: int = 100_000
    advance_max_vnd: int = 50_000_000
    advance_step_vnd: int = 10_000
    advances_vnd: tuple[int, ...] = (200_000, 500_000, 1_000_000, 2_000_000)
    """Proposed; 0 in `advance_max_vnd` takes no advances at kiosks."""
    large_payment_vnd: int = 10_000_001
    """From here on a payer's app wants a face (QĐ 2345/QĐ-NHNN: over 10 million a transfer)."""
    calling: CallingSettings = field(default_factory=CallingSettings)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FacilitySettings:
        """Names that are missing keep their default; names nobody knows are dropped."""
        known = {entry.name for entry in fields(cls)}
        values = {name: value for name, value in document.items() if name in known}
        if "load_aims" in values:
            values["load_aims"] = tuple(values["load_aims"])
        if "advances_vnd" in values:
            values["advances_vnd"] = tuple(values["advances_vnd"])
        if "visit_kinds" in values:
            values["visit_kinds"] = tuple(
                VisitKind(code=kind["code"], label=Words(**kind["label"]))
                for kind in values["visit_kinds"]
            )
        if "standing" in values:
            values["standing"] = FacilityStanding(**values["standing"])
        if "calling" in values:
            values["calling"] = CallingSettings.from_json(values["calling"])
        return cls(**values)


class SettingRefused(ValueError):
    """There is no such setting, or the value is of another kind."""


_CHOICES: Mapping[str, frozenset[str | None]] = {
    "checkin_sender": frozenset(CheckinSender),
    "standing.level": frozenset({None, "first", "basic", "specialised"}),
    "standing.old_class": frozenset({"none", "district", "province", "central"}),
}
_BY_COMMANDS_OF_THEIR_OWN = frozenset(
    {"numbering", "letter_beside_his", "numbering_wait_s", "visit_kinds", "calling", "letters"}
)
_MAY_BE_UNKNOWN = frozenset({"standing.level", "standing.points"})


def changed_document(
    document: Mapping[str, Any], name: str, value: Any
) -> tuple[dict[str, Any], Any]:
    """The stored settings with one more changed, and the value before.

    `name` is a setting, or `group.setting`. The rest of the document stays as it is: it may hold
    settings of a newer version. Raises SettingRefused.
    """
    now = FacilitySettings.from_json(document).to_json()
    group, _, key = name.rpartition(".")
    values = now.get(group) if group else now
    if not isinstance(values, Mapping) or key not in values:
        raise SettingRefused(f"there is no setting {name}")
    if (group or key) in _BY_COMMANDS_OF_THEIR_OWN:
        raise SettingRefused(f"{name} has a command or a page of its own")
    before = values[key]
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SettingRefused(
            f"{name} takes {', '.join(str(c) for c in sorted(_CHOICES[name], key=str))}"
        )
    is_same_kind = type(value) is type(before) or (name in _MAY_BE_UNKNOWN and _fits(name, value))
    if not is_same_kind or (isinstance(value, int) and value < 0):
        raise SettingRefused(f"{name} takes another kind of value, such as {before!r}")
    changed: Any = {**values, key: value}
    return dict(document) | ({group: changed} if group else {key: value}), before


def _fits(name: str, value: Any) -> bool:
    return value is None or type(value) is (int if name.endswith("points") else str)
