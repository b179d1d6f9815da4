"""Is this you? And: you already have a number today."""

from __future__ import annotations

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import VisitReply
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.asking import go_on
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, CardView, Choice, ChoiceView, Icon, Row, Tone
from kiosk_ui.presenters.wording import day, name_row


class ConfirmIdentity(Presenter):
    screen = Screen.CONFIRM_IDENTITY

    def enter(self) -> None:
        self.ctx.show_name()

    def view(self) -> CardView:
        visit, say = self.ctx.visit, self.ctx.say
        other = visit.on_behalf is not None
        return CardView(
            title=say("confirm.title_other" if other else "confirm.title"),
            icon=Icon.PERSON,
            rows=self._rows(),
            choices=(
                self.choice(
                    "yes",
                    "confirm.yes_other" if other else "confirm.yes",
                    icon=Icon.CHECK,
                    tone=Tone.PRIMARY,
                ),
                self.choice("no", "confirm.no_other" if other else "confirm.no", icon=Icon.CROSS),
            ),
        )

    def _rows(self) -> tuple[Row, ...]:
        say, scan = self.ctx.say, self.ctx.visit.scan
        person = scan.person if scan else None
        if person is None:
            return ()
        rows = [name_row(self.ctx)]
        if person.birth_date:
            rows.append(
                Row(label=say("row.born"), value=day(person.birth_date), icon=Icon.CALENDAR)
            )
        if person.gender:
            gender = say("gender.female" if person.gender == "female" else "gender.male")
            rows.append(Row(label=say("row.gender"), value=gender.text))
        rows.append(Row(label=say("row.number"), value=person.masked_number, icon=Icon.CARD))
        return tuple(rows)

    def act(self, action: Action) -> None:
        match action.name:
            case "yes":
                go_on(self.ctx)
            case "no":
                self.ctx.visit.scan = None
                self.ctx.visit.typed_number = ""
                self.ctx.back_to(Screen.SCAN)
            case "reveal":
                self.ctx.show_name()


class ExistingVisit(Presenter):
    """The open visits of today: the same card anywhere finds the same ticket."""

    screen = Screen.EXISTING_VISIT

    def view(self) -> ChoiceView:
        return self.pages(
            self.ctx.say("existing.title"),
            [self._ticket(visit) for visit in self._visits],
            subtitle=self.ctx.say("existing.sub"),
            aside=(self.choice("more", "existing.more", icon=Icon.NEXT),),
        )

    @property
    def _visits(self) -> list[VisitReply]:
        scan = self.ctx.visit.scan
        return scan.visits if scan else []

    def _ticket(self, visit: VisitReply) -> Choice:
        service = self.ctx.label(visit.steps[0].service) if visit.steps else None
        return Choice(
            action=Action("ticket", visit.id),
            label=shown(visit.number),
            detail=service,
            icon=Icon.TICKET,
            tone=Tone.PRIMARY,
        )

    def act(self, action: Action) -> None:
        match action:
            case Action(name="ticket", value=visit_id):
                for visit in self._visits:
                    if visit.id == visit_id:
                        self.ctx.visit.ticket = visit
                        self.ctx.go(Screen.MY_TICKET)
            case Action(name="more"):
                go_on(self.ctx)
