"""All that was chosen, before the number is taken."""

from __future__ import annotations

from kiosk_ui.current_visit import Deed
from kiosk_ui.flow import Appointed, Screen
from kiosk_ui.presenters.asking import do
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, CardView, Icon, Row, Tone
from kiosk_ui.presenters.wording import name_row, price


class Summary(Presenter):
    screen = Screen.SUMMARY

    def enter(self) -> None:
        self.ctx.visit.adding = False

    def view(self) -> CardView:
        visit, say = self.ctx.visit, self.ctx.say
        may_add = visit.appointment is None and visit.also_service is None and not visit.changing
        return CardView(
            title=say("summary.title_change" if visit.changing else "summary.title"),
            icon=Icon.CHECK,
            rows=self._rows(),
            body=(say("summary.change_once"),) if visit.changing else (),
            choices=(
                self.choice(
                    "confirm",
                    "summary.confirm_change" if visit.changing else "summary.confirm",
                    icon=Icon.TICKET,
                    tone=Tone.PRIMARY,
                ),
                *((self.choice("add", "summary.add", icon=Icon.DOCTOR),) if may_add else ()),
            ),
        )

    def _rows(self) -> tuple[Row, ...]:
        visit = self.ctx.visit
        rows = [name_row(self.ctx)] if visit.scan and visit.scan.person else []
        if visit.appointed is Appointed.ARRIVES:
            rows += self._booking_rows()
        else:
            rows += self._service_rows()
        if visit.on_behalf:
            masked = f"••• ••• •{visit.on_behalf.phone[-2:]}"
            rows.append(Row(label=self.ctx.say("row.phone"), value=masked, icon=Icon.PHONE))
        return tuple(rows)

    def _booking_rows(self) -> list[Row]:
        say, booking = self.ctx.say, self.ctx.visit.appointment
        if booking is None:
            return []
        rows = [
            Row(
                label=say("row.service"),
                value=self.ctx.label(booking.service).text,
                icon=Icon.DOCTOR,
            ),
            Row(
                label=say("row.hour"),
                value=f"{self.ctx.local(booking.start):%H:%M}",
                icon=Icon.CLOCK,
            ),
        ]
        if booking.doctor:
            rows.append(Row(label=say("row.doctor"), value=booking.doctor, icon=Icon.PERSON))
        return rows

    def _service_rows(self) -> list[Row]:
        visit, say = self.ctx.visit, self.ctx.say
        rows = []
        for service in (visit.service, visit.also_service):
            if service is not None:
                name = self.ctx.label(service.name).text
                rows.append(
                    Row(
                        label=say("row.service"),
                        value=f"{name} · {price(self.ctx, service)}",
                        icon=Icon.DOCTOR,
                    )
                )
        if visit.doctor is not None:
            value = f"{visit.doctor.title} {visit.doctor.name}".strip()
            rows.append(Row(label=say("row.doctor"), value=value, icon=Icon.PERSON))
        if visit.slot is not None:
            start = self.ctx.local(visit.slot.start)
            rows.append(Row(label=say("row.hour"), value=f"{start:%H:%M}", icon=Icon.CLOCK))
        return rows

    def act(self, action: Action) -> None:
        match action.name:
            case "confirm":
                do(self.ctx, Deed.CHANGE if self.ctx.visit.changing else Deed.START)
            case "add":
                self.ctx.visit.adding = True
                self.ctx.go(Screen.DEPARTMENT)
            case "reveal":
                self.ctx.show_name()
