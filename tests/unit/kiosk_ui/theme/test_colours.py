from __future__ import annotations

import pytest

from kiosk_ui.presenters.views import Tone
from kiosk_ui.theme import colours
from kiosk_ui.theme.colours import CARDS, MARKS, QUIET_CARD, Palette, contrast

TEXT = 4.5
EDGE = 3.0
PALETTES = [*CARDS.items(), ("quiet", QUIET_CARD)]


@pytest.mark.parametrize(("name", "palette"), PALETTES)
def test_words_stand_out_at_rest_and_under_the_finger(name: str, palette: Palette) -> None:
    for ground in (palette.fill, palette.pressed):
        assert contrast(palette.ink, ground) >= TEXT
        assert contrast(palette.soft, ground) >= TEXT


@pytest.mark.parametrize(("name", "palette"), PALETTES)
def test_icons_stand_out_on_their_disc(name: str, palette: Palette) -> None:
    assert contrast(palette.mark, palette.mark_ground) >= EDGE


@pytest.mark.parametrize("tone", list(Tone))
def test_the_border_of_a_control_is_seen_on_paper_and_sheet(tone: Tone) -> None:
    for ground in (colours.PAPER, colours.SURFACE):
        assert contrast(CARDS[tone].edge, ground) >= EDGE


@pytest.mark.parametrize("tone", list(Tone))
def test_the_sign_of_a_screen_stands_out(tone: Tone) -> None:
    assert contrast(*MARKS[tone]) >= EDGE


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        (colours.INK, colours.PAPER),
        (colours.INK_SOFT, colours.PAPER),
        (colours.INK_SOFT, colours.SURFACE),
        (colours.QUIET_INK, colours.SURFACE),
        (colours.TEAL, colours.SURFACE),
        (colours.TEAL, colours.PAPER),
        (colours.TEAL, colours.TEAL_TINT),
        (colours.INK, colours.AMBER_TINT),
        (colours.AMBER, colours.AMBER_TINT),
        (colours.INK, colours.GREEN_TINT),
        (colours.GREEN, colours.GREEN_TINT),
        (colours.INK, colours.RED_TINT),
        (colours.RED, colours.RED_TINT),
    ],
)
def test_pairs_in_use_are_readable(ink: colours.Colour, ground: colours.Colour) -> None:
    assert contrast(ink, ground) >= TEXT


def test_contrast_of_black_on_white_is_the_most_there_is() -> None:
    assert contrast(colours.rgb("000000"), colours.rgb("FFFFFF")) == pytest.approx(21.0)
