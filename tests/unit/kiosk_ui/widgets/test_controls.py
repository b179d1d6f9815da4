from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk_ui.presenters.views import Action, Choice, Icon, Phrase, Tone
from kiosk_ui.theme.metrics import GAP_MM, PRIMARY_MM, TARGET_MM, Panel
from kiosk_ui.widgets.controls import Draft, card, command, commands, draw_in, grid
from kiosk_ui.widgets.scene import Glyph, Rect, Touch

PANEL = Panel(width_px=1080, height_px=1920, width_mm=268.0)
DRAFT = Draft(panel=PANEL)
CHOICE = Choice(action=Action("go"), label=Phrase(key="", text="Khám bệnh"), icon=Icon.DOCTOR)


def draw(block, width_px: int = 600) -> list[Touch]:
    return [e for e in block.draw(Rect(0, 0, width_px, block.height_px)) if isinstance(e, Touch)]


@pytest.mark.parametrize("draft", list(draw_in(PANEL)))
def test_however_tight_a_target_keeps_its_size(draft: Draft) -> None:
    for block in (card(draft, CHOICE, 600), command(draft, CHOICE, 600)):
        assert PANEL.mm(block.height_px) >= TARGET_MM
    assert PANEL.mm(command(draft, CHOICE, 600, primary=True).height_px) >= PRIMARY_MM[1]
    assert PANEL.mm(draft.gap(9)) >= GAP_MM - 0.1


def test_what_is_under_the_finger_looks_different() -> None:
    (touch,) = draw(command(DRAFT, CHOICE, 600))
    assert touch.still != touch.pressed
    assert [part.rect for part in touch.still] == [part.rect for part in touch.pressed]


def test_what_cannot_be_chosen_has_no_arrow_and_no_touch() -> None:
    (full,) = draw(card(DRAFT, replace(CHOICE, enabled=False), 600))
    assert not full.enabled
    assert Icon.NEXT not in [part.icon for part in full.still if isinstance(part, Glyph)]


def test_only_the_first_command_is_the_way_on() -> None:
    blocks = commands(DRAFT, [replace(CHOICE, action=Action(str(i))) for i in range(3)], 900)
    touches = [touch for block in blocks for touch in draw(block, 900)]
    assert [touch.action.name for touch in touches] == ["0", "1", "2"]
    fills = [touch.still[0].fill for touch in touches]
    assert fills[0] != fills[1] == fills[2]


def test_the_tone_of_a_choice_is_kept() -> None:
    (danger,) = draw(command(DRAFT, replace(CHOICE, tone=Tone.DANGER), 600, primary=True))
    (plain,) = draw(command(DRAFT, CHOICE, 600))
    assert danger.still[0].fill != plain.still[0].fill


def test_rows_of_a_grid_are_level_when_there_is_room() -> None:
    choices = [replace(CHOICE, action=Action(str(i))) for i in range(4)]
    choices[1] = replace(CHOICE, action=Action("1"), detail=Phrase(key="", text="dài " * 60))
    block = grid(DRAFT, choices, 900, columns=1, grow_mm=0)
    tight = [touch.rect.height for touch in draw(block, 900)]
    assert tight[1] > tight[0]
    roomy = block.draw(Rect(0, 0, 900, block.height_px + block.grow_px))
    assert len({touch.rect.height for touch in roomy}) == 1
