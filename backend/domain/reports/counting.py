"""From visits and their steps to figures. Nothing of a person goes in but an age band.

Times begin and end as the page says beside each figure. Emergencies are counted and not timed, a gap of
more than eight hours is a button somebody forgot, and what is missing is counted too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from backend.domain.identity.ages import age_on
from backend.domain.identity.models import BirthDate
from backend.domain.queueing import Lane
from backend.domain.reports.figures import Book, Cut, Figures, open_page
from backend.domain.reports.steps import OWN_SOURCES, StepTimes
from backend.domain.visit import TESTS, StepKind

LONGEST_GAP = timedelta(hours=8)
MOST_TESTS = 3
TARGETS_MIN = (120, 180, 210, 240)
"""QĐ 1313/QĐ-BYT: from the number to leaving, by how many kinds of tests a visit had."""
LOAD_LIMITS = (50, 65)
"""People per room in eight hours: a warning, and never more."""


class AgeBand(StrEnum):
    """So wide that a band tells nothing about anybody."""

    UNDER_6 = "under_6"
    UNDER_16 = "6_15"
    UNDER_60 = "16_59"
    UNDER_80 = "60_79"
    OLDEST = "80"
    UNKNOWN = "unknown"


_BANDS = (
    (6, AgeBand.UNDER_6),
    (16, AgeBand.UNDER_16),
    (60, AgeBand.UNDER_60),
    (80, AgeBand.UNDER_80),
)


def find_age_band(birth_date: BirthDate | None, *, on: date) -> AgeBand:
    """Somebody whose birth date is known by its year alone was born in the middle of that year."""
    if birth_date is None:
        return AgeBand.UNKNOWN
    born_on = birth_date.earliest + (birth_date.latest - birth_date.earliest) / 2
    years = age_on(born_on, on)
    return next((band for below, band in _BANDS if years < below), AgeBand.OLDEST)


@dataclass(frozen=True, kw_only=True)
class StepFacts:
    id: str
    kind: str
    service_id: str
    room_id: str | None
    lane: str
    times: StepTimes


@dataclass(frozen=True, kw_only=True)
class VisitFacts:
    kind: str
    lane: str
    language: str
    age_band: str
    kiosk_id: str | None
    use_insurance: bool
    coverage: str | None
    identified_by: str | None
    """Kind of the code that was read, domain.identity.Kind; None when it is not known any more."""
    offline: bool
    """The number was given by a kiosk without its server."""
    to_ticket: timedelta | None
    """From the first touch until the printer had printed."""
    steps: Sequence[StepFacts]


@dataclass(frozen=True, kw_only=True)
class CallFacts:
    queue_id: str
    called_at: datetime
    lane: str
    by_guard: bool
    attempt: int


def count_visit(book: Book, visit: VisitFacts, *, zone: ZoneInfo) -> None:
    """Adds one visit of the day to all cuts it belongs to."""
    whole = open_page(book, Cut.ALL)
    steps = visit.steps
    first = min((step.times for step in steps), key=lambda times: times.began_at, default=None)
    pages = [whole, open_page(book, Cut.LANE, visit.lane)]
    if visit.kiosk_id is not None:
        pages.append(open_page(book, Cut.KIOSK, visit.kiosk_id))
    if first is not None:
        pages.append(open_page(book, Cut.HOUR, _hour(first.began_at, zone)))
    for page in pages:
        page.count("visits")
    source = first.source if first else "unknown"
    whole.count("self_served", source in OWN_SOURCES)
    whole.count(f"source.{source}")
    whole.count(f"language.{visit.language}")
    whole.count(f"visit_kind.{visit.kind}")
    whole.count(f"identified.{visit.identified_by or 'unknown'}")
    if visit.offline:
        whole.count("offline")
    if visit.use_insurance:
        whole.count("insured")
        whole.count(f"coverage.{visit.coverage or 'unknown'}")
    _count_touch(book, visit)
    for step in steps:
        _count_step(book, step, zone=zone)
    _count_stay(book, visit, steps, first)


def _count_touch(book: Book, visit: VisitFacts) -> None:
    if visit.kiosk_id is None or visit.offline or visit.lane == Lane.EMERGENCY:
        return
    page = open_page(book, Cut.AGE_LANGUAGE, f"{visit.age_band}:{visit.language}")
    for each in (page, open_page(book, Cut.KIOSK, visit.kiosk_id), open_page(book, Cut.ALL)):
        _time(each, "touch", visit.to_ticket)


def _count_step(book: Book, step: StepFacts, *, zone: ZoneInfo) -> None:
    times = step.times
    room_id = times.room_id or step.room_id
    pages = [
        open_page(book, Cut.ALL),
        open_page(book, Cut.KIND, step.kind),
        open_page(book, Cut.SERVICE, step.service_id),
        open_page(book, Cut.LANE, step.lane),
    ]
    if room_id is not None:
        pages.append(open_page(book, Cut.ROOM, room_id))
    timed = list(pages)
    if times.joined_at is not None:
        hour = _hour(times.joined_at, zone)
        timed.append(open_page(book, Cut.HOUR, hour))
    counts = {
        "steps": 1,
        "done": times.done_at is not None,
        "missed": times.missed,
        "missed_once": times.missed > 0,
        "returned": times.returned,
        "cancelled": times.cancelled,
        "expired": times.expired,
        "recalls": max(times.calls - 1, 0),
    }
    for page in pages:
        for name, number in counts.items():
            if number:
                page.count(name, int(number))
    for page in timed[len(pages) :]:
        page.count("steps")
    was_called = times.calls > 0 or times.done_at is not None
    if times.joined_at is not None and room_id is not None:
        # There are many of these: waits are all that is asked of them.
        key = f"{room_id}:{_hour(times.joined_at, zone)}"
        narrow = open_page(book, Cut.ROOM_HOUR, key)
        narrow.count("steps")
        if was_called and step.lane != Lane.EMERGENCY:
            _time(narrow, "wait", times.waited)
    if step.lane == Lane.EMERGENCY:
        return
    for page in timed:
        if was_called:
            _time(page, "wait", times.waited)
        if times.done_at is not None:
            _time(page, "serve", times.served)


def _count_stay(
    book: Book, visit: VisitFacts, steps: Sequence[StepFacts], first: StepTimes | None
) -> None:
    """From the number to the last thing that was done, and to the registration."""
    ended = [step.times.done_at for step in steps if step.times.done_at]
    cancelled = all(step.times.cancelled for step in steps)
    if visit.lane == Lane.EMERGENCY or first is None or cancelled:
        return
    tests = len({step.kind for step in steps if step.kind in TESTS})
    pages = (
        open_page(book, Cut.ALL),
        open_page(book, Cut.TESTS, str(min(tests, MOST_TESTS))),
        open_page(book, Cut.LANE, visit.lane),
    )
    whole = all(step.times.done_at is not None or step.times.cancelled for step in steps)
    stay = max(ended) - first.began_at if ended and whole else None
    registered = next(
        (
            step.times.done_at - first.began_at
            for step in steps
            if step.kind == StepKind.RECEPTION and step.times.done_at
        ),
        None,
    )
    for page in pages:
        timed = _time(page, "stay", stay)
        if timed and stay is not None:
            page.count("stay_in_target", stay < timedelta(minutes=find_target_min(tests)))
    if any(step.kind == StepKind.RECEPTION for step in steps):
        _time(pages[0], "register", registered)


def find_target_min(tests: int) -> int:
    return TARGETS_MIN[min(tests, MOST_TESTS)]


def count_calls(book: Book, calls: Iterable[CallFacts]) -> None:
    """How fair the lines were: guard calls, and how many priority tickets followed each other."""
    whole = open_page(book, Cut.ALL)
    by_queue: dict[str, list[CallFacts]] = {}
    for call in calls:
        if call.attempt == 1:
            by_queue.setdefault(call.queue_id, []).append(call)
    for called in by_queue.values():
        run = 0
        for call in sorted(called, key=lambda each: each.called_at):
            whole.count("calls")
            if call.by_guard:
                whole.count("guard_calls")
            if call.lane == Lane.PRIORITY:
                run += 1
                continue
            if run:
                whole.time("priority_run", run)
            run = 0
        if run:
            whole.time("priority_run", run)


def count_lookups(book: Book, lookups: Mapping[tuple[str, str], int]) -> None:
    """Codes that were read, by (kind of code, outcome)."""
    whole = open_page(book, Cut.ALL)
    for (kind, outcome), number in lookups.items():
        whole.count(f"lookup.{kind}", number)
        if outcome == "identified":
            whole.count(f"found.{kind}", number)


@dataclass(frozen=True, kw_only=True)
class KioskFacts:
    """One kiosk on one day. `expected`: the hours the hospital was open and the kiosk in service."""

    id: str
    expected: timedelta
    away: timedelta
    paper_outs: int
    faults: int
    help_calls: int
    emergencies: int
    print_troubles: int


def count_kiosk(book: Book, kiosk: KioskFacts) -> None:
    counts = {
        "expected_s": int(kiosk.expected.total_seconds()),
        "away_s": int(min(kiosk.away, kiosk.expected).total_seconds()),
        "paper_outs": kiosk.paper_outs,
        "faults": kiosk.faults,
        "help_calls": kiosk.help_calls,
        "emergencies": kiosk.emergencies,
        "print_troubles": kiosk.print_troubles,
    }
    for page in (open_page(book, Cut.ALL), open_page(book, Cut.KIOSK, kiosk.id)):
        for name, number in counts.items():
            page.count(name, number)


@dataclass(frozen=True, kw_only=True)
class MoneyFacts:
    """`qr`: fees and advances paid by QR; the counter's own money is not ours to know."""

    qr: int
    qr_vnd: int
    qr_ended_unpaid: int
    refunds: int
    refunds_vnd: int

    @property
    def is_none(self) -> bool:
        return not (self.qr or self.qr_ended_unpaid or self.refunds)


def count_money(book: Book, money: MoneyFacts) -> None:
    whole = open_page(book, Cut.ALL)
    for name in MoneyFacts.__dataclass_fields__:
        whole.count(f"pay.{name}", getattr(money, name))
    whole.count("pay.at_counter", open_page(book, Cut.KIND, StepKind.CASHIER).get("done"))


def count_load(book: Book, open_hours: Mapping[str, float]) -> None:
    """Of each room: was it busier than it may be? `open_hours` are those of this day."""
    for (cut, room_id), page in list(book.items()):
        if cut is not Cut.ROOM or not page.get("done"):
            continue
        load = page.get("done") * 8 / max(open_hours.get(room_id, 8.0), 1.0)
        page.count("days", 1)
        for limit in LOAD_LIMITS:
            page.count(f"days_over_{limit}", load > limit)


@dataclass(frozen=True, kw_only=True)
class Away:
    """From when to when; None: still."""

    began_at: datetime
    ended_at: datetime | None


def measure_overlap(spells: Iterable[Away], *, since: datetime, until: datetime) -> timedelta:
    """How long of [since, until) lies in one of the spells; those that overlap count once."""
    inside = sorted(
        (max(each.began_at, since), min(each.ended_at or until, until)) for each in spells
    )
    total, reached = timedelta(0), since
    for began_at, ended_at in inside:
        new = ended_at - max(began_at, reached)
        if new > timedelta(0):
            total += new
            reached = ended_at
    return total


def _time(page: Figures, name: str, span: timedelta | None) -> bool:
    """Times what can be timed, counts what cannot: every figure says how much it lacks."""
    if span is None or not timedelta(0) <= span <= LONGEST_GAP:
        page.count(f"{name}_missing" if span is None else f"{name}_left_out")
        return False
    page.time(name, int(span.total_seconds()))
    return True


def _hour(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone).hour:02}"
