"""A ticket that exists: back to its line, print it again, another service once, give it back."""

from __future__ import annotations

from collections.abc import Mapping

from kiosk_ui.current_visit import Comeback, Deed, Paying
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import ScanIdRequest, StepReply, StepState, VisitReply
from kiosk_ui.presenters.asking import do
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.paying import pay_for
from kiosk_ui.presenters.views import (
    Action,
    CardView,
    Choice,
    Icon,
    MessageView,
    Phrase,
    Row,
    Tone,
)
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


_AWAY: Mapping[Comeback, str] = {
    Comeback.MISSED: "state.missed_back",
    Comeback.OUTSIDE: "state.outside",
    Comeback.RESULTS: "state.results",
}
_HOLDS: Mapping[str | None, Comeback] = {
    "stepped_out": Comeback.OUTSIDE,
    "results": Comeback.RESULTS,
}
_OPEN = frozenset(StepState) - {StepState.DONE, StepState.CANCELLED}
MAX_STEPS_SHOWN = 2


class MyTicket(Presenter):
    screen = Screen.MY_TICKET

    def view(self) -> CardView:
        ticket = _ticket(self)
        actions = ticket.actions
        first = Tone.PLAIN if self._way_back(ticket) else Tone.PRIMARY
        return CardView(
            title=self.ctx.say("ticket.title", number=ticket.number),
            subtitle=self.ctx.say(self._state(ticket)),
            icon=Icon.TICKET,
            rows=self._rows(ticket),
            choices=(
                *self._way_back(ticket),
                *(
                    (self.choice("reprint", "ticket.print", icon=Icon.PRINTER, tone=first),)
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
                *(
                    (self.choice("pay", "ticket.pay", icon=Icon.WALLET),)
                    if self._may_pay(ticket)
                    else ()
                ),
                self.choice("finish", "end.finish", icon=Icon.HOME),
            ),
        )

    def _may_pay(self, ticket: VisitReply) -> bool:
        pays = self.ctx.settings is not None and self.ctx.settings.pays
        return pays and self.ctx.visit.scan is not None and ticket.state is not StepState.CANCELLED

    def _state(self, ticket: VisitReply) -> str:
        if "return" in ticket.actions:
            return _AWAY[_comeback(ticket)]
        return _STATES[ticket.state]

    def _way_back(self, ticket: VisitReply) -> tuple[Choice, ...]:
        """To the line by themselves where the server allows it, else to a person."""
        if "return" in ticket.actions:
            results = _comeback(ticket) is Comeback.RESULTS
            key = "return.results" if results else "return.back"
            icon = Icon.RESULTS if results else Icon.CHECK
            return (self.choice("return", key, icon=icon, tone=Tone.PRIMARY),)
        if ticket.state is StepState.MISSED:
            return (self.choice("help", "help.button", icon=Icon.HELP, tone=Tone.PRIMARY),)
        return ()

    def _rows(self, ticket: VisitReply) -> tuple[Row, ...]:
        say, label = self.ctx.say, self.ctx.label
        rows = []
        open_steps = [step for step in ticket.steps if step.state in _OPEN]
        for step in (open_steps or ticket.steps[-1:])[:MAX_STEPS_SHOWN]:
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
        if action.name == "pay" and self._may_pay(_ticket(self)) and visit.scan is not None:
            pay_for(self.ctx, Paying(scan_id=visit.scan.scan_id))
        if action.name not in _ticket(self).actions:
            return
        match action.name:
            case "return":
                self._return()
            case "reprint":
                do(self.ctx, Deed.REPRINT)
            case "change":
                visit.changing = True
                visit.appointment = visit.appointed = None
                self.ctx.go(Screen.DEPARTMENT)
            case "cancel":
                self.ctx.go(Screen.CANCEL_VISIT)

    def _return(self) -> None:
        visit, gateway, key = self.ctx.visit, self.ctx.gateway, new_key()
        ticket = _ticket(self)
        visit.comeback = _comeback(ticket)
        proof = ScanIdRequest(scan_id=visit.scan.scan_id if visit.scan else "")

        def done(reply: VisitReply) -> None:
            visit.ticket = reply
            self.ctx.go(Screen.RETURNED)

        self.ctx.ask(lambda: gateway.return_to_line(ticket.id, proof, key=key), done=done)

    def enter(self) -> None:
        self.ctx.visit.changing = False


def _comeback(ticket: VisitReply) -> Comeback:
    """From where the server lets this ticket come back; it said that it may."""
    if ticket.state is StepState.MISSED:
        return Comeback.MISSED
    reasons = {step.hold_reason for step in ticket.steps}
    return _HOLDS[next((reason for reason in _HOLDS if reason in reasons), "results")]


class Returned(Presenter):
    """In line again: after whom, how long, where."""

    screen = Screen.RETURNED

    def view(self) -> MessageView:
        ticket, say = _ticket(self), self.ctx.say
        step = _waiting_step(ticket)
        place = self.ctx.label(step.room or step.department)
        expected = wait(self.ctx, step.wait_min)
        return MessageView(
            title=say("returned.title", number=ticket.number),
            body=(
                self._first(step, place.text),
                *((expected,) if expected is not None else ()),
                say("returned.listen", place=place.text),
            ),
            icon=Icon.CHECK,
            tone=Tone.GOOD,
            choices=(self.choice("finish", "end.finish", icon=Icon.HOME, tone=Tone.PRIMARY),),
        )

    def _first(self, step: StepReply, place: str) -> Phrase:
        say, comeback = self.ctx.say, self.ctx.visit.comeback
        if comeback is Comeback.RESULTS:
            return say("returned.results", place=place)
        if comeback is Comeback.OUTSIDE:
            return say("returned.outside")
        if step.people_ahead == 0:
            return say("returned.missed_next")
        return say("returned.missed", count=step.people_ahead)

    def act(self, action: Action) -> None:
        """Only the end is offered."""


def _waiting_step(ticket: VisitReply) -> StepReply:
    waiting = [step for step in ticket.steps if step.state is StepState.WAITING]
    return (waiting or ticket.steps)[0]


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
