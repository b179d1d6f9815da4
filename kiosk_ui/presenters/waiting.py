"""What stands on the glass while the server is asked."""

from __future__ import annotations

from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.views import Icon, MessageView


def waiting_view(ctx: Context) -> MessageView:
    if ctx.visit.reconnecting:
        return MessageView(
            title=ctx.say("busy.reconnecting"),
            body=(ctx.say("busy.keep_waiting"),),
            icon=Icon.CLOCK,
            busy=True,
        )
    return MessageView(title=ctx.say("busy.title"), icon=Icon.CLOCK, busy=True)
