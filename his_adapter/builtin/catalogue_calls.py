"""Calls of the port about what the place offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from his_adapter.builtin import appointments
from his_adapter.builtin.base import RegisterBase, page
from his_adapter.builtin.checks import checked_moment
from his_adapter.builtin.codes import find_codes
from his_adapter.builtin.slots import last_bookable_day, slots_of_day
from his_adapter.errors import InvalidData, NotFound
from his_adapter.models import (
    ClosedDay,
    Code,
    Department,
    OpeningSession,
    Page,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceFilter,
    Slot,
)
from his_adapter.ports import DEFAULT_LIMIT

_LONGEST_SEARCH = timedelta(days=62)


class CatalogueCalls(RegisterBase):
    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        with self._line.reading():
            return page(self._catalogue.departments, limit)

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        with self._line.reading():
            return page(sorted(self._catalogue.rooms, key=lambda item: item.code), limit)

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        wanted = wanted or ServiceFilter()
        with self._line.reading():
            found = [
                service
                for service in self._catalogue.services
                if wanted.kind in {None, service.kind}
                and wanted.department in {None, service.department}
            ]
            return page(sorted(found, key=lambda item: item.code), limit)

    def list_practitioners(
        self, service: Ref | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Practitioner]:
        with self._line.reading():
            found = [
                practitioner
                for practitioner in self._catalogue.practitioners
                if service is None or service in {post.service for post in practitioner.posts}
            ]
            return page(sorted(found, key=lambda item: item.ref), limit)

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        with self._line.reading():
            return page(sorted(self._catalogue.sessions, key=lambda item: item.ref), limit)

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        with self._line.reading():
            found = [entry for entry in self._catalogue.closed_days if start <= entry.day < end]
            return page(sorted(found, key=lambda entry: (entry.day, entry.room or "")), limit)

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        offered = self._catalogue.find_service(service)
        if offered is None:
            raise NotFound("no such service")
        start, end = checked_moment("start", start), checked_moment("end", end)
        if end - start > _LONGEST_SEARCH:
            raise InvalidData("end", "Khoảng thời gian tìm quá dài.")
        with self._line.reading(), self._store.reading() as db:
            start = max(start, self._clock())
            found = [
                replace(slot, free=free)
                for slot in self._slots(offered, start, end)
                if practitioner in {None, slot.practitioner}
                and (free := appointments.free_places(db, slot))
            ]
            return page(sorted(found, key=lambda slot: (slot.start, slot.ref)), limit)

    def list_codes(
        self, system: str, parent: str | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Code]:
        with self._line.reading():
            return page(find_codes(self._catalogue.codes, system, parent), limit)

    def _slots(self, service: Service, start: datetime, end: datetime) -> list[Slot]:
        """Slots of the service that start in [start, end) and may be booked yet."""
        last = last_bookable_day(self._catalogue, service, self._local_day(self._clock()))
        day = self._local_day(start)
        found: list[Slot] = []
        while day <= min(last, self._local_day(end)):
            found += slots_of_day(self._catalogue, service, day)
            day += timedelta(days=1)
        return [slot for slot in found if start <= slot.start < end]
