"""A code to be paid with a phone: the amount, the code, how long, to whom, what came."""

from __future__ import annotations

from dataclasses import replace

from kiosk_ui.presenters.views import Icon, PayView, Row, Tone
from kiosk_ui.screens.parts import Parts, Space
from kiosk_ui.theme import colours, typeface
from kiosk_ui.widgets.controls import (
    COLUMN_GAP_MM,
    RADIUS_MM,
    Draft,
    command,
    paragraph,
    place_text,
    strip,
)
from kiosk_ui.widgets.qr import least_side_px
from kiosk_ui.widgets.scene import Block, Box, Element, Qr, Rect, Text, beside

QR_MM = 128.0
PAD_MM = 5.0
BAR_MM = 2.6
LABEL_SHARE = 0.34
_ICONS = {Tone.CAUTION: Icon.WARNING, Tone.GOOD: Icon.CHECK}


def cut(space: Space, view: PayView) -> Parts:
    draft = space.draft
    tell = [
        paragraph(draft, view.title, typeface.TITLE, space.tell_px, align="centre"),
        paragraph(
            draft,
            view.amount,
            typeface.AMOUNT,
            space.tell_px,
            colour=colours.TEAL_DARK,
            align="centre",
            before_mm=2,
        ),
        replace(_code(draft, view, space.tell_px), before_px=draft.px(4)),
    ]
    told = [_time(draft, view, space.do_px if space.split else space.tell_px)]
    if not draft.terse:
        told.append(_facts(draft, view.rows, space.do_px if space.split else space.tell_px))
    status = strip(
        draft,
        view.status,
        space.do_px if space.split else space.tell_px,
        tone=view.status_tone,
        icon=_ICONS.get(view.status_tone, Icon.CLOCK),
        before_mm=4,
    )
    told.append(status)
    if view.hint:
        told.append(
            paragraph(
                draft,
                view.hint,
                typeface.DETAIL,
                space.do_px if space.split else space.tell_px,
                colour=colours.INK_SOFT,
                before_mm=3,
            )
        )
    ways = _ways(draft, view, space.do_px)
    if draft.panel.is_lowered:
        # Within reach is what is touched; what is read stands above, near the code.
        return Parts(tell=[*tell, told[0]], do=[*told[1:], *ways])
    if space.split:
        return Parts(tell=tell, do=[*told, *ways])
    return Parts(tell=[*tell, *told], do=ways, lead=0.2)


def _code(draft: Draft, view: PayView, width_px: int) -> Block:
    """As large as there is room; never finer than a phone can read."""
    least = least_side_px(view.qr, draft.panel)
    side = min(max(draft.px(QR_MM), least), width_px)
    room = min(width_px, draft.panel.px(QR_MM * 1.15))
    grow = max(0, room - side)

    def draw(rect: Rect) -> list[Element]:
        size = min(rect.height, width_px)
        sheet = rect.middle(size, size)
        frame = Box(
            rect=sheet,
            fill=colours.SURFACE,
            edge=colours.HAIRLINE,
            edge_px=draft.panel.px(0.5),
            radius_px=draft.panel.px(1),
        )
        return [frame, Qr(rect=sheet.inset(draft.panel.px(0.5)), data=view.qr)]

    return Block(height_px=side + 2 * draft.panel.px(0.5), grow_px=grow, draw=draw)


def _time(draft: Draft, view: PayView, width_px: int) -> Block:
    """How long the code can be paid: in words, and as a quiet bar."""
    text = draft.set(view.left.text, typeface.SMALL, width_px)
    bar, gap = draft.panel.px(BAR_MM), draft.px(1.6)

    def draw(rect: Rect) -> list[Element]:
        words = Rect(rect.x, rect.y, rect.width, text.height_px)
        whole = Rect(rect.x, words.bottom + gap, rect.width, bar)
        share = max(0.0, min(1.0, view.left_share))
        left = replace(whole, width=max(bar, round(whole.width * share)))
        return [
            Text(rect=words, text=text, colour=colours.INK_SOFT, align="centre"),
            Box(rect=whole, fill=colours.HAIRLINE, radius_px=bar // 2),
            Box(rect=left, fill=colours.TEAL, radius_px=bar // 2),
        ]

    return Block(height_px=text.height_px + gap + bar, draw=draw, before_px=draft.px(4))


def _facts(draft: Draft, rows: tuple[Row, ...], width_px: int) -> Block:
    """What the phone will show too: to compare, and for who types."""
    pad, between = draft.px(PAD_MM), draft.px(3)
    inner = width_px - 2 * pad
    label_px = round(inner * LABEL_SHARE)
    value_px = inner - label_px - between
    made = [
        (
            draft.set(row.label.text, typeface.SMALL, label_px),
            draft.set(row.value, typeface.SMALL_BOLD, value_px),
        )
        for row in rows
    ]
    gap = draft.px(1.6)
    heights = [max(label.height_px, value.height_px) + gap for label, value in made]

    def draw(rect: Rect) -> list[Element]:
        sheet = Box(
            rect=rect,
            fill=colours.SURFACE,
            edge=colours.HAIRLINE,
            edge_px=draft.panel.px(0.5),
            radius_px=draft.panel.px(RADIUS_MM),
        )
        elements: list[Element] = [sheet]
        y = rect.y + (rect.height - sum(heights)) // 2
        for (label, value), height in zip(made, heights, strict=True):
            left = Rect(rect.x + pad, y, label_px, height)
            right = Rect(left.right + between, y, value_px, height)
            elements.append(place_text(label, left, colours.INK_SOFT))
            elements.append(place_text(value, right, colours.INK))
            y += height
        return elements

    if not rows:
        return Block(height_px=0, draw=lambda _rect: [])
    return Block(height_px=sum(heights) + 2 * draft.px(2.6), draw=draw, before_px=draft.px(4))


def _ways(draft: Draft, view: PayView, width_px: int) -> list[Block]:
    """None of them calls for a touch: who pays has nothing to do here but wait."""
    first, *others = view.choices
    blocks = [replace(command(draft, first, width_px), before_px=draft.px(6))]
    gap = draft.panel.px(COLUMN_GAP_MM)
    if len(others) == 2:
        half = (width_px - gap) // 2
        row = [command(draft, choice, half, style=typeface.SMALL_BOLD) for choice in others]
        return [*blocks, replace(beside(row, [half, half], gap), before_px=gap)]
    return blocks + [
        replace(command(draft, choice, width_px, style=typeface.SMALL_BOLD), before_px=gap)
        for choice in others
    ]
