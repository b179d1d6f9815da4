"""Runs the cases against the HIS of one file and says which level it reaches.

Nothing runs in a hospital's real HIS: the marker patient must be there, and the number of people
must be small. The port has no call that counts people, so an adapter may have one of its own,
`count_patients() -> int`; without it common names are looked for, and the hospital says in the
file that all people in this HIS are invented.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import Any

import his_adapter.conformance.cases  # noqa: F401 - fills CASES
from his_adapter.config_file import HisConfig
from his_adapter.conformance.case import (
    CASES,
    Case,
    CaseEnd,
    CaseFailed,
    Level,
    Reason,
    Status,
)
from his_adapter.conformance.lab import Lab, by_number
from his_adapter.conformance.pace import Pace
from his_adapter.conformance.recording import AdapterCrashed, PortCall
from his_adapter.conformance.settings import CertifySettings, read_certify_settings
from his_adapter.conformance.wire import find_wire
from his_adapter.errors import HisError
from his_adapter.models import BirthDate, Capabilities, Feature, PatientQuery
from his_adapter.ports import HisGateway
from his_adapter.registry import open_gateway

_COMMON_NAMES = ("Nguyễn Thị Lan", "Nguyễn Văn Hùng", "Trần Thị Hoa", "Lê Văn Minh")
_PROBED_YEARS = range(1950, 2005, 6)
GOLD_ROUNDS = 2


class Refused(Exception):
    """The kit does not run here. `reason` says why."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(f"{vi} / {en}")
        self.reason = Reason(vi=vi, en=en)


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    case: Case
    status: Status
    reason: Reason | None
    seconds: float
    notes: tuple[str, ...]
    calls: tuple[PortCall, ...]
    round: int = 1


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`level` is None when not even Đồng was reached."""

    capabilities: Capabilities
    results: tuple[CaseResult, ...]
    level: Level | None
    speed: float
    started_at: datetime
    seconds: float
    has_wire: bool
    counted: str
    kit_version: str

    @property
    def negative(self) -> tuple[CaseResult, ...]:
        return tuple(
            result for result in self.results if result.status in {Status.FAILED, Status.UNPREPARED}
        )

    def by_case(self) -> dict[str, CaseResult]:
        """The worst result of each case over the rounds."""
        worst: dict[str, CaseResult] = {}
        for result in self.results:
            known = worst.get(result.case.id)
            if known is None or _WORSE[result.status] > _WORSE[known.status]:
                worst[result.case.id] = result
        return dict(sorted(worst.items()))


_WORSE = {Status.PASSED: 0, Status.NOT_APPLICABLE: 1, Status.UNPREPARED: 2, Status.FAILED: 3}

Opener = Callable[[Mapping[str, Any]], HisGateway]
Progress = Callable[[CaseResult], None]


def certify(
    config: HisConfig,
    *,
    speed: float = 1.0,
    up_to: Level = Level.VANG,
    only: Iterable[str] = (),
    rounds: int = GOLD_ROUNDS,
    progress: Progress = lambda _: None,
    opener: Opener | None = None,
) -> Outcome:
    """Vàng is reached by two `rounds` of its cases in a row; the others are run once.

    Raises Refused, GatewayMisconfigured, or the HisError of a HIS that does not answer.
    """
    settings = read_certify_settings(config.certify)
    wire = find_wire(config.settings, settings.proxied_setting)
    started_at, began = datetime.now(UTC), time.monotonic()
    lab = Lab(
        settings=settings,
        his_settings=config.settings,
        open_with=opener or (lambda its: open_gateway(config.adapter, its)),
        wire=wire,
        pace=Pace(speed=speed),
    )
    try:
        counted = _safe_to_run(lab, settings)
        with _listening(lab):
            results = tuple(_run_all(lab, up_to, frozenset(only), rounds, progress))
    finally:
        lab.close()
    return Outcome(
        capabilities=lab.declared,
        results=results,
        level=level_of(results, has_wire=wire is not None),
        speed=speed,
        started_at=started_at,
        seconds=time.monotonic() - began,
        has_wire=wire is not None,
        counted=counted,
        kit_version=package_version("tiepdon"),
    )


def level_of(results: Sequence[CaseResult], *, has_wire: bool) -> Level | None:
    """The highest level whose cases, and those before it, all passed or do not apply.

    Half of a level must apply: who declares nothing of it has not shown it either.
    Vàng is about the line: without a wire nobody has seen it.
    """
    reached: Level | None = None
    for level in Level:
        wanted = {case.id for case in CASES.values() if case.level is level}
        of_level = [result for result in results if result.case.level is level]
        if {result.case.id for result in of_level} != wanted:
            break
        if any(result.status in {Status.FAILED, Status.UNPREPARED} for result in of_level):
            break
        judged = {result.case.id for result in of_level if result.status is Status.PASSED}
        if 2 * len(judged) < len(wanted):
            break
        if level is Level.VANG and (
            not has_wire or {result.round for result in of_level} != {1, GOLD_ROUNDS}
        ):
            break
        reached = level
    return reached


def _run_all(
    lab: Lab, up_to: Level, only: frozenset[str], rounds: int, progress: Progress
) -> Iterable[CaseResult]:
    levels = list(Level)
    wanted = [
        case
        for _, case in sorted(CASES.items())
        if levels.index(case.level) <= levels.index(up_to) and (not only or case.id in only)
    ]
    gold = [case for case in wanted if case.level is Level.VANG]
    for number in range(1, rounds + 1):
        for case in wanted if number == 1 else gold:
            result = _run(lab, case, number)
            progress(result)
            yield result


def _run(lab: Lab, case: Case, number: int) -> CaseResult:
    lab.calls.clear()
    lab.notes.clear()
    began = time.monotonic()
    end: CaseEnd | None = None
    try:
        case.run(lab)
    except CaseEnd as caught:
        end = caught
    except HisError as error:
        end = CaseFailed(
            f"HIS trả lời lỗi '{error.code}' ở chỗ không được lỗi.",
            f"an unexpected {type(error).__name__}",
        )
    except AdapterCrashed as crash:
        end = CaseFailed(
            f"Bộ nối bị sập khi gọi '{crash.method}' ({crash.kind}).",
            f"{crash.method} let {crash.kind} out, which is no HisError",
        )
    seconds = time.monotonic() - began
    calls = tuple(lab.calls)
    lab.tidy()
    return CaseResult(
        case=case,
        status=Status.PASSED if end is None else end.status,
        reason=None if end is None else end.reason,
        seconds=round(seconds, 2),
        notes=tuple(lab.notes),
        calls=calls,
        round=number,
    )


def _safe_to_run(lab: Lab, settings: CertifySettings) -> str:
    """How people were counted. Raises Refused for what may be a real HIS."""
    if not lab.can(Feature.FIND_PATIENTS):
        raise Refused(
            "Bộ nối chưa tìm được người bệnh (find_patients), nên chưa kiểm thử được.",
            "the adapter does not declare find_patients yet: nothing can be judged",
        )
    if len(lab.gateway.find_patients(by_number(settings.marker_patient)).items) != 1:
        raise Refused(
            "HIS này không có người bệnh đánh dấu: có thể là HIS thật. Không chạy.",
            "the marker patient is not here: this may be a real HIS",
        )
    count = getattr(lab.gateway, "count_patients", None)
    if callable(count):
        people = int(count())
        how = f"count_patients() told {people}"
    else:
        people = _probe(lab)
        how = f"the adapter cannot count; {people} people with common names were found"
        if not settings.only_invented_people:
            raise Refused(
                "Bộ nối không đếm được người bệnh: hãy ghi [certify] only_invented_people = true"
                " khi chắc chắn đây là HIS thử.",
                "the adapter cannot count patients: say [certify] only_invented_people = true"
                " when this is a test HIS",
            )
    if people > settings.max_patients:
        raise Refused(
            f"HIS này có hơn {settings.max_patients} người bệnh: có thể là HIS thật. Không chạy.",
            f"{how}, more than {settings.max_patients}: this may be a real HIS",
        )
    return how


def _probe(lab: Lab) -> int:
    """People with common names, whom a real hospital has by the hundred."""
    found: set[str] = set()
    for name in _COMMON_NAMES:
        for year in _PROBED_YEARS:
            query = PatientQuery(full_name=name, birth_date=BirthDate(year=year))
            try:
                found |= {match.ref for match in lab.gateway.find_patients(query).items}
            except HisError:
                # It does not search by name: the hospital's word stands alone.
                return 0
    return len(found)


class _listening:  # noqa: N801 - used as a with-word
    """Everything that is logged at INFO and above reaches the lab's catcher meanwhile."""

    def __init__(self, lab: Lab) -> None:
        self._handler = lab.log
        self._root = logging.getLogger()
        self._level = self._root.level

    def __enter__(self) -> None:
        self._root.addHandler(self._handler)
        self._root.setLevel(min(self._level, logging.INFO) or logging.INFO)

    def __exit__(self, *_: object) -> None:
        self._root.removeHandler(self._handler)
        self._root.setLevel(self._level)
