"""Slots and appointments. A booking counts when it was read back, not when it was answered.

A transaction is not atomic on every server, If-Match and If-None-Exist are not honoured by every
server: each booking marks its Slot with its key, all who took the Slot are read afterwards, the
earliest stands, and whoever came later takes their own booking back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from his_adapter.builtin.checks import MAX_REASON, checked_key, checked_moment, checked_text
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    InvalidData,
    KeyReused,
    NotFound,
    SlotTaken,
    VersionConflict,
)
from his_adapter.fhir_r4.catalogue import Catalogue
from his_adapter.fhir_r4.config import Booking
from his_adapter.fhir_r4.hospital import Hospital, earliest_first, page_of
from his_adapter.fhir_r4.mapping.appointments import (
    IGNORED,
    appointment,
    appointment_resource,
    cancelled_appointment,
    codes_for,
    freed_slot,
    moved_appointment,
    taken_slot,
)
from his_adapter.fhir_r4.mapping.catalogue import schedule_actors, slot
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    id_of,
    identifiers_in,
    moment_text,
    objects,
    reference_to,
    version_of,
)
from his_adapter.fhir_r4.people import People
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Page,
    Ref,
    Slot,
    WriteKey,
)

_LONGEST_SEARCH = timedelta(days=62)
_SCHEDULES_AT_ONCE = 40
_TRIES = 5
_A_MOMENT_S = 0.2
_TAKING = frozenset({AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED})


@dataclass(frozen=True, kw_only=True)
class Bookings:
    hospital: Hospital
    catalogue: Catalogue
    people: People

    # --- reading

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int,
    ) -> Page[Slot]:
        start, end = checked_moment("start", start), checked_moment("end", end)
        if end - start > _LONGEST_SEARCH:
            raise InvalidData("end", "Khoảng thời gian tìm quá dài.")
        self.catalogue.get_service(service)
        start = max(start, self.hospital.clock())
        schedules = {
            id_of(item): item
            for item in self.catalogue.schedules(service)
            if practitioner in {None, schedule_actors(item)[1]}
        }
        found: list[Slot] = []
        complete = True
        for refs in _chunks(sorted(schedules)):
            result = self.hospital.search(
                "Slot",
                [
                    ("schedule", ",".join(f"Schedule/{ref}" for ref in refs)),
                    ("status", "free"),
                    ("start", f"ge{moment_text(start)}"),
                    ("start", f"lt{moment_text(end)}"),
                    ("_sort", "start"),
                ],
            )
            complete = complete and result.complete
            for resource in result.matches:
                schedule = schedules.get(
                    reference_to("Schedule", resource.get("schedule")) or Ref("")
                )
                if schedule is None or resource.get("status") != "free":
                    continue  # a server that ignores what it was asked
                hour = slot(self.hospital.config, resource, schedule)
                if hour.free and start <= hour.start < end:
                    found.append(hour)
        return page_of(
            sorted(found, key=lambda item: (item.start, item.ref)), limit, complete=complete
        )

    def find(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus],
        limit: int,
    ) -> Page[Appointment]:
        start, end = checked_moment("start", start), checked_moment("end", end)
        known = self.people.read(patient)
        result = self.hospital.search(
            "Appointment",
            [
                ("patient", f"Patient/{known.ref}"),
                ("date", f"ge{moment_text(start)}"),
                ("date", f"lt{moment_text(end)}"),
                ("status", ",".join(codes_for(statuses))),
            ],
        )
        found = [
            self._of(resource, known.ref)
            for resource in result.matches
            if resource.get("status") not in IGNORED
        ]
        found = [i for i in found if start <= i.start < end and i.status in statuses]
        return page_of(
            sorted(found, key=lambda item: (item.start, item.ref)),
            limit,
            complete=result.complete,
        )

    # --- booking

    def book(self, patient: Ref, slot_ref: Ref, service: Ref, *, key: WriteKey) -> Appointment:
        checked_key(key)
        owner = self.people.read(patient).ref
        wanted, stored_slot = self._hour(slot_ref)
        if wanted.service != service:
            raise InvalidData("service", "Khung giờ này thuộc dịch vụ khác.")
        if (known := self._made_before(key, owner, slot_ref)) is not None:
            return known
        if wanted.end <= self.hospital.clock():
            raise InvalidData("slot", "Khung giờ này đã qua.")
        self._refuse_second(owner, slot_ref)
        if self.hospital.config.booking is Booking.SERVER:
            return self._book_at_server(owner, wanted, key)
        for _ in range(_TRIES):
            if not wanted.free:
                raise SlotTaken("no place left")
            try:
                self._send_booking(owner, wanted, stored_slot, key)
            except VersionConflict:
                # A transaction that was only half undone may have left the booking behind.
                if (known := self._made_before(key, owner, slot_ref)) is not None:
                    return known
                wanted, stored_slot = self._hour(slot_ref)
                continue
            return self._agreed(self._made_before(key, owner, slot_ref), wanted)
        raise SlotTaken("the hour changes all the time")

    def written(self, resource: Resource) -> Appointment | None:
        """A booking that was found by its key; None when only half of it was done.

        Nothing is taken back here: who sends the booking again with its key mends it.
        """
        known = appointment(self.hospital.config, resource)
        is_open = known.status is AppointmentStatus.BOOKED and known.slot is not None
        if is_open and not self._stands(resource, known.slot or Ref("")):
            return None
        return known

    def _agreed(self, known: Appointment | None, wanted: Slot) -> Appointment:
        """What was stored is what the patient agreed to."""
        if known is None:
            raise SlotTaken("somebody else was first")
        if known.start != wanted.start or known.service not in {None, wanted.service}:
            raise BrokenReply("the HIS stored another booking than was asked for")
        return known

    def _send_booking(self, owner: Ref, wanted: Slot, stored_slot: Resource, key: str) -> None:
        config = self.hospital.config
        booking = appointment_resource(config, owner, wanted, key=key)
        self.hospital.client.transaction(
            [
                {
                    "resource": taken_slot(config, stored_slot, key=key),
                    "request": {
                        "method": "PUT",
                        "url": f"Slot/{wanted.ref}",
                        "ifMatch": f'W/"{version_of(stored_slot)}"',
                    },
                },
                {
                    "resource": booking,
                    "request": {
                        "method": "POST",
                        "url": "Appointment",
                        "ifNoneExist": self.hospital.if_new(key),
                    },
                },
            ],
            key=key,
        )

    def _book_at_server(self, owner: Ref, wanted: Slot, key: WriteKey) -> Appointment:
        if not wanted.free:
            raise SlotTaken("no place left")
        config = self.hospital.config
        booking = appointment_resource(config, owner, wanted, key=key)
        try:
            self.hospital.client.create(booking, key=key, if_none_exist=self.hospital.if_new(key))
        except (VersionConflict, Duplicate):
            if (known := self._made_before(key, owner, wanted.ref)) is not None:
                return known
            self._refuse_second(owner, wanted.ref)
            raise SlotTaken("no place left") from None
        return self._agreed(self._made_before(key, owner, wanted.ref), wanted)

    def _made_before(self, key: str, owner: Ref, slot_ref: Ref) -> Appointment | None:
        """The booking of this key as it stands; None when there is none, or it had to go.

        Raises KeyReused when the key made another booking.
        """
        config = self.hospital.config
        found = self.hospital.with_key("Appointment", key)
        for resource in found:
            known = appointment(config, resource)
            if known.patient != owner or known.slot != slot_ref:
                raise KeyReused("this key made another booking")
        standing = [r for r in found if appointment(config, r).status in _TAKING]
        if found and not standing:
            # Cancelled or over since: that is what this key has left behind.
            return appointment(config, found[0])
        for doubled in standing[1:]:
            self._take_back(doubled, key)
        if not standing:
            return None
        ours = standing[0]
        if not self._stands(ours, slot_ref):
            self._take_back(ours, key)
            return None
        return appointment(config, self.hospital.client.read("Appointment", ours["id"]))

    def _stands(self, ours: Resource, slot_ref: Ref) -> bool:
        """Whether our booking is within the places of its hour."""
        config = self.hospital.config
        if appointment(config, ours).status is not AppointmentStatus.BOOKED:
            return True
        for attempt in range(3):
            wanted, stored = self._hour(slot_ref)
            owned = config.booking is Booking.SERVER or self._holds(stored, ours)
            if not owned:
                return False
            takers = [taker["id"] for taker in self._takers(slot_ref)]
            if ours["id"] not in takers[wanted.capacity :]:
                return True
            if attempt < 2:
                # Who came before us and lost may just be taking their own back.
                self.hospital.sleep(_A_MOMENT_S)
        return False

    def _holds(self, stored_slot: Resource, booking: Resource) -> bool:
        """The key on the slot made or moved this booking, or the HIS marked it by its own means."""
        system = self.hospital.config.system("request_key")
        keys = identifiers_in(stored_slot, system)
        ours = identifiers_in(booking, system)
        return stored_slot.get("status") != "free" and (not keys or bool(keys & ours))

    def _take_back(self, resource: Resource, key: str) -> None:
        config = self.hospital.config
        gone = cancelled_appointment(config, resource, reason="", key=key)
        self.hospital.undo(resource, key=key, instead=gone)

    # --- changing

    def change(
        self,
        ref: Ref,
        action: AppointmentAction,
        *,
        version: str,
        key: WriteKey,
        reason: str,
        new_slot: Ref | None,
    ) -> Appointment:
        checked_key(key)
        reason = checked_text("reason", reason, max_chars=MAX_REASON)
        config = self.hospital.config
        stored = self.hospital.client.read("Appointment", ref)
        before = appointment(config, stored)
        if action is AppointmentAction.CANCEL and before.status is AppointmentStatus.CANCELLED:
            self._free(before.slot)
            return before
        if not self.hospital.carries(stored, key):
            if before.version != version:
                raise VersionConflict("the appointment was changed by somebody else")
            if before.status is not AppointmentStatus.BOOKED:
                raise InvalidData("ref", "Lịch hẹn này không còn thay đổi được.")
        if action is AppointmentAction.CANCEL:
            after = cancelled_appointment(config, stored, reason=reason, key=key)
            self.hospital.client.update(after, version=before.version, key=key)
            self._free(before.slot)
        else:
            self._move(stored, before, new_slot, key)
        return appointment(config, self.hospital.client.read("Appointment", ref))

    def _move(self, stored: Resource, before: Appointment, new_slot: Ref | None, key: str) -> None:
        if new_slot is None:
            raise InvalidData("new_slot", "Chưa chọn khung giờ mới.")
        if new_slot == before.slot:
            return
        config = self.hospital.config
        wanted, stored_slot = self._hour(new_slot)
        if wanted.end <= self.hospital.clock():
            raise InvalidData("slot", "Khung giờ này đã qua.")
        self._refuse_second(before.patient, new_slot)
        if not wanted.free and not self.hospital.carries(stored_slot, key):
            raise SlotTaken("no place left")
        ours = config.booking is Booking.TRANSACTION
        if ours and not self.hospital.carries(stored_slot, key):
            if not wanted.free:
                raise SlotTaken("no place left")
            try:
                self.hospital.client.update(
                    taken_slot(config, stored_slot, key=key),
                    version=version_of(stored_slot),
                    key=key,
                )
            except VersionConflict:
                raise SlotTaken("somebody else was first") from None
        after = moved_appointment(config, stored, before.patient, wanted, key=key)
        try:
            self.hospital.client.update(after, version=before.version, key=key)
        except VersionConflict:
            if ours:
                self._free(new_slot)
                raise
            # The server gives one answer for a full hour and for an old copy.
            latest = self.hospital.client.read("Appointment", before.ref)
            if version_of(latest) == before.version:
                raise SlotTaken("no place left") from None
            raise
        self._free(before.slot)

    # --- inside

    def _hour(self, ref: Ref) -> tuple[Slot, Resource]:
        """Raises NotFound."""
        stored = self.hospital.client.read("Slot", ref)
        schedule_ref = reference_to("Schedule", stored.get("schedule"))
        if schedule_ref is None:
            raise BrokenReply("an hour of no schedule")
        schedule = self.hospital.client.read("Schedule", schedule_ref)
        return slot(self.hospital.config, stored, schedule), stored

    def _refuse_second(self, patient: Ref, slot_ref: Ref) -> None:
        for taker in self._takers(slot_ref, patient):
            if appointment(self.hospital.config, taker).patient == patient:
                raise Duplicate("the patient has this slot", existing=taker["id"])

    def _takers(self, slot_ref: Ref, patient: Ref | None = None) -> tuple[Resource, ...]:
        """Bookings that hold a place of this hour, the earliest first."""
        wanted = [("slot", f"Slot/{slot_ref}"), ("status", ",".join(codes_for(_TAKING)))]
        if patient is not None:
            wanted.append(("patient", f"Patient/{patient}"))
        found = self.hospital.search("Appointment", wanted, limit=200).matches
        return earliest_first(
            item
            for item in found
            if slot_ref in {reference_to("Slot", s) for s in objects(item.get("slot"))}
            and item.get("status") in codes_for(_TAKING)
        )

    def _free(self, slot_ref: Ref | None) -> None:
        """The hour is free again, unless somebody holds it. Harmless when done before."""
        if slot_ref is None or self.hospital.config.booking is Booking.SERVER:
            return
        for _ in range(_TRIES):
            try:
                stored = self.hospital.client.read("Slot", slot_ref)
            except NotFound:
                return
            if stored.get("status") == "free" or self._takers(slot_ref):
                return
            try:
                self.hospital.client.update(
                    freed_slot(self.hospital.config, stored),
                    version=version_of(stored),
                    key="free-slot",
                )
            except VersionConflict:
                continue
            return

    def _of(self, resource: Resource, patient: Ref) -> Appointment:
        found = appointment(self.hospital.config, resource)
        if found.patient != patient:
            raise BrokenReply("a booking of another patient came")
        return found


def _chunks(refs: list[Ref]) -> Iterator[list[Ref]]:
    for start in range(0, len(refs), _SCHEDULES_AT_ONCE):
        yield refs[start : start + _SCHEDULES_AT_ONCE]
