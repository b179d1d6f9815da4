"""Done: the number, where to go, what next; and what the printer said."""

from __future__ import annotations

from collections.abc import Mapping

from devices.models import PrintReason, PrintResult, PrintState
from kiosk_ui.current_visit import Deed
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import Ticket, TicketTexts
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.asking import do
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.views import Action, Choice, Icon, Phrase, TicketView, Tone
from kiosk_ui.presenters.wording import wait

_FAILED: Mapping[PrintReason | None, str] = {PrintReason.PAPER_END: "print.no_paper"}
_MAY_BE_ON_PAPER = frozenset({PrintState.UNCONFIRMED, PrintState.UNKNOWN})


def tell_problem(ctx: Context, result: PrintResult | None) -> Phrase | None:
    """What the printer said, if it is not that the paper is out; None of a ticket in hand."""
    if result is None:
        return ctx.say("print.still")
    if result.state is PrintState.PRINTED:
        return None
    if result.state in _MAY_BE_ON_PAPER:
        return ctx.say("print.unconfirmed")
    return ctx.say(_FAILED.get(result.reason, "print.failed"))


class Done(Presenter):
    screen = Screen.DONE

    def view(self) -> TicketView:
        visit, say = self.ctx.visit, self.ctx.say
        if visit.ticket is None:
            raise ValueError("the screen is reached with a ticket only")
        ticket = visit.ticket.ticket
        words = self._words(ticket)
        printed = visit.print_result is not None and visit.print_result.state is PrintState.PRINTED
        return TicketView(
            title=say("done.title_existing" if visit.ticket.existing else "done.title"),
            number=visit.ticket.number,
            place=shown(words.room),
            floor=say("done.floor", floor=ticket.floor) if ticket.floor else None,
            landmark=shown(words.landmark) if words.landmark else None,
            wait=wait(self.ctx, ticket.wait_min),
            next=shown(words.next),
            notes=tuple(shown(note) for note in words.notes),
            qr=ticket.qr,
            qr_caption=say("done.qr" if printed else "done.qr_photo"),
            printed=printed,
            problem=tell_problem(self.ctx, visit.print_result),
            choices=self._choices(printed=printed),
        )

    def _words(self, ticket: Ticket) -> Ticket | TicketTexts:
        """In the language of the screen, as far as the ticket has it."""
        other_than_printed = self.ctx.visit.language == "vi" and ticket.lang != "vi"
        return ticket.vi if other_than_printed and ticket.vi is not None else ticket

    def _choices(self, *, printed: bool) -> tuple[Choice, ...]:
        visit = self.ctx.visit
        may_reprint = (
            visit.print_result is not None
            and visit.print_result.state in _MAY_BE_ON_PAPER
            and not visit.reprinted
            and visit.scan is not None  # nobody may print again what they cannot show
        )
        return (
            self.choice("finish", "done.finish", icon=Icon.CHECK, tone=Tone.PRIMARY),
            *((self.choice("reprint", "done.reprint", icon=Icon.PRINTER),) if may_reprint else ()),
            *(() if printed else (self.choice("help", "help.button", icon=Icon.HELP),)),
        )

    def act(self, action: Action) -> None:
        visit = self.ctx.visit
        offered = {choice.action for choice in self._choices(printed=False)}
        if action.name == "reprint" and action in offered:
            visit.reprinted = True
            do(self.ctx, Deed.REPRINT)
