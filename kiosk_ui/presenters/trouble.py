"""What went wrong, what to do about it, where a person is."""

from __future__ import annotations

from kiosk_ui.flow import Screen
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.paying import CALM_NEWS_EVERY_S, is_open, watch_payment
from kiosk_ui.presenters.views import Action, Icon, MessageView, Tone


class TroubleScreen(Presenter):
    screen = Screen.TROUBLE

    def view(self) -> MessageView:
        trouble = self.ctx.visit.trouble
        if trouble is None:
            raise ValueError("the screen is reached through Context.fail only")
        again = "trouble.again_scan" if trouble.again is Screen.SCAN else "trouble.again_choose"
        return MessageView(
            title=self.ctx.say(trouble.happened),
            body=(self.ctx.say(trouble.do),),
            icon=Icon.WARNING,
            tone=Tone.CAUTION,
            choices=(
                *(
                    (self.choice("again", again, icon=Icon.NEXT, tone=Tone.PRIMARY),)
                    if trouble.again
                    else ()
                ),
                self.choice("help", "help.button", icon=Icon.HELP),
                self.choice("finish", "end.finish", icon=Icon.HOME),
            ),
        )

    def tick(self) -> None:
        """Money that is on its way is seen here too."""
        pay = self.ctx.visit.pay
        if pay is not None and is_open(pay.payment):
            watch_payment(self.ctx, every_s=CALM_NEWS_EVERY_S)

    def act(self, action: Action) -> None:
        trouble = self.ctx.visit.trouble
        if action.name == "again" and trouble is not None and trouble.again is not None:
            if trouble.again is Screen.SCAN:
                self.ctx.visit.scan = None
            if trouble.again is Screen.PAY_BILLS and self.ctx.visit.pay is not None:
                self.ctx.visit.pay.forget_dues()
            self.ctx.back_to(trouble.again)
