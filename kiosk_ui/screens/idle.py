"""Are you still there? Laid over any screen, with the seconds that are left."""

from __future__ import annotations

from kiosk_ui.presenters.views import IdleWarning
from kiosk_ui.screens.chrome import LOWERED_SHARE
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.metrics import Panel
from kiosk_ui.widgets.controls import Draft, command, draw_in, paragraph, place_text
from kiosk_ui.widgets.scene import Block, Box, Element, Rect, Ring, get_height, stack

FULL_S = 20
"""Seconds of a full ring (WCAG 2.2.1: at least 20 to ask for more)."""
RING_MM = 40.0


def lay_out_idle(idle: IdleWarning, panel: Panel, *, foot_px: int = 0) -> tuple[Element, ...]:
    """`foot_px`: kept free at the bottom edge."""
    whole = Rect(0, 0, panel.width_px, panel.height_px)
    pad = panel.px(12)
    width = min(panel.px(200), panel.width_px - 2 * panel.px(12))
    inner = width - 2 * pad
    limit = panel.height_px * (LOWERED_SHARE if panel.is_lowered else 0.9) - foot_px
    for draft in draw_in(panel):
        blocks = _blocks(draft, idle, inner)
        if get_height(blocks) + 2 * pad <= limit:
            break
    height = get_height(blocks) + 2 * pad
    sheet = whole.middle(width, height)
    if panel.is_lowered:
        sheet = Rect(sheet.x, panel.height_px - foot_px - height, width, height)
    return (
        Box(rect=whole, fill=colours.SCRIM),
        Box(rect=sheet, fill=colours.SURFACE, radius_px=panel.px(6)),
        *stack(blocks, sheet.inset(pad)),
    )


def _blocks(draft: Draft, idle: IdleWarning, width_px: int) -> list[Block]:
    more = command(draft, idle.more_time, width_px, primary=True)
    finish = command(draft, idle.finish, width_px)
    return [
        _countdown(draft, idle.seconds_left),
        paragraph(draft, idle.title, typeface.TITLE, width_px, align="centre", before_mm=8),
        Block(height_px=more.height_px, draw=more.draw, before_px=draft.px(10)),
        Block(height_px=finish.height_px, draw=finish.draw, before_px=draft.panel.px(4)),
    ]


def _countdown(draft: Draft, seconds_left: int) -> Block:
    size = draft.px(RING_MM)
    text = draft.set(str(seconds_left), typeface.DIGIT, size)

    def draw(rect: Rect) -> list[Element]:
        place = rect.middle(size, size)
        ring = Ring(
            rect=place,
            share=max(0.0, min(1.0, seconds_left / FULL_S)),
            colour=colours.TEAL,
            ground=colours.TEAL_TINT,
        )
        return [ring, place_text(text, place, colours.INK, "centre")]

    return Block(height_px=size, draw=draw)
