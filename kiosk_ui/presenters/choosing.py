"""Department → service → doctor → hour. A list of one chooses itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from kiosk_ui.flow import Screen, question_after
from kiosk_ui.gateway.models import (
    Availability,
    DepartmentReply,
    DoctorList,
    DoctorReply,
    Question,
    ServiceList,
    ServiceReply,
    SlotList,
    SlotReply,
)
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.asking import go_on, questions
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import Context, Look
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, Phrase, Tone
from kiosk_ui.presenters.wording import next_day, price

_WHY_NOT: Mapping[Availability, str] = {
    Availability.FULL: "service.full",
    Availability.CLOSED: "service.closed",
    Availability.NOT_FOR_YOU: "service.not_for_you",
}


class DepartmentScreen(Presenter):
    """Asks the server anew at each arrival: what is open and full changes by the minute."""

    screen = Screen.DEPARTMENT
    loads = True

    def enter(self) -> None:
        visit = self.ctx.visit
        backwards = not visit.forward
        visit.services = None
        visit.department_id = None

        def take(services: ServiceList) -> None:
            visit.services = services
            offered = _offered(self.ctx)
            if len(offered) == 1 and not backwards:
                take_service(self.ctx, offered[0])

        self.ctx.look(_services(self.ctx, visit.visit_kind), done=take)

    def view(self) -> ChoiceView:
        visit, say = self.ctx.visit, self.ctx.say
        departments = _departments(self.ctx)
        nothing = visit.services is not None and not departments
        return self.pages(
            say("department.title_more" if visit.adding else "department.title"),
            [self._department(department) for department in departments],
            subtitle=say("department.nothing" if nothing else "department.sub"),
            columns=2,
            aside=(self.choice("unsure", "department.unsure", icon=Icon.HELP),),
        )

    def _department(self, department: DepartmentReply) -> Choice:
        open_here = any(
            service.availability is Availability.OPEN
            for service in _offered(self.ctx)
            if service.department.id == department.id
        )
        return Choice(
            action=Action("department", department.id),
            label=self.ctx.label(department.name),
            detail=None if open_here else self.ctx.say("department.closed"),
            icon=Icon.ROOM,
            enabled=open_here,
        )

    def foresee(self, action: Action) -> None:
        service = _only(_offered_in(self.ctx, action.value)) if self._chooses(action) else None
        if service is not None:
            foresee_after(self.ctx, service)

    def act(self, action: Action) -> None:
        if action.name == "unsure":
            self.ctx.open(Screen.HELP)
        elif self._chooses(action):
            self.ctx.visit.department_id = action.value
            service = _only(_offered_in(self.ctx, action.value))
            if service is not None:
                take_service(self.ctx, service)
            else:
                self.ctx.go(Screen.SERVICE)

    def _chooses(self, action: Action) -> bool:
        return action.name == "department" and bool(_offered_in(self.ctx, action.value))


class ServiceScreen(Presenter):
    screen = Screen.SERVICE

    def view(self) -> ChoiceView:
        return self.pages(
            self.ctx.say("service.title"),
            [self._service(service) for service in self._services],
            subtitle=self.ctx.say("service.sub"),
        )

    @property
    def _services(self) -> list[ServiceReply]:
        return _offered_in(self.ctx, self.ctx.visit.department_id)

    def _service(self, service: ServiceReply) -> Choice:
        is_open = service.availability is Availability.OPEN
        return Choice(
            action=Action("service", service.id),
            label=self.ctx.label(service.name),
            detail=self._waiting(service) if is_open else self._why_not(service),
            icon=Icon.DOCTOR,
            enabled=is_open,
        )

    def _waiting(self, service: ServiceReply) -> Phrase:
        return self.ctx.say(
            "service.waiting", price=price(self.ctx, service), waiting=service.waiting
        )

    def _why_not(self, service: ServiceReply) -> Phrase:
        if service.next_open is None or service.availability is Availability.NOT_FOR_YOU:
            return self.ctx.say(_WHY_NOT[service.availability])
        opens = self.ctx.local(service.next_open)
        if opens.date() == self.ctx.local(self.ctx.clock.now()).date():
            return self.ctx.say("service.next_hour", hour=f"{opens:%H:%M}")
        return next_day(self.ctx, opens.date())

    def foresee(self, action: Action) -> None:
        service = self._chosen(action)
        if service is not None:
            foresee_after(self.ctx, service)

    def act(self, action: Action) -> None:
        service = self._chosen(action)
        if service is not None:
            take_service(self.ctx, service)

    def _chosen(self, action: Action) -> ServiceReply | None:
        for service in self._services:
            if action == Action("service", service.id):
                return service if service.availability is Availability.OPEN else None
        return None


class DoctorScreen(Presenter):
    """Any doctor comes first: it is what most people want, and the quickest."""

    screen = Screen.DOCTOR
    loads = True

    def enter(self) -> None:
        visit = self.ctx.visit
        if visit.service is None:
            return
        visit.doctor = None

        def take(doctors: DoctorList) -> None:
            visit.doctors = doctors

        self.ctx.look(_doctors(self.ctx, visit.service), done=take)

    def view(self) -> ChoiceView:
        any_doctor = self.choice(
            "doctor",
            "doctor.any",
            detail=self.ctx.say("doctor.any_more"),
            icon=Icon.CLOCK,
            tone=Tone.PRIMARY,
        )
        return self.pages(
            self.ctx.say("doctor.title"),
            [any_doctor, *(self._doctor(doctor) for doctor in self._doctors)],
        )

    @property
    def _doctors(self) -> list[DoctorReply]:
        doctors = self.ctx.visit.doctors
        return doctors.items if doctors else []

    def _doctor(self, doctor: DoctorReply) -> Choice:
        is_open = doctor.availability is Availability.OPEN
        return Choice(
            action=Action("doctor", doctor.id),
            label=shown(f"{doctor.title} {doctor.name}".strip()),
            detail=self.ctx.say("doctor.waiting", waiting=doctor.waiting)
            if is_open
            else self.ctx.say(_WHY_NOT[doctor.availability]),
            icon=Icon.DOCTOR,
            enabled=is_open,
        )

    def foresee(self, action: Action) -> None:
        service = self.ctx.visit.service
        if self._chooses(action) and service is not None and service.by_hour:
            self.ctx.foresee(_slots(self.ctx, service, action.value or None))

    def act(self, action: Action) -> None:
        if self._chooses(action):
            self.ctx.visit.doctor = self._find(action.value)
            to_hour_or_on(self.ctx)

    def _chooses(self, action: Action) -> bool:
        """Any doctor, or one who takes people now."""
        if action.name != "doctor":
            return False
        doctor = self._find(action.value)
        return not action.value or (doctor is not None and doctor.availability is Availability.OPEN)

    def _find(self, doctor_id: str) -> DoctorReply | None:
        return next((doctor for doctor in self._doctors if doctor.id == doctor_id), None)


class HourScreen(Presenter):
    screen = Screen.HOUR
    loads = True

    def enter(self) -> None:
        visit = self.ctx.visit
        if visit.service is None:
            return
        visit.slot = None

        def take(slots: SlotList) -> None:
            visit.slots = slots

        doctor_id = visit.doctor.id if visit.doctor else None
        self.ctx.look(_slots(self.ctx, visit.service, doctor_id), done=take)

    def view(self) -> ChoiceView:
        first = self.choice(
            "hour",
            "hour.first",
            detail=self.ctx.say("hour.first_more"),
            icon=Icon.CLOCK,
            tone=Tone.PRIMARY,
        )
        return self.pages(
            self.ctx.say("hour.title"),
            [first, *(self._slot(slot) for slot in self._slots)],
        )

    @property
    def _slots(self) -> list[SlotReply]:
        """One for each hour: of several doctors' the one with the most places."""
        best: dict[datetime, SlotReply] = {}
        for slot in self.ctx.visit.slots.items if self.ctx.visit.slots else []:
            if slot.start not in best or slot.free > best[slot.start].free:
                best[slot.start] = slot
        return [best[start] for start in sorted(best)]

    def _slot(self, slot: SlotReply) -> Choice:
        start, end = self.ctx.local(slot.start), self.ctx.local(slot.end)
        return Choice(
            action=Action("hour", slot.id),
            label=shown(f"{start:%H:%M} – {end:%H:%M}"),
            detail=self.ctx.say("hour.free", free=slot.free)
            if slot.free > 0
            else self.ctx.say("service.full"),
            icon=Icon.CLOCK,
            enabled=slot.free > 0,
        )

    def act(self, action: Action) -> None:
        if action.name != "hour":
            return
        if not action.value:
            self.ctx.visit.slot = None
            go_on(self.ctx)
        for slot in self._slots:
            if slot.id == action.value and slot.free > 0:
                self.ctx.visit.slot = slot
                go_on(self.ctx)


def take_service(ctx: Context, service: ServiceReply) -> None:
    """The service is chosen; what it leaves open is asked next."""
    visit = ctx.visit
    if visit.adding:
        visit.also_service = service
        go_on(ctx)
        return
    visit.service = service
    visit.doctor = visit.slot = None
    if service.by_doctor:
        ctx.go(Screen.DOCTOR)
    else:
        to_hour_or_on(ctx)


def foresee_after(ctx: Context, service: ServiceReply) -> None:
    """A finger is down on this service: what `take_service` would lead to is asked ahead."""
    if ctx.visit.adding:
        return
    if service.by_doctor:
        ctx.foresee(_doctors(ctx, service))
    elif service.by_hour:
        ctx.foresee(_slots(ctx, service, None))


def foresee_services(ctx: Context, visit_kind: str | None) -> None:
    """A finger is down on what leads to the next question: asks ahead if that is for a service."""
    if question_after(questions(ctx), ctx.visit.screen) is Question.SERVICE:
        ctx.foresee(_services(ctx, visit_kind))


def to_hour_or_on(ctx: Context) -> None:
    service = ctx.visit.service
    if service is not None and service.by_hour:
        ctx.go(Screen.HOUR)
    else:
        go_on(ctx)


def _services(ctx: Context, visit_kind: str | None) -> Look[ServiceList]:
    gateway, scan_id = ctx.gateway, ctx.visit.scan.scan_id if ctx.visit.scan else None
    return Look(
        about=("services", scan_id, visit_kind),
        call=lambda: gateway.list_services(scan_id=scan_id, visit_kind=visit_kind),
    )


def _doctors(ctx: Context, service: ServiceReply) -> Look[DoctorList]:
    gateway, service_id = ctx.gateway, service.id
    return Look(about=("doctors", service_id), call=lambda: gateway.list_doctors(service_id))


def _slots(ctx: Context, service: ServiceReply, doctor_id: str | None) -> Look[SlotList]:
    gateway, service_id = ctx.gateway, service.id
    return Look(
        about=("slots", service_id, doctor_id),
        call=lambda: gateway.list_slots(service_id, doctor_id),
    )


def _offered_in(ctx: Context, department_id: str | None) -> list[ServiceReply]:
    return [service for service in _offered(ctx) if service.department.id == department_id]


def _only(services: list[ServiceReply]) -> ServiceReply | None:
    """The one there is to choose from, if it takes people now."""
    if len(services) == 1 and services[0].availability is Availability.OPEN:
        return services[0]
    return None


def _offered(ctx: Context) -> list[ServiceReply]:
    """Without what is chosen already and what this person can never have."""
    visit = ctx.visit
    taken = visit.service.id if visit.adding and visit.service else None
    services = visit.services.items if visit.services else []
    return [
        service
        for service in services
        if service.id != taken and service.availability is not Availability.NOT_FOR_YOU
    ]


def _departments(ctx: Context) -> list[DepartmentReply]:
    """In the order of the server."""
    return list({service.department.id: service.department for service in _offered(ctx)}.values())
