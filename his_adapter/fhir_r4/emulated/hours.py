"""Schedules and the hours in them that can be booked."""

from __future__ import annotations

import threading
from dataclasses import replace

from his_adapter.errors import NotFound
from his_adapter.fhir_r4.emulated.store import AHEAD, WHOLE, Params, Store, values
from his_adapter.fhir_r4.mapping import catalogue as shown
from his_adapter.fhir_r4.mapping.reading import Resource
from his_adapter.models import Ref, Slot


class Hours:
    """Remembers the hours it showed: one that is taken is no longer told by the gateway."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._slots: dict[str, Slot] = {}

    def schedules(self, params: Params) -> list[Resource]:
        wanted = {value.rpartition("/")[2] for value in values(params, "actor")}
        found: dict[str, Resource] = {}
        for service in self._store.his.list_services(limit=WHOLE).items:
            if not service.by_hour or (wanted and service.ref not in wanted):
                continue
            people = self._store.his.list_practitioners(service.ref, limit=WHOLE).items
            posts: list[tuple[Ref | None, Ref | None]] = [
                (item.ref, post.room)
                for item in people
                for post in item.posts
                if post.service == service.ref
            ]
            for person, room in posts or [(None, room) for room in service.rooms]:
                for place in service.rooms if room is None else (room,):
                    ref = self._schedule_id(service.ref, person, place)
                    found[ref] = shown.schedule_resource(ref, service.ref, person, place)
        return [found[ref] for ref in sorted(found)]

    def search(self, params: Params) -> list[Resource]:
        start, end = self._store.span(params, "start")
        schedules = {value.rpartition("/")[2] for value in values(params, "schedule")}
        services = {self._store.ref_for(ref).split("~")[0] for ref in schedules}
        found = []
        for service in sorted(services):
            for item in self._store.his.find_slots(
                Ref(service), None, start, end, limit=WHOLE
            ).items:
                schedule = self._schedule_id(item.service, item.practitioner, item.room)
                if schedule in schedules:
                    found.append(self.show(item))
        return sorted(found, key=lambda item: (item["start"], item["id"]))

    def read(self, ref: Ref) -> Resource:
        now = self._store.clock()
        known = self._slots.get(ref)
        services = [known.service] if known else [Ref(ref.split("~")[0])]
        for service in services:
            start = known.start if known else now
            end = known.end if known else now + AHEAD
            for item in self._store.his.find_slots(service, None, start, end, limit=WHOLE).items:
                if item.ref == ref:
                    return self.show(item)
        if known is None:
            raise NotFound("no such slot")
        return self.show(replace(known, free=0))

    def keep(self, item: Slot) -> None:
        """An hour that was never shown, such as that of a booking made elsewhere."""
        with self._lock:
            self._slots.setdefault(item.ref, item)

    def show(self, item: Slot) -> Resource:
        with self._lock:
            self._slots[item.ref] = item
        schedule = self._schedule_id(item.service, item.practitioner, item.room)
        resource = shown.slot_resource(
            self._store.config, item, schedule=schedule, ref=self._store.id_for(item.ref)
        )
        return {**resource, "meta": {"versionId": f"free-{item.free}"}}

    def _schedule_id(self, service: Ref, person: Ref | None, room: Ref | None) -> str:
        return self._store.id_for(f"{service}~{person or '-'}~{room or '-'}")
