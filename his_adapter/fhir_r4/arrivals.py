"""Check-in: an Encounter, once, numbered by the HIS, and its appointment marked as arrived."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from his_adapter.builtin.checks import (
    MAX_REASON,
    checked_key,
    checked_moment,
    checked_ref,
    checked_text,
)
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    InvalidData,
    KeyReused,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    VersionConflict,
)
from his_adapter.fhir_r4.bookings import Bookings
from his_adapter.fhir_r4.catalogue import Catalogue
from his_adapter.fhir_r4.hospital import Hospital, earliest_first, page_of
from his_adapter.fhir_r4.mapping.appointments import appointment
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    identifier,
    moment_of,
    moment_text,
    object_of,
    reference_to,
    text_of,
    version_of,
    whole,
)
from his_adapter.fhir_r4.mapping.visits import (
    cancelled_encounter,
    encounter_resource,
    service_of,
    visit,
)
from his_adapter.fhir_r4.people import People
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    CheckIn,
    Page,
    QueueStatus,
    Ref,
    Service,
    Visit,
    VisitStatus,
    WriteKey,
)

_OPEN = ("planned", "arrived", "triaged", "in-progress", "onleave")
_TRIES = 5
_A_MOMENT_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    hospital: Hospital
    catalogue: Catalogue
    people: People
    bookings: Bookings

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        checked_key(key)
        request = replace(
            request,
            reason=checked_text("reason", request.reason or "", max_chars=MAX_REASON) or None,
            number=request.number and checked_ref(request.number),
            visit_kind=checked_ref(request.visit_kind),
        )
        request = replace(request, patient=self.people.read(request.patient).ref)
        if (known := self._made_before(request, key)) is not None:
            return known
        now = self.hospital.clock()
        arrived_at = checked_moment("arrived_at", request.arrived_at or now)
        booked = None
        if request.appointment is not None:
            booked = self._due(request, self._day(arrived_at))
        service, practitioner, room = self._wanted(request, booked)
        for other in self._open_visits(request.patient, service.ref, self._day(arrived_at)):
            raise Duplicate("the patient is registered", existing=other["id"])
        resource = encounter_resource(
            self.hospital.config,
            request,
            service,
            key=key,
            practitioner=practitioner,
            room=room,
            arrived_at=arrived_at,
        )
        try:
            made = self.hospital.client.create(
                resource, key=key, if_none_exist=self.hospital.if_new(key)
            ).resource
        except (Duplicate, VersionConflict):
            if (known := self._made_before(request, key)) is not None:
                return known
            for other in self._open_visits(request.patient, service.ref, self._day(arrived_at)):
                raise Duplicate("is registered", existing=other["id"]) from None
            raise BrokenReply("refused as known, but not to be found") from None
        same = self._open_visits(request.patient, service.ref, self._day(arrived_at))
        if same and same[0]["id"] != made["id"]:
            if self.hospital.carries(same[0], key):  # this very check-in, sent twice at once
                self._take_back(made, key)
                return self._finished(same[0], key)
            self._take_back(made, key)
            raise Duplicate("the patient is registered", existing=same[0]["id"])
        known = self._finished(made, key)
        if (known.patient, known.service) != (request.patient, service.ref):
            raise BrokenReply("the HIS stored another visit than was asked for")
        return known

    def cancel(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        checked_key(key)
        reason = checked_text("reason", reason, max_chars=MAX_REASON)
        for _ in range(_TRIES):
            stored = self.hospital.client.read("Encounter", ref)
            before = self._visit(stored)
            if before.status is VisitStatus.CANCELLED:
                break
            if before.status is not VisitStatus.ARRIVED:
                raise InvalidData("ref", "Lượt khám này đã kết thúc.")
            after = cancelled_encounter(self.hospital.config, stored, reason=reason, key=key)
            try:
                self.hospital.client.update(after, version=before.version, key=key)
            except VersionConflict:
                continue  # called or moved meanwhile: looked at again
            break
        else:
            raise VersionConflict("the visit changes all the time")
        if before.appointment is not None:
            self._mark(before.appointment, AppointmentStatus.ARRIVED, AppointmentStatus.BOOKED, key)
        return self.read(ref)

    def read(self, ref: Ref) -> Visit:
        return self._visit(self.hospital.client.read("Encounter", ref))

    def find(self, patient: Ref, since: date, *, limit: int) -> Page[Visit]:
        owner = self.people.read(patient).ref
        start = datetime.combine(since, datetime.min.time(), tzinfo=self._zone())
        result = self.hospital.search(
            "Encounter", [("patient", f"Patient/{owner}"), ("date", f"ge{moment_text(start)}")]
        )
        found = []
        for resource in result.matches:
            known = self._visit(resource)
            if known.patient != owner:
                raise BrokenReply("a visit of another patient came")
            if self._day(known.created_at) >= since:
                found.append(known)
        found.sort(key=lambda item: (item.created_at, item.ref), reverse=True)
        return page_of(found, limit, complete=result.complete)

    def queue_status(self, ref: Ref) -> QueueStatus:
        """What the HIS says of its own line. Raises NotSupported when it says nothing."""
        own = self.hospital.config.extensions.own
        told = extension(self.hospital.client.read("Encounter", ref), own + "queue")
        if told is None:
            raise NotSupported("the HIS does not tell of its line")
        serving = text_of(object_of(extension(told, "serving")).get("valueString"))
        ahead = object_of(extension(told, "ahead")).get("valueInteger")
        updated = object_of(extension(told, "updated")).get("valueInstant")
        return QueueStatus(
            ahead=whole(ahead, place="ahead"),
            serving=serving or None,
            updated_at=moment_of(updated, place="updated"),
        )

    def written(self, resource: Resource, key: str) -> Visit:
        """A visit that was found by its key."""
        return self._finished(resource, key)

    # --- inside

    def _made_before(self, request: CheckIn, key: str) -> Visit | None:
        found = self.hospital.with_key("Encounter", key)
        config = self.hospital.config
        for resource in found:
            made_for = reference_to("Patient", resource.get("subject"))
            service = service_of(config, resource, self.catalogue.service_refs_by_code())
            if made_for != request.patient or request.service not in {None, service}:
                raise KeyReused("this key made another visit")
        if not found:
            return None
        for doubled in found[1:]:
            if doubled.get("status") in _OPEN:
                self._take_back(doubled, key)
        return self._finished(found[0], key)

    def _finished(self, made: Resource, key: str) -> Visit:
        """The visit as it is stored, its booking marked: also what an earlier try left undone."""
        config = self.hospital.config
        for attempt in range(_TRIES):
            if attempt:
                self.hospital.sleep(_A_MOMENT_S)
            made = self.hospital.client.read("Encounter", made["id"])
            if self._is_numbered(made):
                break
        else:
            # The visit is there, its number is not: whoever asks by the key later gets both.
            raise OutcomeUnknown("the HIS has not numbered the visit yet", key=key)
        known = visit(config, made, self.catalogue.service_refs_by_code())
        if known.appointment is not None and known.status is VisitStatus.ARRIVED:
            self._mark(known.appointment, AppointmentStatus.BOOKED, AppointmentStatus.ARRIVED, key)
        return known

    def _is_numbered(self, resource: Resource) -> bool:
        config = self.hospital.config
        if not identifier(resource, config.readable("record")):
            return False
        if not config.his_numbers:
            return True
        system = config.system("number")
        return any(
            text_of(item.get("system")).startswith(system)
            for item in resource.get("identifier") or []
            if isinstance(item, dict)
        )

    def _mark(
        self, ref: Ref, before: AppointmentStatus, after: AppointmentStatus, key: str
    ) -> None:
        for _ in range(_TRIES):
            stored = self.hospital.client.read("Appointment", ref)
            if appointment(self.hospital.config, stored).status is not before:
                return
            try:
                self.hospital.client.update(
                    {**stored, "status": after.value}, version=version_of(stored), key=key
                )
            except VersionConflict:
                continue
            return

    def _due(self, request: CheckIn, today: date) -> Appointment:
        if request.appointment is None:
            raise NotFound("no appointment")
        stored = self.hospital.client.read("Appointment", request.appointment)
        booked = appointment(self.hospital.config, stored)
        if booked.patient != request.patient:
            raise NotFound("no such appointment of this patient")
        if booked.status is AppointmentStatus.ARRIVED:
            raise Duplicate("checked in already", existing=booked.ref)
        if booked.status is not AppointmentStatus.BOOKED:
            raise InvalidData("appointment", "Lịch hẹn này không còn hiệu lực.")
        if booked.facility_code != self.hospital.config.facility.code:
            raise InvalidData("appointment", "Lịch hẹn này thuộc cơ sở khác.")
        if self._day(booked.start) != today:
            raise InvalidData("appointment", "Lịch hẹn này không phải của hôm nay.")
        return booked

    def _wanted(
        self, request: CheckIn, booked: Appointment | None
    ) -> tuple[Service, Ref | None, Ref | None]:
        service_ref = request.service or (booked and booked.service)
        if not service_ref:
            raise NotFound("no such service")
        service = self.catalogue.get_service(service_ref)
        practitioner = request.practitioner or (booked.practitioner if booked else None)
        room = request.room or (booked.room if booked else None)
        if room not in {None, *service.rooms}:
            raise InvalidData("room", "Phòng này không thuộc dịch vụ đã chọn.")
        known = {None, *(item.ref for item in self.catalogue.practitioners())}
        if practitioner not in known:
            raise NotFound("no such practitioner")
        return service, practitioner, room

    def _open_visits(self, patient: Ref, service: Ref, day: date) -> tuple[Resource, ...]:
        """Open visits of that day for that service, the earliest first."""
        found = self.hospital.search(
            "Encounter", [("patient", f"Patient/{patient}"), ("status", ",".join(_OPEN))]
        ).matches
        by_code = self.catalogue.service_refs_by_code()
        config = self.hospital.config
        same = []
        for resource in found:
            if reference_to("Patient", resource.get("subject")) != patient:
                raise BrokenReply("a visit of another patient came")
            started = moment_of(object_of(resource.get("period")).get("start"), place="start")
            if (
                resource.get("status") in _OPEN
                and service_of(config, resource, by_code) == service
                and self._day(started) == day
            ):
                same.append(resource)
        return earliest_first(same)

    def _take_back(self, resource: Resource, key: str) -> None:
        gone = cancelled_encounter(self.hospital.config, resource, reason="", key=key)
        self.hospital.undo(resource, key=key, instead=gone)

    def _visit(self, resource: Resource) -> Visit:
        return visit(self.hospital.config, resource, self.catalogue.service_refs_by_code())

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.hospital.config.timezone)

    def _day(self, moment: datetime) -> date:
        return moment.astimezone(self._zone()).date()
