"""The months before, as the demo hospital's reports show them: invented visits, counted as real
ones are and kept as figures. Nothing of them stands in the tables of visits.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from backend.domain.catalogue import Catalogue, Service
from backend.domain.reports.counting import (
    AgeBand,
    CallFacts,
    KioskFacts,
    MoneyFacts,
    StepFacts,
    VisitFacts,
    count_calls,
    count_kiosk,
    count_load,
    count_lookups,
    count_money,
    count_visit,
)
from backend.domain.reports.figures import Book
from backend.domain.reports.periods import Period, Span
from backend.domain.reports.steps import StepTimes
from backend.domain.visit import StepKind
from backend.services.roll_up_day import add_up
from backend.storage.catalogue import load_catalogue
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.report_figures import save_day
from tiepdon.demo.hall import open_records

DAYS = 62
VISITS = 160
SUNDAY = 6
_K = StepKind
WAYS = (
    (_K.EXAMINATION, _K.PHARMACY),
    (_K.EXAMINATION, _K.CASHIER, _K.PHARMACY),
    (_K.EXAMINATION, _K.LABORATORY, _K.RETURN, _K.PHARMACY),
    (_K.EXAMINATION, _K.LABORATORY, _K.IMAGING, _K.RETURN, _K.CASHIER),
)
MINUTES = {
    _K.RECEPTION: (4, 2),
    _K.EXAMINATION: (24, 8),
    _K.LABORATORY: (12, 4),
    _K.IMAGING: (18, 8),
    _K.RETURN: (12, 5),
    _K.CASHIER: (6, 2),
    _K.PHARMACY: (8, 3),
}
"""Waited and served, about."""
RUSH_H = (7, 7, 7, 8, 8, 8, 8, 9, 9, 9, 10, 10, 13, 13, 14, 15)


def bring_past(url: str) -> date:
    """The last two months, and the same two of last year; returns the newest of these days."""
    with open_records(url) as database:
        with database.read() as connection:
            catalogue = load_catalogue(connection, database.facility_id)
            kiosks = list(connection.scalars(select(Kiosk.id).where(Kiosk.kind == "kiosk")))
        today = catalogue.today(database.clock())
        days = [today - timedelta(days=back) for back in range(1, DAYS)]
        days += [day - timedelta(days=364) for day in days]
        worked = [day for day in days if day.weekday() != SUNDAY]
        for day in worked:
            _Day(catalogue=catalogue, kiosks=kiosks, day=day).save(database)
        add_up(database, at_once=True)
    return max(worked)


@dataclass(frozen=True, kw_only=True)
class _Day:
    catalogue: Catalogue
    kiosks: list[str]
    day: date

    def save(self, database: Database) -> None:
        dice = random.Random(self.day.toordinal())  # noqa: S311  # figures, not secrets
        book: Book = {}
        calls: list[CallFacts] = []
        year = self.day.year
        for _ in range(round(VISITS * dice.uniform(0.8, 1.2))):
            count_visit(book, self._make_visit(dice, calls, year), zone=self.catalogue.zone)
        count_calls(book, calls)
        count_lookups(book, {("cccd2021", "identified"): 71, ("cccd2021", "see_staff"): 6})
        for kiosk_id in self.kiosks:
            away = timedelta(minutes=dice.choice((0, 0, 0, 5, 25)))
            kiosk = KioskFacts(
                id=kiosk_id,
                expected=timedelta(hours=10),
                away=away,
                paper_outs=dice.choice((0, 0, 1)),
                faults=dice.choice((0, 0, 0, 1)),
                help_calls=dice.randrange(6),
                emergencies=0,
                print_troubles=0,
            )
            count_kiosk(book, kiosk)
        qr = dice.randrange(40, 70)
        count_money(
            book,
            MoneyFacts(
                qr=qr, qr_vnd=qr * 187_000, qr_ended_unpaid=4, refunds=1, refunds_vnd=36_500
            ),
        )
        count_load(book, {})
        period = Period.of(Span.DAY, self.day)
        at = period.bounds(self.catalogue.zone)[1] + timedelta(hours=2)
        with database.write() as unit:
            save_day(unit, period, book, at=at, took_ms=0)

    def _make_visit(self, dice: random.Random, calls: list[CallFacts], year: int) -> VisitFacts:
        now = datetime.combine(
            self.day, time(dice.choice(RUSH_H), dice.randrange(60)), tzinfo=self.catalogue.zone
        )
        rushed = 1.4 if now.hour < 10 else 0.8
        at_kiosk = bool(self.kiosks) and dice.random() < (0.68 if year % 2 == 0 else 0.5)
        lane = dice.choices("NPRB", (70, 20, 5, 5))[0]
        steps: list[StepFacts] = []
        for kind in dice.choice(WAYS):
            service = self._choose(dice, kind)
            if service is None:
                continue
            wait, serve = MINUTES[kind]
            waited = timedelta(minutes=dice.lognormvariate(0, 0.5) * wait * rushed)
            served = timedelta(minutes=dice.lognormvariate(0, 0.4) * serve)
            called_at, missed = now + waited, int(dice.random() < 0.025)
            room_id = dice.choice(service.room_ids)
            times = StepTimes(
                source="caller" if steps else "kiosk" if at_kiosk else "reception",
                began_at=now,
                joined_at=now,
                waited=waited,
                served=served,
                done_at=called_at + served,
                expired=False,
                cancelled=False,
                calls=1 + missed,
                missed=missed,
                returned=missed,
                room_id=room_id,
            )
            steps.append(
                StepFacts(
                    id="", kind=kind.value, service_id=service.id, room_id=room_id, lane=lane,
                    times=times,
                )
            )  # fmt: skip
            calls.append(
                CallFacts(
                    queue_id=service.id, called_at=called_at, lane=lane,
                    by_guard=dice.random() < 0.01, attempt=1,
                )
            )  # fmt: skip
            now = called_at + served + timedelta(minutes=2)
        band = dice.choices(list(AgeBand), (8, 10, 45, 27, 8, 2))[0]
        slower = {AgeBand.UNDER_80: 1.4, AgeBand.OLDEST: 1.8}.get(band, 1.0)
        language = "en" if dice.random() < 0.04 else "vi"
        return VisitFacts(
            kind=dice.choice(("new", "new", "follow_up", "medicine")),
            lane=lane,
            language=language,
            age_band=band.value,
            kiosk_id=dice.choice(self.kiosks) if at_kiosk else None,
            use_insurance=dice.random() < 0.85,
            coverage=dice.choices(("ok", "later", "none"), (92, 5, 3))[0],
            identified_by=dice.choices(("cccd2021", "can_cuoc2024", "bhyt"), (50, 25, 25))[0],
            offline=False,
            to_ticket=timedelta(seconds=dice.lognormvariate(3.6, 0.35) * slower),
            steps=steps,
        )

    def _choose(self, dice: random.Random, kind: StepKind) -> Service | None:
        """Back at the doctor is a step of the doctor's own service."""
        wanted = _K.EXAMINATION if kind is _K.RETURN else kind
        offered = [
            each
            for each in self.catalogue.services.values()
            if each.kind == wanted.value and each.room_ids
        ]
        return dice.choice(offered) if offered else None
