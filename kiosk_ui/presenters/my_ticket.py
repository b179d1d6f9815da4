"""A ticket that exists: print it again, choose another service once, give it back."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk_ui.current_visit import Deed
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import ScanIdRequest, StepState, VisitReply
from kiosk_ui.presenters.asking import do
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.views import Action, CardView, Icon, MessageView, Row, Tone
from kiosk_ui.presenters.wording import wait

_STATES: Mapping[StepState, str] = {
    StepState.WAITING: "state.waiting",
    StepState.CALLED: "state.called",
    StepState.SERVING: "state.serving",
    StepState.HOLD: "state.hold",
    StepState.MISSED: "state.missed",
    StepState.DONE: "state.done",
    StepState.CANCELLED: "state.cancelled",
}


class MyTicket(Presenter):
    screen = Screen.MY_TICKET

    def view(self) -> CardView:
        ticket = _ticket(self)
        actions = ticket.actions
        return CardView(
            title=self.ctx.say("ticket.title", number=ticket.number),
            subtitle=self.ctx.say(_STATES[ticket.state]),
            icon=Icon.TICKET,
            rows=self._rows(ticket),
            choices=(
                *(
                    (self.choice("reprint", "ticket.print", icon=Icon.PRINTER, tone=Tone.PRIMARY),)
                    if "reprint" in actions
                    else ()
                ),
                *(
                    (self.choice("change", "ticket.change", icon=Icon.DOCTOR),)
                    if "change" in actions
                    else ()
                ),
                *(
                    (self.choice("cancel", "ticket.cancel", icon=Icon.CROSS),)
                    if "cancel" in actions
                    else ()
                ),
                self.choice("finish", "end.finish", icon=Icon.HOME),
            ),
        )

    def _rows(self, ticket: VisitReply) -> tuple[Row, ...]:
        say, label = self.ctx.say, self.ctx.label
        rows = []
        for step in ticket.steps:
            rows.append(
                Row(label=say("row.service"), value=label(step.service).text, icon=Icon.DOCTOR)
            )
            place = label(step.room) if step.room else label(step.department)
            where = say("ticket.where", place=place.text, floor=step.floor) if step.floor else place
            rows.append(Row(label=say("row.place"), value=where.text, icon=Icon.ROOM))
            if step.state is StepState.WAITING:
                ahead = say("ticket.people", count=step.people_ahead)
                rows.append(Row(label=say("row.ahead"), value=ahead.text, icon=Icon.FAMILY))
                expected = wait(self.ctx, step.wait_min)
                if expected is not None:
                    rows.append(Row(label=say("row.wait"), value=expected.text, icon=Icon.CLOCK))
        return tuple(rows)

    def act(self, action: Action) -> None:
        visit = self.ctx.visit
        if action.name not in _ticket(self).actions:
            return
        match action.name:
            case "reprint":
                do(self.ctx, Deed.REPRINT)
            case "change":
                visit.changing = True
                visit.appointment = visit.appointed = None
                self.ctx.go(Screen.DEPARTMENT)
            case "cancel":
                self.ctx.go(Screen.CANCEL_VISIT)

    def enter(self) -> None:
        self.ctx.visit.changing = False


class CancelVisit(Presenter):
    """A number given back is gone: asked once more.

    The touch has another name than the one that led here: a double tap gives nothing back.
    """

    screen = Screen.CANCEL_VISIT

    def view(self) -> MessageView:
        number = _ticket(self).number
        return MessageView(
            title=self.ctx.say("cancel.title", number=number),
            body=(self.ctx.say("cancel.sure"),),
            icon=Icon.QUESTION,
            tone=Tone.CAUTION,
            choices=(
                self.choice("back", "cancel.keep", icon=Icon.BACK, tone=Tone.PRIMARY),
                self.choice("give_back", "cancel.yes", icon=Icon.CROSS),
            ),
        )

    def act(self, action: Action) -> None:
        if action.name != "give_back":
            return
        visit, gateway, key = self.ctx.visit, self.ctx.gateway, new_key()
        ticket_id = _ticket(self).id
        proof = ScanIdRequest(scan_id=visit.scan.scan_id if visit.scan else "")

        def done(reply: VisitReply) -> None:
            visit.ticket = reply
            self.ctx.go(Screen.CANCELLED)

        self.ctx.ask(lambda: gateway.cancel_visit(ticket_id, proof, key=key), done=done)


class Cancelled(Presenter):
    screen = Screen.CANCELLED

    def view(self) -> MessageView:
        return MessageView(
            title=self.ctx.say("cancelled.title", number=_ticket(self).number),
            body=(self.ctx.say("cancelled.do"),),
            icon=Icon.CHECK,
            tone=Tone.GOOD,
            choices=(self.choice("finish", "end.finish", icon=Icon.HOME, tone=Tone.PRIMARY),),
        )

    def act(self, action: Action) -> None:
        """Only the end is offered."""


def _ticket(presenter: Presenter) -> VisitReply:
    ticket = presenter.ctx.visit.ticket
    if ticket is None:
        raise ValueError("these screens are reached with a ticket only")
    return ticket
