"""What a kiosk offers, by where it stands: as data, so that a table can be checked whole."""

from __future__ import annotations

from typing import get_args

import pytest

from kiosk_ui.gateway.fleet_models import Profile
from kiosk_ui.presenters.welcome import LOOKS, MENUS, MOST_CHOICES, Offer, offered_by


def test_every_profile_of_the_wire_has_its_menu() -> None:
    assert set(MENUS) == set(get_args(Profile))


@pytest.mark.parametrize("pays", [True, False])
@pytest.mark.parametrize("profile", MENUS)
def test_a_menu_is_short_and_offers_nothing_twice(profile: Profile, *, pays: bool) -> None:
    large, quiet = offered_by(MENUS[profile], pays=pays)
    assert 2 <= len(large) <= MOST_CHOICES
    assert len({*large, *quiet}) == len(large) + len(quiet)
    assert Offer.TICKET in {*large, *quiet}
    assert Offer.INFO in {*large, *quiet}
    assert (Offer.PAY in {*large, *quiet}) is pays


@pytest.mark.parametrize(
    ("profile", "first"),
    [
        ("reception", Offer.VISIT),
        ("examination", Offer.TICKET),
        ("laboratory", Offer.TICKET),
        ("fees", Offer.PAY),
    ],
)
def test_what_the_place_is_for_comes_first(profile: Profile, first: Offer) -> None:
    assert offered_by(MENUS[profile], pays=True)[0][0] is first


@pytest.mark.parametrize("profile", ["laboratory", "fees"])
def test_nobody_registers_where_nobody_arrives(profile: Profile) -> None:
    large, quiet = offered_by(MENUS[profile], pays=True)
    assert not {Offer.VISIT, Offer.BOOKED} & {*large, *quiet}


def test_every_offer_has_its_look() -> None:
    assert set(LOOKS) == set(Offer)
