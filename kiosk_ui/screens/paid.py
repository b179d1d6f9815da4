"""Paid: a large tick, the amount, and the code by which the payment is found again."""

from __future__ import annotations

from dataclasses import replace

from kiosk_ui.presenters.views import Icon, PaidView, Phrase, Tone
from kiosk_ui.screens.parts import Parts, Space
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.colours import MARKS
from kiosk_ui.theme.metrics import Panel
from kiosk_ui.widgets.controls import RADIUS_MM, Draft, commands, disc, paragraph, strip
from kiosk_ui.widgets.scene import Block, Box, Element, Rect, get_height, stack

SIGN_MM = 52.0
PAD_MM = 8.0


def cut(space: Space, view: PaidView) -> Parts:
    draft, width = space.draft, space.tell_px
    tell = [_outcome(draft, view, width)]
    if view.problem:
        tell.append(strip(draft, view.problem, width, icon=Icon.PRINTER, before_mm=6))
    tell.append(replace(_code(draft, view, width), before_px=draft.px(7)))
    tell += [
        paragraph(draft, note, typeface.BODY, width, align="centre", before_mm=4)
        for note in view.notes
    ]
    return Parts(tell=tell, do=commands(draft, view.choices, space.do_px, before_mm=10), lead=0.25)


def _outcome(draft: Draft, view: PaidView, width_px: int) -> Block:
    """Green, whole, and not to be taken for anything else from across the hall."""
    pad = draft.px(PAD_MM)
    inner = width_px - 2 * pad
    size = draft.px(SIGN_MM)

    def draw_sign(rect: Rect) -> list[Element]:
        return [*disc(rect.middle(size, size), Icon.CHECK, *MARKS[Tone.GOOD])]

    blocks = [
        Block(height_px=size, draw=draw_sign),
        paragraph(draft, view.title, typeface.TITLE, inner, align="centre", before_mm=6),
        paragraph(
            draft,
            view.amount,
            typeface.AMOUNT,
            inner,
            colour=colours.GREEN,
            align="centre",
            before_mm=3,
        ),
    ]

    def draw(rect: Rect) -> list[Element]:
        sheet = Box(
            rect=rect,
            fill=colours.GREEN_TINT,
            edge=colours.GREEN,
            edge_px=_edge(draft.panel),
            radius_px=draft.panel.px(RADIUS_MM * 1.2),
        )
        return [sheet, *stack(blocks, rect.inset(pad), lead=0.5)]

    return Block(height_px=get_height(blocks) + 2 * pad, grow_px=draft.px(12), draw=draw)


def _edge(panel: Panel) -> int:
    return panel.px(1.0)


def _code(draft: Draft, view: PaidView, width_px: int) -> Block:
    style = typeface.ENTRY if view.code_large else typeface.VALUE
    label = paragraph(
        draft,
        view.code_label,
        typeface.DETAIL,
        width_px,
        colour=colours.INK_SOFT,
        align="centre",
    )
    code = paragraph(draft, shown_code(view), style, width_px, align="centre", before_mm=1)
    lines = [label, code]
    return Block(height_px=get_height(lines), draw=lambda rect: stack(lines, rect))


def shown_code(view: PaidView) -> Phrase:
    return Phrase(key="", text=view.code)
