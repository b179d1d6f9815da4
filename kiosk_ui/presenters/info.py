"""Prices, map, how it works: for anybody, without a card."""

from __future__ import annotations

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.models import Label, RoomReply, ServiceList, ServiceReply
from kiosk_ui.i18n import shown
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, CardView, Choice, ChoiceView, Icon, Phrase, Tone
from kiosk_ui.presenters.wording import money


class Info(Presenter):
    screen = Screen.INFO

    def view(self) -> ChoiceView:
        return ChoiceView(
            title=self.ctx.say("info.title"),
            choices=(
                self.choice("prices", "info.prices", icon=Icon.INFO),
                self.choice("map", "info.map", icon=Icon.ROOM),
                self.choice("how", "info.how", icon=Icon.QUESTION),
            ),
        )

    def act(self, action: Action) -> None:
        match action.name:
            case "prices":
                self.ctx.go(Screen.INFO_PRICES)
            case "map":
                self.ctx.go(Screen.INFO_MAP)
            case "how":
                self.ctx.go(Screen.INFO_HOW)


class _Catalogue(Presenter):
    """Lists what the hospital offers; fetched when the screen is entered."""

    loads = True

    def enter(self) -> None:
        if self.ctx.visit.services is None:
            self.ctx.ask(self.ctx.gateway.list_services, done=self._take)

    def _take(self, services: ServiceList) -> None:
        self.ctx.visit.services = services

    @property
    def _services(self) -> list[ServiceReply]:
        services = self.ctx.visit.services
        return services.items if services else []

    def line(self, label: Phrase, detail: Phrase, icon: Icon) -> Choice:
        """To be read; a touch does nothing."""
        return Choice(action=Action("line"), label=label, detail=detail, icon=icon)

    def act(self, action: Action) -> None:
        """Lines and pages only."""


class InfoPrices(_Catalogue):
    screen = Screen.INFO_PRICES

    def view(self) -> ChoiceView:
        return self.pages(
            self.ctx.say("info.prices"),
            [
                self.line(self.ctx.label(service.name), self._price(service), Icon.DOCTOR)
                for service in self._services
            ],
            subtitle=self.ctx.say("info.prices_sub"),
        )

    def _price(self, service: ServiceReply) -> Phrase:
        insured = service.insurance_price_vnd
        if insured is None:
            return shown(money(self.ctx, service.price_vnd))
        return self.ctx.say(
            "info.price", own=money(self.ctx, service.price_vnd), insured=money(self.ctx, insured)
        )


class InfoMap(_Catalogue):
    screen = Screen.INFO_MAP

    def view(self) -> ChoiceView:
        return self.pages(
            self.ctx.say("info.map"),
            [
                self.line(self.ctx.label(room.name), self._where(room, department), Icon.ROOM)
                for room, department in self._rooms
            ],
            subtitle=self.ctx.say("info.map_sub"),
        )

    @property
    def _rooms(self) -> list[tuple[RoomReply, Label]]:
        rooms = {
            room.id: (room, service.department.name)
            for service in self._services
            for room in service.rooms
        }
        return sorted(rooms.values(), key=lambda pair: (pair[0].floor, pair[0].code))

    def _where(self, room: RoomReply, department: Label) -> Phrase:
        landmark = self.ctx.label(room.landmark).text
        return self.ctx.say(
            "info.where" if landmark else "info.where_floor",
            floor=room.floor,
            landmark=landmark,
            department=self.ctx.label(department).text,
        )


class InfoHow(Presenter):
    screen = Screen.INFO_HOW

    def view(self) -> CardView:
        say = self.ctx.say
        return CardView(
            title=say("info.how"),
            icon=Icon.INFO,
            body=(say("how.1"), say("how.2"), say("how.3"), say("how.4")),
            choices=(self.choice("back", "nav.back", icon=Icon.BACK, tone=Tone.PRIMARY),),
        )

    def act(self, action: Action) -> None:
        """Only the way back is offered."""
