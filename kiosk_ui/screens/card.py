"""Facts, then a decision: confirm identity, insurance, booking, summary."""

from __future__ import annotations

from dataclasses import replace

from kiosk_ui.presenters.views import CardView, Choice, Phrase, Row, Tone
from kiosk_ui.screens.parts import Parts, Space, headline
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.colours import CARDS, MARKS, Palette
from kiosk_ui.theme.metrics import TARGET_MM
from kiosk_ui.widgets.controls import (
    EDGE_MM,
    RADIUS_MM,
    Draft,
    commands,
    disc,
    panel_of,
    paragraph,
    place_text,
    touch,
)
from kiosk_ui.widgets.scene import (
    Block,
    Box,
    Element,
    Glyph,
    Rect,
    Still,
    beside,
    get_height,
    stack,
)

LABEL_SHARE = 0.36
PANEL_PAD_MM = 6.0
WORDS_PAD_MM = 9.0
ROW_GROW_MM = 9.0
STACKED_MM = 180.0
"""On a narrower sheet large values stand under their labels."""


def cut(space: Space, view: CardView) -> Parts:
    draft = space.draft
    tell = _headline(space, view)
    facts_in_reach = draft.panel.is_lowered and any(row.reveal for row in view.rows)
    do: list[Block] = []
    if view.rows:
        facts = _facts(draft, view.rows, space.do_px if facts_in_reach else space.tell_px)
        (do if facts_in_reach else tell).append(facts)
    if view.body:
        tell.append(_words(draft, view.body, space.tell_px))
    do += commands(draft, view.choices, space.do_px, before_mm=9)
    return Parts(tell=tell, do=do)


def _words(draft: Draft, body: tuple[Phrase, ...], width_px: int) -> Block:
    """What there is to know, a little larger than running text."""
    inner = width_px - 2 * draft.px(WORDS_PAD_MM)
    lines = [
        paragraph(draft, words, typeface.READING, inner, before_mm=5 if index else 0)
        for index, words in enumerate(body)
    ]
    return replace(panel_of(draft, lines, pad_mm=WORDS_PAD_MM), before_px=draft.px(8))


def _headline(space: Space, view: CardView) -> list[Block]:
    """The title, beside the sign that says how it stands."""
    if view.icon is None:
        return headline(space, view.title, view.subtitle)
    draft = space.draft
    size, gap = draft.px(24), draft.px(6)
    words = Space(
        draft=draft, tell_px=space.tell_px - size - gap, do_px=space.do_px, split=space.split
    )
    lines = headline(words, view.title, view.subtitle)
    height = get_height(lines)
    icon, tone = view.icon, view.tone

    def draw_sign(rect: Rect) -> list[Element]:
        return [*disc(rect.middle(size, size), icon, *MARKS[tone])]

    def draw_lines(rect: Rect) -> list[Element]:
        return stack(lines, rect, lead=0.5)

    return [
        beside(
            [Block(height_px=size, draw=draw_sign), Block(height_px=height, draw=draw_lines)],
            [size, words.tell_px],
            gap,
        )
    ]


def _facts(draft: Draft, rows: tuple[Row, ...], width_px: int) -> Block:
    pad = draft.px(PANEL_PAD_MM)
    blocks: list[Block] = []
    for index, row in enumerate(rows):
        blocks.append(_fact(draft, row, width_px - 2 * pad, first=index == 0))
    return replace(panel_of(draft, blocks, pad_mm=PANEL_PAD_MM), before_px=draft.px(8))


def _fact(draft: Draft, row: Row, width_px: int, *, first: bool) -> Block:
    """What on the left, its value on the right, a hairline above all but the first."""
    mark = draft.px(9) if row.icon else 0
    gap = draft.px(4)
    left = mark + (gap if mark else 0)
    stacked = draft.panel.large_text and draft.panel.mm(width_px) < STACKED_MM
    label_px = width_px - left if stacked else round(width_px * LABEL_SHARE) - left
    inner = draft.px(4) if row.reveal else 0
    value_px = width_px - left - 2 * inner - (0 if stacked else label_px + gap)
    label = draft.set(row.label.text, typeface.DETAIL, label_px)
    value = draft.set(row.value, typeface.VALUE, value_px)
    pad = draft.px(2.4 if stacked else 4.2)
    tall = value.height_px + 2 * draft.px(1.5) if row.reveal else value.height_px
    if row.reveal:
        tall = max(tall, draft.fixed(TARGET_MM))
    height = (label.height_px + tall if stacked else max(label.height_px, tall, mark)) + 2 * pad

    def draw(rect: Rect) -> list[Element]:
        elements: list[Element] = []
        if not first:
            line = Rect(rect.x, rect.y, rect.width, draft.panel.px(0.4))
            elements.append(Box(rect=line, fill=colours.HAIRLINE))
        if row.icon:
            place = Rect(rect.x, rect.y + (rect.height - mark) // 2, mark, mark)
            elements.append(Glyph(rect=place, icon=row.icon, colour=colours.TEAL))
        middle = rect.y + rect.height // 2
        if stacked:
            top = middle - (label.height_px + tall) // 2
            words = Rect(rect.x + left, top, label_px, label.height_px)
            place = Rect(rect.x + left, words.bottom, value_px + 2 * inner, tall)
        else:
            words = Rect(rect.x + left, rect.y, label_px, rect.height)
            place = Rect(words.right + gap, middle - tall // 2, value_px + 2 * inner, tall)
        elements.append(place_text(label, words, colours.INK_SOFT))
        box = place.inset(inner, 0)
        if row.reveal is None:
            elements.append(place_text(value, box, colours.INK))
            return elements
        button = place

        def paint(look: Palette) -> list[Still]:
            ground = Box(
                rect=button,
                fill=look.fill,
                edge=look.edge,
                edge_px=draft.panel.px(EDGE_MM),
                radius_px=draft.panel.px(RADIUS_MM),
            )
            return [ground, place_text(value, box, look.ink)]

        choice = Choice(action=row.reveal, label=Phrase(key="", text=row.value))
        elements.append(touch(button, choice, CARDS[Tone.PLAIN], paint))
        return elements

    return Block(height_px=height, grow_px=draft.px(ROW_GROW_MM), draw=draw)
