"""A number typed on large keys, digits in the order of a telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kiosk_ui.presenters.views import Action, KeypadView
from kiosk_ui.screens.parts import Parts, Space, headline
from kiosk_ui.theme import colours, typeface
from kiosk_ui.widgets.controls import (
    COLUMN_GAP_MM,
    RADIUS_MM,
    Draft,
    command,
    commands,
    key,
    place_text,
    strip,
)
from kiosk_ui.widgets.scene import Block, Box, Element, Rect, beside, get_height, stack


def cut(space: Space, view: KeypadView) -> Parts:
    draft, gap = space.draft, space.draft.panel.px(COLUMN_GAP_MM)
    tell = [*headline(space, view.title, view.subtitle), _entry(draft, space.tell_px, view)]
    if view.problem:
        tell.append(strip(draft, view.problem, space.tell_px, before_mm=4))
    if view.board:
        board = replace(_board(draft, view, 10 if space.wide else 7), before_px=draft.px(6))
        on = commands(draft, (view.submit, *view.aside), space.do_px, before_mm=COLUMN_GAP_MM)
        return Parts(tell=tell, do=[board, *on])
    letters = (
        [replace(_letters(draft, view.letters), before_px=draft.px(6))] if view.letters else []
    )
    first_gap = gap if letters else draft.px(6)
    if space.wide:
        pad_px = space.do_px * 58 // 100
        side_px = space.do_px - pad_px - gap
        side = commands(draft, (view.submit, *view.aside), side_px)
        pad = beside([_pad(draft, view), _column(side)], [pad_px, side_px], gap)
        return Parts(tell=tell, do=[*letters, replace(pad, before_px=first_gap)])
    do = [*letters, replace(_pad(draft, view), before_px=first_gap)]
    if view.aside and space.split:
        half = (space.do_px - gap) // 2
        row = [
            command(draft, view.aside[0], half, style=typeface.SMALL_BOLD),
            command(draft, view.submit, space.do_px - gap - half, primary=True),
        ]
        do.append(replace(beside(row, [half, space.do_px - gap - half], gap), before_px=gap))
        do += commands(draft, view.aside[1:], space.do_px, before_mm=COLUMN_GAP_MM)
    else:
        do += commands(draft, (view.submit, *view.aside), space.do_px, before_mm=COLUMN_GAP_MM)
    return Parts(tell=tell, do=do)


def _entry(draft: Draft, width_px: int, view: KeypadView) -> Block:
    """What was typed so far, or an example in grey."""
    words = view.entry or view.placeholder
    colour = colours.INK if view.entry else colours.QUIET_INK
    text = draft.set(words, typeface.ENTRY, width_px - 2 * draft.px(6), max_lines=1)
    edge = colours.AMBER if view.problem else colours.TEAL

    def draw(rect: Rect) -> list[Element]:
        return [
            Box(
                rect=rect,
                fill=colours.SURFACE,
                edge=edge,
                edge_px=draft.panel.px(1.0),
                radius_px=draft.panel.px(RADIUS_MM),
            ),
            place_text(text, rect, colour, "centre"),
        ]

    tall = draft.set("0", typeface.ENTRY, width_px).height_px
    return Block(
        height_px=max(tall, text.height_px) + 2 * draft.px(5), draw=draw, before_px=draft.px(6)
    )


def _letters(draft: Draft, letters: Sequence[str]) -> Block:
    blocks = [key(draft, letter, Action("key", letter)) for letter in letters]
    return _rows(draft, [blocks])


def _board(draft: Draft, view: KeypadView, columns: int) -> Block:
    """All signs in rows as wide as fingers need; wiping stands at the end of the last one."""
    keys = [key(draft, sign, Action("key", sign)) for sign in view.keys]
    rows = [keys[i : i + columns] for i in range(0, len(keys), columns)]
    last = rows.pop()
    wipe = [
        key(draft, view.clear.text, Action("clear"), style=typeface.SMALL_BOLD),
        key(draft, view.erase.text, Action("erase"), style=typeface.SMALL_BOLD),
    ]
    gap = draft.panel.px(COLUMN_GAP_MM)

    def draw_last(rect: Rect) -> list[Element]:
        """Signs as wide as above, the two words share what is left."""
        width = (rect.width - gap * (columns - 1)) // columns
        rest = rect.width - len(last) * (width + gap)
        word = (rest - gap) // 2
        widths = [*([width] * len(last)), word, rest - gap - word]
        return beside([*last, *wipe], widths, gap).draw(rect)

    pad, foot = _rows(draft, rows), wipe[0]
    share = pad.height_px // len(rows)

    def draw(rect: Rect) -> list[Element]:
        high = (rect.height - gap * len(rows)) // (len(rows) + 1)
        above = Rect(rect.x, rect.y, rect.width, rect.height - high - gap)
        return [
            *pad.draw(above),
            *draw_last(Rect(rect.x, rect.bottom - high, rect.width, high)),
        ]

    return Block(
        height_px=pad.height_px + gap + max(share, foot.height_px),
        grow_px=pad.grow_px + foot.grow_px,
        draw=draw,
    )


def _pad(draft: Draft, view: KeypadView) -> Block:
    """Three to a row; beside the last digit, wipe all on the left and one back on the right."""
    digits = [key(draft, digit, Action("key", digit)) for digit in view.keys]
    rows = [digits[i : i + 3] for i in range(0, len(digits) - 1, 3)]
    rows.append(
        [
            key(draft, view.clear.text, Action("clear"), style=typeface.LABEL),
            digits[-1],
            key(draft, view.erase.text, Action("erase"), style=typeface.LABEL),
        ]
    )
    return _rows(draft, rows)


def _rows(draft: Draft, rows: Sequence[Sequence[Block]]) -> Block:
    """Keys in rows of equal height and columns of equal width."""
    gap = draft.panel.px(COLUMN_GAP_MM)
    least = max(block.height_px for row in rows for block in row)
    grow = max(block.grow_px for row in rows for block in row)

    def draw(rect: Rect) -> list[Element]:
        height = (rect.height - gap * (len(rows) - 1)) // len(rows)
        elements: list[Element] = []
        for down, row in enumerate(rows):
            width = (rect.width - gap * (len(row) - 1)) // len(row)
            for across, block in enumerate(row):
                x, y = rect.x + across * (width + gap), rect.y + down * (height + gap)
                elements += block.draw(Rect(x, y, width, height))
        return elements

    return Block(
        height_px=least * len(rows) + gap * (len(rows) - 1), grow_px=grow * len(rows), draw=draw
    )


def _column(blocks: Sequence[Block]) -> Block:
    """Blocks under each other as one."""
    return Block(height_px=get_height(blocks), draw=lambda rect: stack(blocks, rect))
