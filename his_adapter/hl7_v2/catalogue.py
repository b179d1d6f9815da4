"""What the place offers, from a file: HL7 v2 has no question for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from his_adapter.builtin.catalogue import Catalogue
from his_adapter.builtin.checks import checked_limit
from his_adapter.models import (
    ClosedDay,
    Department,
    OpeningSession,
    Page,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceFilter,
)
from his_adapter.partial import PartialGateway
from his_adapter.ports import DEFAULT_LIMIT

Item = TypeVar("Item")


def page(items: Sequence[Item], limit: int, *, whole: bool = True) -> Page[Item]:
    checked_limit(limit)
    return Page(items=tuple(items[:limit]), complete=whole and len(items) <= limit)


class CatalogueCalls(PartialGateway):
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        return page(self._catalogue.departments, limit)

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        return page(sorted(self._catalogue.rooms, key=lambda item: item.code), limit)

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        wanted = wanted or ServiceFilter()
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
        found = [
            practitioner
            for practitioner in self._catalogue.practitioners
            if service is None or service in {post.service for post in practitioner.posts}
        ]
        return page(sorted(found, key=lambda item: item.ref), limit)

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        return page(sorted(self._catalogue.sessions, key=lambda item: item.ref), limit)

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        found = [entry for entry in self._catalogue.closed_days if start <= entry.day < end]
        return page(sorted(found, key=lambda entry: (entry.day, entry.room or "")), limit)
