"""Calling staff, from any screen; "they are coming" only once somebody answered."""

from __future__ import annotations

from typing import ClassVar

from kiosk_ui.current_visit import CurrentVisit, HelpCall
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import (
    ChosenSoFar,
    HelpCallReply,
    HelpCallRequest,
    HelpKind,
    Papers,
)
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.context import new_key
from kiosk_ui.presenters.views import Action, Icon, MessageView, Phrase, Tone

POLL_S = 2.0


class HelpScreen(Presenter):
    screen = Screen.HELP
    kind: ClassVar[HelpKind] = "help"
    icon: ClassVar[Icon] = Icon.HELP
    tone: ClassVar[Tone] = Tone.PRIMARY

    def enter(self) -> None:
        """One call is enough until it is answered, however often the button is touched."""
        calls = self.ctx.visit.help_calls
        if self.kind not in calls or calls[self.kind].acknowledged:
            calls[self.kind] = HelpCall(key=new_key())
            self._ask(calls[self.kind])

    def tick(self) -> None:
        call = self.ctx.visit.help_calls[self.kind]
        due = self.ctx.clock.ticks_s() >= call.next_try_s
        if due and not call.asking and not call.acknowledged:
            self._ask(call)

    def view(self) -> MessageView:
        call = self.ctx.visit.help_calls[self.kind]
        title, do = self._sentences(call)
        return MessageView(
            title=title,
            body=(do,),
            icon=Icon.CHECK if call.acknowledged else self.icon,
            tone=Tone.GOOD if call.acknowledged else self.tone,
            busy=not call.acknowledged,
            choices=(self.choice("close", "help.close", icon=Icon.BACK),),
        )

    def _sentences(self, call: HelpCall) -> tuple[Phrase, Phrase]:
        say = self.ctx.say
        if call.acknowledged:
            return say("help.coming"), say("help.stay")
        if call.failed:
            hotline = self.ctx.hotline
            do = say("help.phone", hotline=hotline) if hotline else say("help.desk")
            return say("help.failed"), do
        if call.id is None:
            return say("help.sending"), say("help.stay")
        return say("help.waiting"), say("help.stay")

    def act(self, action: Action) -> None:
        if action.name == "close":
            self.ctx.close_overlay()

    def _ask(self, call: HelpCall) -> None:
        visit, gateway = self.ctx.visit, self.ctx.gateway
        call.asking = True
        # The first request is repeated unchanged under its key until it is answered.
        request = HelpCallRequest(
            kind=self.kind,
            screen=visit.screen.value,
            scan_id=visit.scan.scan_id if visit.scan else None,
            visit_id=visit.ticket.id if visit.ticket else None,
            chosen=_chosen(visit) if visit.scan else None,
        )
        call_id = call.id

        def done(reply: HelpCallReply) -> None:
            call.asking = call.failed = False
            call.id = reply.id
            call.acknowledged = reply.state == "acknowledged"
            call.next_try_s = self.ctx.clock.ticks_s() + POLL_S

        def failed(_error: Exception) -> None:
            call.asking = False
            call.failed = True
            call.next_try_s = self.ctx.clock.ticks_s() + POLL_S

        self.ctx.worker.submit(
            lambda: (
                gateway.get_help_call(call_id)
                if call_id
                else gateway.call_for_help(request, key=call.key)
            ),
            done=done,
            failed=failed,
        )


def _chosen(visit: CurrentVisit) -> ChosenSoFar:
    """For staff, who go on at this very step; numbers of papers stay out of it."""
    return ChosenSoFar(
        visit_kind=visit.visit_kind,
        service_id=visit.service.id if visit.service else None,
        also_service_id=visit.also_service.id if visit.also_service else None,
        doctor_id=visit.doctor.id if visit.doctor else None,
        slot_id=visit.slot.id if visit.slot else None,
        appointment_id=visit.appointment.id if visit.appointment else None,
        priority_group=visit.priority_group,
        use_insurance=visit.use_insurance,
        papers=Papers(
            transfer_slip=visit.papers.transfer_slip, revisit_slip=visit.papers.revisit_slip
        ),
    )


class EmergencyScreen(HelpScreen):
    screen = Screen.EMERGENCY
    kind = "emergency"
    icon = Icon.EMERGENCY
    tone = Tone.DANGER

    def _sentences(self, call: HelpCall) -> tuple[Phrase, Phrase]:
        say = self.ctx.say
        if call.acknowledged:
            return say("emergency.coming"), say("emergency.stay")
        if call.failed:
            hotline = self.ctx.hotline
            do = say("emergency.phone", hotline=hotline) if hotline else say("emergency.shout")
            return say("emergency.failed"), do
        if call.id is None:
            return say("emergency.sending"), say("emergency.shout")
        return say("emergency.waiting"), say("emergency.shout")
