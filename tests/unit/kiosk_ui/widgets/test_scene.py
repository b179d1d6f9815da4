from __future__ import annotations

from kiosk_ui.presenters.views import Action
from kiosk_ui.theme.colours import PAPER
from kiosk_ui.widgets.scene import Block, Box, Rect, Scene, Touch, beside, get_height, stack


def box(height_px: int, grow_px: int = 0, before_px: int = 0) -> Block:
    return Block(
        height_px=height_px,
        grow_px=grow_px,
        before_px=before_px,
        draw=lambda rect: [Box(rect=rect, fill=PAPER)],
    )


def rects(elements) -> list[tuple[int, int]]:
    return [(element.rect.y, element.rect.height) for element in elements]


def test_blocks_stand_under_each_other_at_their_distances() -> None:
    blocks = [box(10, before_px=99), box(20, before_px=5)]
    assert get_height(blocks) == 35
    assert rects(stack(blocks, Rect(0, 100, 50, 35))) == [(100, 10), (115, 20)]


def test_room_left_over_makes_blocks_grow_then_goes_above() -> None:
    blocks = [box(10), box(10, grow_px=10)]
    assert rects(stack(blocks, Rect(0, 0, 50, 25))) == [(0, 10), (10, 15)]
    assert rects(stack(blocks, Rect(0, 0, 50, 50), lead=0.5)) == [(10, 10), (20, 20)]


def test_blocks_beside_each_other_are_as_tall_as_the_tallest() -> None:
    row = beside([box(10), box(30)], [40, 50], 10)
    drawn = row.draw(Rect(5, 0, 100, row.height_px))
    assert [(e.rect.x, e.rect.width, e.rect.height) for e in drawn] == [(5, 40, 30), (55, 50, 30)]


def touch(name: str, *, enabled: bool = True) -> Touch:
    place = Rect(0, 0, 10, 10)
    return Touch(rect=place, action=Action(name), still=(), pressed=(), enabled=enabled)


def test_under_an_overlay_only_the_overlay_is_tapped() -> None:
    below = Scene(chrome=(touch("help"),), content=(touch("go"), touch("full", enabled=False)))
    assert [t.action.name for t in below.tappable()] == ["help", "go"]
    over = Scene(chrome=below.chrome, content=below.content, overlay=(touch("more"),))
    assert over.find_touch(Action("go")) is None
    assert over.find_touch(Action("more"))
