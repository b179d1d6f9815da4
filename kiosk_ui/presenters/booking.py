"""Somebody with a booking: arrive, or a sentence why not and the way on."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk_ui.flow import Appointed, Screen
from kiosk_ui.gateway.models import AppointmentReply, AppointmentState
from kiosk_ui.presenters.asking import go_on
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, Phrase, Tone

_WHY_NOT: Mapping[AppointmentState, str] = {
    AppointmentState.ON_TIME: "booking.see_staff",
    AppointmentState.EARLY: "booking.early",
    AppointmentState.LATE: "booking.late",
    AppointmentState.WRONG_DAY: "booking.wrong_day",
    AppointmentState.OTHER_FACILITY: "booking.other_place",
}


class AppointmentScreen(Presenter):
    screen = Screen.APPOINTMENT

    def view(self) -> ChoiceView:
        say = self.ctx.say
        bookings = self._bookings
        settings = self.ctx.settings
        if not bookings and settings is not None and not settings.sees_bookings:
            title, subtitle = say("booking.title_unseen"), say("booking.sub_unseen")
        elif not bookings:
            title, subtitle = say("booking.title_none"), say("booking.sub_none")
        elif any(booking.can_arrive for booking in bookings):
            title, subtitle = say("booking.title"), say("booking.sub")
        else:
            title, subtitle = say("booking.title_not_now"), self._why_not(bookings[0])
        return self.pages(
            title,
            [self._booking(booking) for booking in bookings]
            + [
                self.choice("walk_in", "booking.walk_in", icon=Icon.DOCTOR),
                self.choice("desk", "booking.desk", icon=Icon.HELP),
            ],
            subtitle=subtitle,
        )

    @property
    def _bookings(self) -> list[AppointmentReply]:
        scan = self.ctx.visit.scan
        return scan.appointments if scan else []

    def _why_not(self, booking: AppointmentReply) -> Phrase:
        start = self.ctx.local(booking.start)
        facility = self.ctx.label(booking.facility).text if booking.facility else ""
        return self.ctx.say(
            _WHY_NOT[booking.state],
            hour=f"{start:%H:%M}",
            day=f"{start:%d/%m}",
            facility=facility,
        )

    def _booking(self, booking: AppointmentReply) -> Choice:
        start = self.ctx.local(booking.start)
        label = self.ctx.say(
            "booking.what",
            hour=f"{start:%H:%M}",
            service=self.ctx.label(booking.service).text,
        )
        if not booking.can_arrive:
            detail: Phrase | None = self._why_not(booking)
        elif booking.doctor:
            detail = self.ctx.say("booking.doctor", doctor=booking.doctor)
        else:
            detail = self.ctx.label(booking.room) if booking.room else None
        return Choice(
            action=Action("arrive", booking.id),
            label=label,
            detail=detail,
            icon=Icon.CALENDAR,
            tone=Tone.PRIMARY if booking.can_arrive else Tone.PLAIN,
            enabled=booking.can_arrive,
        )

    def act(self, action: Action) -> None:
        visit = self.ctx.visit
        match action:
            case Action(name="arrive", value=booking_id):
                for booking in self._bookings:
                    if booking.id == booking_id and booking.can_arrive:
                        visit.appointment = booking
                        visit.appointed = Appointed.ARRIVES
                        go_on(self.ctx)
                        return
            case Action(name="walk_in"):
                visit.appointment = None
                visit.appointed = Appointed.WALK_IN
                go_on(self.ctx)
            case Action(name="desk"):
                self.ctx.open(Screen.HELP)
