"""Hold a code to the camera: the live picture, and the ways on without one."""

from __future__ import annotations

from kiosk_ui.presenters.views import Icon, ScanView
from kiosk_ui.screens.parts import Parts, Space, headline
from kiosk_ui.theme import colours
from kiosk_ui.widgets.controls import RADIUS_MM, Draft, grid, strip
from kiosk_ui.widgets.scene import Block, Box, Element, Glyph, Preview, Rect, Spinner


def cut(space: Space, view: ScanView) -> Parts:
    draft = space.draft
    tell = headline(space, view.title, view.subtitle)
    if view.problem:
        tell.append(strip(draft, view.problem, space.tell_px, before_mm=5))
    tell.append(_picture(draft, space.tell_px, view))
    columns = 2 if space.wide and len(view.choices) > 2 else 1
    do = [grid(draft, view.choices, space.do_px, columns=columns, grow_mm=6, before_mm=6)]
    return Parts(tell=tell, do=do)


def _picture(draft: Draft, width_px: int, view: ScanView) -> Block:
    def draw(rect: Rect) -> list[Element]:
        if view.camera:
            return [
                Preview(
                    rect=rect,
                    radius_px=draft.panel.px(RADIUS_MM * 1.4),
                    ground=colours.PAPER,
                    guide=colours.SURFACE,
                    busy=view.busy,
                )
            ]
        return _drawing(draft, rect, busy=view.busy)

    return Block(
        height_px=draft.px(62),
        grow_px=max(0, round(width_px * 0.8) - draft.px(62)),
        draw=draw,
        before_px=draft.px(6),
    )


def _drawing(draft: Draft, rect: Rect, *, busy: bool) -> list[Element]:
    """Without a picture: card, then phone, as what may be held to the hand scanner."""
    size = min(draft.panel.px(44), rect.height * 3 // 5, rect.width // 4)
    ground = Box(rect=rect, fill=colours.TEAL_TINT, radius_px=draft.panel.px(RADIUS_MM * 1.4))
    if busy:
        place = rect.middle(size, size)
        return [ground, Spinner(rect=place, colour=colours.TEAL, ground=colours.SURFACE)]
    pair = rect.middle(size * 5 // 2, size)
    elements: list[Element] = [ground]
    for left, icon in ((pair.x, Icon.CARD), (pair.right - size, Icon.PHONE)):
        place = Rect(left, pair.y, size, size)
        inner = size * 58 // 100
        elements += [
            Box(rect=place, fill=colours.SURFACE, radius_px=size // 2),
            Glyph(rect=place.middle(inner, inner), icon=icon, colour=colours.TEAL),
        ]
    return elements
