"""The data-processing notice, before any data of a person are used (NĐ 356/2025, Luật 91/2025)."""

from __future__ import annotations

from kiosk_ui.current_visit import Trouble
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import NoticeAcceptance
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, CardView, Icon, Tone


class NoticeScreen(Presenter):
    screen = Screen.NOTICE

    def view(self) -> CardView:
        visit, say = self.ctx.visit, self.ctx.say
        settings = self.ctx.settings
        if settings is None:
            raise ValueError("no visit starts before the settings are known")
        notice = settings.notice
        label = notice.full if visit.full_notice else notice.short
        text = label.en if visit.language == "en" else label.vi
        more = () if visit.full_notice else (self.choice("more", "notice.more", icon=Icon.INFO),)
        return CardView(
            title=say("notice.full_title" if visit.full_notice else "notice.title"),
            icon=Icon.SHIELD,
            body=tuple(shown(line.strip()) for line in text.splitlines() if line.strip()),
            choices=(
                self.choice("yes", "notice.yes", icon=Icon.CHECK, tone=Tone.PRIMARY),
                self.choice("no", "notice.no", icon=Icon.PERSON),
                *more,
            ),
        )

    def act(self, action: Action) -> None:
        visit, settings = self.ctx.visit, self.ctx.settings
        match action.name:
            case "more":
                visit.full_notice = True
            case "no":
                self.ctx.fail(Trouble(happened="notice.refused", do="notice.refused_do"))
            case "yes" if settings is not None:
                visit.notice = NoticeAcceptance(
                    version=settings.notice.version,
                    language=visit.language,
                    accepted_at=self.ctx.clock.now(),
                )
                visit.full_notice = False
                self.ctx.go(Screen.SCAN)
