"""The start screen: at most four things to choose from. Which ones depends on where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiosk_ui.current_visit import Purpose
from kiosk_ui.flow import Screen
from kiosk_ui.presenters.base import Presenter
from kiosk_ui.presenters.views import Action, Choice, ChoiceView, Icon, Tone

MOST_CHOICES = 4


class Offer(StrEnum):
    """Something to begin with."""

    VISIT = "visit"
    BOOKED = "booked"
    RESULTS = "results"
    TICKET = "ticket"
    PAY = "pay"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Menu:
    """`offers` are the large buttons, the first stands out; `aside` are quieter, below them.

    What cannot be done here (paying, where the hospital does not take it) is left out, and the
    first of `instead` that is not there already takes its place.
    """

    title: str
    subtitle: str
    offers: tuple[Offer, ...]
    aside: tuple[Offer, ...]
    instead: tuple[Offer, ...] = (Offer.INFO,)
    title_unpaid: str = ""
    """Where a hospital does not take fees here."""


MENUS: Mapping[str, Menu] = {
    "reception": Menu(
        title="start.title",
        subtitle="start.sub",
        offers=(Offer.VISIT, Offer.BOOKED, Offer.RESULTS, Offer.PAY),
        aside=(Offer.TICKET, Offer.INFO),
    ),
    "examination": Menu(
        title="start.title_examination",
        subtitle="start.sub",
        offers=(Offer.TICKET, Offer.RESULTS, Offer.VISIT, Offer.PAY),
        aside=(Offer.BOOKED, Offer.INFO),
    ),
    "laboratory": Menu(
        title="start.title_laboratory",
        subtitle="start.sub",
        offers=(Offer.TICKET, Offer.RESULTS, Offer.PAY),
        aside=(Offer.INFO,),
    ),
    "fees": Menu(
        title="start.title_fees",
        subtitle="start.sub",
        offers=(Offer.PAY, Offer.TICKET),
        aside=(Offer.INFO,),
        instead=(Offer.RESULTS, Offer.INFO),
        title_unpaid="start.title_examination",
    ),
}
"""Registering is offered where people arrive; elsewhere it would lead them back."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Keys of the catalogue; `quiet` where a button below says more than a large one."""

    label: str
    more: str
    icon: Icon
    quiet: str = ""


LOOKS: Mapping[Offer, _Look] = {
    Offer.VISIT: _Look(label="start.visit", more="start.visit_more", icon=Icon.DOCTOR),
    Offer.BOOKED: _Look(label="start.booked", more="start.booked_more", icon=Icon.CALENDAR),
    Offer.RESULTS: _Look(label="start.results", more="start.results_more", icon=Icon.RESULTS),
    Offer.TICKET: _Look(
        label="start.ticket",
        more="start.ticket_more",
        icon=Icon.TICKET,
        quiet="start.ticket_short",
    ),
    Offer.PAY: _Look(label="start.pay", more="start.pay_more", icon=Icon.WALLET),
    Offer.INFO: _Look(label="start.info", more="start.info_more", icon=Icon.INFO),
}


def offered_by(menu: Menu, *, pays: bool) -> tuple[tuple[Offer, ...], tuple[Offer, ...]]:
    """The large buttons and the quiet ones."""
    if pays:
        return menu.offers, menu.aside
    offers: tuple[Offer, ...] = tuple(each for each in menu.offers if each is not Offer.PAY)
    if len(offers) < len(menu.offers):
        offers += tuple(offer for offer in menu.instead if offer not in offers)[:1]
    return offers, tuple(offer for offer in menu.aside if offer not in offers)


class Welcome(Presenter):
    screen = Screen.WELCOME

    def view(self) -> ChoiceView:
        menu = MENUS.get(self.ctx.profile, MENUS["reception"])
        offers, aside = offered_by(menu, pays=self._pays)
        return ChoiceView(
            title=self.ctx.say(menu.title if self._pays else menu.title_unpaid or menu.title),
            subtitle=self.ctx.say(menu.subtitle),
            choices=tuple(self._large(offer, first=offer is offers[0]) for offer in offers),
            aside=tuple(self._quiet(offer) for offer in aside),
        )

    def _large(self, offer: Offer, *, first: bool) -> Choice:
        look = LOOKS[offer]
        return self.choice(
            _action(offer),
            look.label,
            value=_value(offer),
            detail=self.ctx.say(look.more),
            icon=look.icon,
            tone=Tone.PRIMARY if first else Tone.PLAIN,
        )

    def _quiet(self, offer: Offer) -> Choice:
        look = LOOKS[offer]
        return self.choice(
            _action(offer), look.quiet or look.label, value=_value(offer), icon=look.icon
        )

    @property
    def _pays(self) -> bool:
        return self.ctx.settings is not None and self.ctx.settings.pays

    def act(self, action: Action) -> None:
        match action:
            case Action(name="start", value=purpose):
                self.ctx.visit.purpose = Purpose(purpose)
                self.ctx.go(Screen.NOTICE)
            case Action(name="pay") if self._pays:
                self.ctx.visit.purpose = Purpose.PAY
                self.ctx.go(Screen.PAY_WHO)
            case Action(name="info"):
                self.ctx.go(Screen.INFO)


def _action(offer: Offer) -> str:
    return offer.value if offer in {Offer.PAY, Offer.INFO} else "start"


def _value(offer: Offer) -> str:
    return "" if offer in {Offer.PAY, Offer.INFO} else offer.value
