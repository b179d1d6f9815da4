"""What happened, what to do, who helps."""

from __future__ import annotations

from kiosk_ui.presenters.views import MessageView
from kiosk_ui.screens.parts import Parts, Space, headline
from kiosk_ui.theme import typeface
from kiosk_ui.theme.colours import MARKS
from kiosk_ui.widgets.controls import Draft, commands, disc, paragraph, sign
from kiosk_ui.widgets.scene import Block, Element, Rect, Spinner

SIGN_MM = 44.0


def cut(space: Space, view: MessageView) -> Parts:
    draft = space.draft
    mark = _working(draft, view) if view.busy else sign(draft, view.icon, view.tone, SIGN_MM)
    title, *_ = headline(space, view.title, None, align="centre")
    tell = [mark, Block(height_px=title.height_px, draw=title.draw, before_px=draft.px(10))]
    tell += [
        paragraph(
            draft, words, typeface.BODY, space.tell_px, align="centre", before_mm=4 if index else 6
        )
        for index, words in enumerate(view.body)
    ]
    return Parts(tell=tell, do=commands(draft, view.choices, space.do_px, before_mm=16), lead=0.34)


def _working(draft: Draft, view: MessageView) -> Block:
    """The sign within a turning ring."""
    outer = draft.px(SIGN_MM * 1.25)
    inner = draft.px(SIGN_MM)

    def draw(rect: Rect) -> list[Element]:
        ink, ground = MARKS[view.tone]
        place = rect.middle(outer, outer)
        colour = ink if ground[:3] > ink[:3] else ground
        return [
            Spinner(rect=place, colour=colour, ground=(*colour[:3], 0.16)),
            *disc(rect.middle(inner, inner), view.icon, ink, ground),
        ]

    return Block(height_px=outer, draw=draw)
