"""How a kiosk is, judged from what it says about itself.

A trouble is raised once it has been seen for a while without a break, and over once the contrary
has been: what only flickers tells nobody anything. Between the two thresholds of a figure, and
where a kiosk cannot tell, things stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from backend.domain.alerts import AlertKind

BEAT_EVERY = timedelta(seconds=30)
SILENT_AFTER = 3 * BEAT_EVERY
"""Three missed beats; with the pace of the watch staff learn of it within two minutes."""

MAX_SKEW_S, GOOD_SKEW_S = 5.0, 3.0
STALE_FRAME_MS = 5_000.0
LOW_DISK_PERCENT, GOOD_DISK_PERCENT = 10.0, 15.0
FULL_MEMORY_PERCENT, GOOD_MEMORY_PERCENT = 92.0, 85.0
HOT_C, GOOD_C = 80.0, 74.0

PRINTER_FAULTS = frozenset({"cover_open", "error", "offline", "unreachable", "absent", "stale"})
SCANNER_FAULTS = frozenset({"error", "offline", "unreachable", "absent", "stale"})

MACHINE_KNOWN_FOR = timedelta(minutes=5)
"""A machine that was not heard for so long is not the other one of two."""
TWICE_FOR = timedelta(minutes=3)
"""Without both of them being heard in turn for so long, there is one again."""
MAX_MACHINES = 4


class KioskState(StrEnum):
    """The worst that holds, in this order."""

    PAUSED = "paused"
    """Taken out of service by staff, with words for the glass."""
    AWAY = "away"
    TROUBLED = "troubled"
    NEW = "new"
    """Enrolled, and never heard of since."""
    SERVING = "serving"
    OFF = "off"
    """A print agent that is not heard: its computer goes off when somebody goes home."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a trouble, and its contrary, is seen before it counts."""

    raise_after: timedelta
    clear_after: timedelta


_TWO_BEATS = timedelta(seconds=25)
"""Seen at two beats: they are not to the second."""
_THREE_BEATS = timedelta(seconds=50)
_AT_ONCE = timedelta(0)

PACES: Mapping[AlertKind, Pace] = {
    AlertKind.PAPER_OUT: Pace(raise_after=_AT_ONCE, clear_after=_TWO_BEATS),
    AlertKind.PRINTER_FAULT: Pace(raise_after=_TWO_BEATS, clear_after=_TWO_BEATS),
    AlertKind.SCANNER_FAULT: Pace(raise_after=_TWO_BEATS, clear_after=_TWO_BEATS),
    AlertKind.TOUCH_SUSPECT: Pace(raise_after=_AT_ONCE, clear_after=_TWO_BEATS),
    AlertKind.CLOCK_SKEW: Pace(raise_after=_TWO_BEATS, clear_after=_TWO_BEATS),
    AlertKind.DISK_LOW: Pace(raise_after=_TWO_BEATS, clear_after=_THREE_BEATS),
    AlertKind.MEMORY_LOW: Pace(raise_after=_THREE_BEATS, clear_after=_THREE_BEATS),
    AlertKind.TOO_HOT: Pace(raise_after=_THREE_BEATS, clear_after=_THREE_BEATS),
    AlertKind.KIOSK_NAME_TWICE: Pace(raise_after=_AT_ONCE, clear_after=_AT_ONCE),
}
"""What is judged from reports; being away is noticed by the watch, because nothing is said then."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether one trouble counts; `turning_at` since when the contrary is seen without a break."""

    on: bool = False
    turning_at: datetime | None = None


def turn(standing: Standing, seen: bool | None, pace: Pace, *, now: datetime) -> Standing:
    """After one more look; None when it cannot be told."""
    if seen is None or seen == standing.on:
        return Standing(on=standing.on)
    since = standing.turning_at or now
    wait = pace.clear_after if standing.on else pace.raise_after
    if now - since >= wait:
        return Standing(on=not standing.on)
    return Standing(on=standing.on, turning_at=since)


def look(report: Mapping[str, Any], *, skew_s: float | None) -> dict[AlertKind, bool | None]:
    """What a report shows at this moment; None where it says nothing of it."""
    frame_ms = report.get("camera_frame_age_ms")
    return {
        AlertKind.PAPER_OUT: is_paper_out(report),
        AlertKind.PRINTER_FAULT: _is_among(report.get("printer"), PRINTER_FAULTS),
        AlertKind.SCANNER_FAULT: _any_of(
            _is_among(report.get("scanner"), SCANNER_FAULTS),
            _is_among(report.get("camera"), SCANNER_FAULTS),
            None if frame_ms is None else frame_ms > STALE_FRAME_MS,
        ),
        AlertKind.TOUCH_SUSPECT: _is_touch_wrong(report.get("touch")),
        AlertKind.CLOCK_SKEW: _between(
            None if skew_s is None else abs(skew_s), bad_above=MAX_SKEW_S, good_to=GOOD_SKEW_S
        ),
        AlertKind.DISK_LOW: _between(
            _negative(report.get("disk_free_percent")),
            bad_above=-LOW_DISK_PERCENT,
            good_to=-GOOD_DISK_PERCENT,
        ),
        AlertKind.MEMORY_LOW: _between(
            report.get("memory_percent"),
            bad_above=FULL_MEMORY_PERCENT,
            good_to=GOOD_MEMORY_PERCENT,
        ),
        AlertKind.TOO_HOT: _between(report.get("temperature_c"), bad_above=HOT_C, good_to=GOOD_C),
    }


def is_paper_out(report: Mapping[str, Any]) -> bool | None:
    paper, printer = report.get("paper"), report.get("printer")
    if paper == "out" or printer == "paper_end":
        return True
    if paper in {"ok", "low"} or printer in {"ready", "paper_near_end"}:
        return False
    return None


def is_paper_low(report: Mapping[str, Any]) -> bool:
    return report.get("paper") == "low" or report.get("printer") == "paper_near_end"


def _is_touch_wrong(touch: str | None) -> bool | None:
    return None if touch is None else touch != "ok"


def _is_among(state: str | None, faults: frozenset[str]) -> bool | None:
    return None if state is None else state in faults


def _any_of(*seen: bool | None) -> bool | None:
    told = [each for each in seen if each is not None]
    return any(told) if told else None


def _negative(figure: float | None) -> float | None:
    return None if figure is None else -figure


def _between(figure: float | None, *, bad_above: float, good_to: float) -> bool | None:
    if figure is None:
        return None
    return True if figure > bad_above else False if figure <= good_to else None


# --- two machines --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Which installations spoke with one credential lately, the newest last."""

    heard: tuple[tuple[str, datetime], ...] = ()
    twice_at: datetime | None = None
    """When one last came back after another had spoken."""

    def hear(self, name: str, *, now: datetime) -> Machines:
        """A disk put in anew is another machine from then on, and no second one: it has to be that
        one comes back after the other.
        """
        recent = tuple(each for each in self.heard if now - each[1] < MACHINE_KNOWN_FOR)
        came_back = any(each == name for each, _ in recent[:-1])
        others = tuple(each for each in recent if each[0] != name)
        return Machines(
            heard=(*others, (name, now))[-MAX_MACHINES:],
            twice_at=now if came_back else self.twice_at,
        )

    def are_two(self, *, now: datetime) -> bool:
        return self.twice_at is not None and now - self.twice_at < TWICE_FOR


# --- an hour -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class HourFigures:
    """What a kiosk said in one hour, kept for a year."""

    hour: datetime
    beats: int = 0
    visits: int = 0
    errors: int = 0
    waits: int = 0
    """Answers that people waited for."""
    p95_sum_ms: float = 0.0
    """Each p95 times its answers, over all beats."""
    worst_ms: float = 0.0
    temperature_max_c: float | None = None
    memory_max_percent: float | None = None
    disk_min_percent: float | None = None
    skew_max_s: float | None = None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> HourFigures:
        known = {each.name: stored[each.name] for each in fields(cls) if each.name in stored}
        return cls(**known | {"hour": datetime.fromisoformat(stored["hour"])})

    def add(
        self, report: Mapping[str, Any], *, visits: int, errors: int, skew_s: float | None
    ) -> HourFigures:
        steps = report.get("steps") or []
        return replace(
            self,
            beats=self.beats + 1,
            visits=self.visits + visits,
            errors=self.errors + errors,
            waits=self.waits + sum(step["count"] for step in steps),
            p95_sum_ms=self.p95_sum_ms + sum(step["count"] * step["p95_ms"] for step in steps),
            worst_ms=max([self.worst_ms, *(step["p95_ms"] for step in steps)]),
            temperature_max_c=_most(self.temperature_max_c, report.get("temperature_c")),
            memory_max_percent=_most(self.memory_max_percent, report.get("memory_percent")),
            disk_min_percent=_negative(
                _most(_negative(self.disk_min_percent), _negative(report.get("disk_free_percent")))
            ),
            skew_max_s=_most(self.skew_max_s, None if skew_s is None else abs(skew_s)),
        )


def _most(*figures: float | None) -> float | None:
    return max((each for each in figures if each is not None), default=None)


def hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def count_new(before: Mapping[str, Any], report: Mapping[str, Any], what: str) -> int:
    """`visits` or `errors` since the beat before; counts begin anew with the process."""
    same = all(before.get(each) == report.get(each) for each in ("machine", "started_at"))
    seen, now = int(before.get(what) or 0) if same else 0, int(report.get(what) or 0)
    return max(now - seen, 0)


# --- what is kept between two beats --------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Notes:
    """What the server keeps of a kiosk from beat to beat, beside the newest report itself."""

    standings: Mapping[AlertKind, Standing]
    machines: Machines
    skew_s: float | None = None
    reported_at: datetime | None = None
    hour: HourFigures | None = None

    @property
    def troubles(self) -> tuple[AlertKind, ...]:
        return tuple(kind for kind, standing in self.standings.items() if standing.on)

    def find_mute_since(self, last_beat_at: datetime | None) -> datetime | None:
        """The last report, when beats came for long without one: what it says may be over."""
        if self.reported_at is None or last_beat_at is None:
            return None
        return self.reported_at if last_beat_at - self.reported_at > SILENT_AFTER else None

    def judge(self, report: Mapping[str, Any], *, now: datetime) -> Notes:
        """With every trouble looked at once more."""
        seen = look(report, skew_s=self.skew_s)
        seen[AlertKind.KIOSK_NAME_TWICE] = self.machines.are_two(now=now)
        standings = {
            kind: turn(self.standings.get(kind, Standing()), seen[kind], pace, now=now)
            for kind, pace in PACES.items()
        }
        return replace(self, standings=standings)

    def to_json(self) -> dict[str, Any]:
        return {
            "standings": {
                kind: [standing.on, _text(standing.turning_at)]
                for kind, standing in self.standings.items()
                if standing != Standing()
            },
            "machines": [[name, _text(at)] for name, at in self.machines.heard],
            "twice_at": _text(self.machines.twice_at),
            "skew_s": self.skew_s,
            "reported_at": _text(self.reported_at),
            "hour": vars(self.hour) | {"hour": _text(self.hour.hour)} if self.hour else None,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Notes:
        """Without what a newer release kept besides, which was rolled back since."""
        standings: Mapping[str, Any] = stored.get("standings") or {}
        hour = stored.get("hour")
        return cls(
            standings={
                kind: Standing(on=standings[kind][0], turning_at=_moment(standings[kind][1]))
                for kind in PACES
                if kind in standings
            },
            machines=Machines(
                heard=tuple(
                    (name, datetime.fromisoformat(at)) for name, at in stored.get("machines") or ()
                ),
                twice_at=_moment(stored.get("twice_at")),
            ),
            skew_s=stored.get("skew_s"),
            reported_at=_moment(stored.get("reported_at")),
            hour=HourFigures.from_json(hour) if hour else None,
        )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def judge_state(
    *,
    kind: str,
    out_of_service: bool,
    last_beat_at: datetime | None,
    troubled: bool,
    now: datetime,
) -> KioskState:
    if out_of_service:
        return KioskState.PAUSED
    if last_beat_at is None:
        return KioskState.NEW
    if is_silent(last_beat_at, now=now):
        return KioskState.OFF if kind == "agent" else KioskState.AWAY
    return KioskState.TROUBLED if troubled else KioskState.SERVING


def is_silent(last_beat_at: datetime, *, now: datetime) -> bool:
    return now - last_beat_at > SILENT_AFTER
