"""Done: the number, very large, and where to go with it."""

from __future__ import annotations

from collections.abc import Sequence

from kiosk_ui.presenters.views import Icon, Phrase, TicketView, Tone
from kiosk_ui.screens.parts import Parts, Space
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.colours import MARKS, Colour
from kiosk_ui.theme.typeface import Style
from kiosk_ui.widgets.controls import Draft, commands, disc, panel_of, paragraph, strip
from kiosk_ui.widgets.scene import Block, Box, Element, Glyph, Qr, Rect, Text, beside

PAD_MM = 8.0
QR_MM = 46.0
LEAST_QR_MM = 28.0
"""A phone held at arm's length still reads it (about 0.8 mm a module)."""


def cut(space: Space, view: TicketView) -> Parts:
    draft, width = space.draft, space.tell_px
    inner = width - 2 * draft.px(PAD_MM)
    sheet = [
        _number(draft, view, inner),
        *_way(draft, view, inner),
        _line(draft),
        _foot(draft, view, inner),
    ]
    tell = [_title(draft, view, width)]
    if view.problem:
        tell.append(strip(draft, view.problem, width, icon=Icon.PRINTER, before_mm=5))
    card = panel_of(draft, sheet, pad_mm=PAD_MM)
    tell.append(Block(height_px=card.height_px, draw=card.draw, before_px=draft.px(6)))
    tell += [
        paragraph(draft, note, typeface.BODY, width, colour=colours.INK_SOFT, before_mm=4)
        for note in view.notes
    ]
    return Parts(tell=tell, do=commands(draft, view.choices, space.do_px, before_mm=8), lead=0.2)


def _title(draft: Draft, view: TicketView, width_px: int) -> Block:
    """The outcome, with a tick when all went well."""
    size, gap = draft.px(16), draft.px(5)
    text = draft.set(view.title.text, typeface.TITLE, width_px - size - gap)
    icon, tone = (Icon.CHECK, Tone.GOOD) if view.printed else (Icon.TICKET, Tone.PRIMARY)

    def draw(rect: Rect) -> list[Element]:
        mark = Rect(rect.x, rect.y + (rect.height - size) // 2, size, size)
        top = rect.y + (rect.height - text.height_px) // 2
        box = Rect(mark.right + gap, top, rect.right - mark.right - gap, text.height_px)
        return [*disc(mark, icon, *MARKS[tone]), Text(rect=box, text=text, colour=colours.INK)]

    return Block(height_px=max(size, text.height_px), draw=draw)


def _number(draft: Draft, view: TicketView, width_px: int) -> Block:
    text = draft.set(view.number, typeface.NUMBER, width_px, max_lines=1)

    def draw(rect: Rect) -> list[Element]:
        box = Rect(rect.x, rect.y, rect.width, text.height_px)
        return [Text(rect=box, text=text, colour=colours.TEAL, align="centre")]

    return Block(height_px=text.height_px, draw=draw)


def _way(draft: Draft, view: TicketView, width_px: int) -> Sequence[Block]:
    """Where to go: place, then floor and landmark, then how long it may take."""
    lines: list[tuple[Icon, Phrase, Style, Colour]] = [
        (Icon.ROOM, view.place, typeface.PLACE, colours.INK)
    ]
    more = [words.text for words in (view.floor, view.landmark) if words]
    blocks = [_fact(draft, *line, width_px, before_mm=2) for line in lines]
    if more:
        words = Phrase(key="", text=" – ".join(more))
        blocks.append(
            _fact(draft, None, words, typeface.BODY, colours.INK, width_px, before_mm=1.5)
        )
    if view.wait:
        blocks.append(
            _fact(draft, Icon.CLOCK, view.wait, typeface.BODY, colours.INK, width_px, before_mm=4)
        )
    return blocks


def _fact(
    draft: Draft,
    icon: Icon | None,
    words: Phrase,
    style: Style,
    colour: Colour,
    width_px: int,
    *,
    before_mm: float,
) -> Block:
    """A line with its icon in the margin; without one, in line with those that have."""
    size, gap = draft.px(11), draft.px(5)
    text = draft.set(words.text, style, width_px - size - gap)

    def draw(rect: Rect) -> list[Element]:
        elements: list[Element] = []
        if icon:
            top = rect.y + max(0, (text.pitch_px - size) // 2)
            elements.append(
                Glyph(rect=Rect(rect.x, top, size, size), icon=icon, colour=colours.TEAL)
            )
        box = Rect(rect.x + size + gap, rect.y, rect.width - size - gap, text.height_px)
        return [*elements, Text(rect=box, text=text, colour=colour)]

    height = max(text.height_px, size if icon else 0)
    return Block(height_px=height, draw=draw, before_px=draft.px(before_mm))


def _line(draft: Draft) -> Block:
    thin = draft.panel.px(0.4)
    return Block(
        height_px=thin,
        draw=lambda rect: [Box(rect=rect, fill=colours.HAIRLINE)],
        before_px=draft.px(6),
    )


def _foot(draft: Draft, view: TicketView, width_px: int) -> Block:
    """What next, beside the code for the phone if there is one."""
    code, gap = max(draft.px(QR_MM), draft.panel.px(LEAST_QR_MM)), draft.px(7)
    if not view.qr:
        code = gap = 0
    words_px = width_px - code - gap
    after = draft.set(view.next.text, typeface.LABEL, words_px)
    captions = [] if draft.terse else [draft.set(view.qr_caption.text, typeface.DETAIL, words_px)]
    between = draft.px(4)
    height = after.height_px + sum(between + text.height_px for text in captions)

    def draw_code(rect: Rect) -> list[Element]:
        return [Qr(rect=rect.middle(code, code), data=view.qr)]

    def draw_words(rect: Rect) -> list[Element]:
        top = rect.y + (rect.height - height) // 2
        box = Rect(rect.x, top, rect.width, after.height_px)
        elements: list[Element] = [Text(rect=box, text=after, colour=colours.INK)]
        for text in captions:
            below = Rect(rect.x, box.bottom + between, rect.width, text.height_px)
            elements.append(Text(rect=below, text=text, colour=colours.INK_SOFT))
        return elements

    if not view.qr:
        return Block(height_px=height, draw=draw_words, before_px=draft.px(5))
    row = beside(
        [Block(height_px=code, draw=draw_code), Block(height_px=height, draw=draw_words)],
        [code, words_px],
        gap,
    )
    return Block(height_px=row.height_px, draw=row.draw, before_px=draft.px(5))
