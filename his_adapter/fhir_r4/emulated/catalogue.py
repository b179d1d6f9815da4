"""Departments, rooms, services and who works there."""

from __future__ import annotations

from datetime import timedelta

from his_adapter.fhir_r4.emulated.store import WHOLE, Store
from his_adapter.fhir_r4.mapping import catalogue as shown
from his_adapter.fhir_r4.mapping.reading import VIETNAM, Resource


class Catalogue:
    def __init__(self, store: Store) -> None:
        self._store = store

    def departments(self) -> list[Resource]:
        items = self._store.his.list_departments(limit=WHOLE).items
        return [
            shown.department_resource(self._store.config, item, order=order)
            for order, item in enumerate(items)
        ]

    def rooms(self) -> list[Resource]:
        sessions = self._store.his.list_sessions(limit=WHOLE).items
        today = self._store.clock().astimezone(VIETNAM).date()
        closed = self._store.his.list_closed_days(
            today, today + timedelta(days=90), limit=WHOLE
        ).items
        rooms = [
            shown.room_resource(
                self._store.config,
                item,
                [session for session in sessions if session.room == item.ref],
                [day for day in closed if day.room == item.ref],
            )
            for item in self._store.his.list_rooms(limit=WHOLE).items
        ]
        everywhere = [day for day in closed if day.room is None]
        return [*rooms, shown.site_resource(self._store.config, everywhere)]

    def services(self) -> list[Resource]:
        items = self._store.his.list_services(limit=WHOLE).items
        return [shown.service_resource(self._store.config, item) for item in items]

    def practitioners(self) -> list[Resource]:
        items = self._store.his.list_practitioners(limit=WHOLE).items
        return [shown.practitioner_resource(self._store.config, item) for item in items]

    def roles(self) -> list[Resource]:
        return [
            shown.role_resource(item.ref, post, ref=f"{item.ref}.{number:02d}")
            for item in self._store.his.list_practitioners(limit=WHOLE).items
            for number, post in enumerate(item.posts)
        ]
