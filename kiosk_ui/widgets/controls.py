"""The building blocks of every screen, laid out for a width: texts, cards, buttons, strips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from kiosk_ui.presenters.views import Action, Choice, Icon, Phrase, Tone
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.colours import CARDS, MARKS, QUIET_CARD, Colour, Palette
from kiosk_ui.theme.metrics import GAP_MM, PRIMARY_MM, TARGET_MM, Panel
from kiosk_ui.theme.typeface import SetText, Style
from kiosk_ui.widgets.scene import (
    Align,
    Block,
    Box,
    Element,
    Glyph,
    Rect,
    Still,
    Text,
    Touch,
    beside,
    get_height,
    stack,
)

EDGE_MM = 0.6
RADIUS_MM = 4.0
COLUMN_GAP_MM = GAP_MM + 1.0


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What everything is laid out with: the panel, and how far this screen has to draw in."""

    panel: Panel
    scale: float = 1.0
    floor_share: float = 1.0
    terse: bool = False
    """Pictures and second lines that only help are left out."""

    def px(self, length_mm: float) -> int:
        """A distance that draws in with the screen."""
        return self.panel.px(length_mm * self.scale)

    def fixed(self, length_mm: float) -> int:
        """A size that people's fingers and eyes set; never less than asked."""
        return self.panel.px(length_mm) + 1

    def is_under_floor(self, text: SetText) -> bool:
        """Whether a word was so wide that it had to shrink too far."""
        return self.panel.mm(text.cap_px) < self.panel.cap_floor_mm * self.floor_share

    def gap(self, length_mm: float) -> int:
        """A distance between things to touch: draws in, but never to where fingers slip."""
        return max(self.px(length_mm), self.panel.px(GAP_MM))

    def set(
        self, text: str, style: Style, width_px: int, *, max_lines: int | None = None
    ) -> SetText:
        return typeface.set_text(
            text,
            style=style,
            panel=self.panel,
            width_px=width_px,
            scale=self.scale,
            floor_share=self.floor_share,
            max_lines=max_lines,
        )


STEPS = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7, 0.64, 0.58, 0.52, 0.46, 0.4, 0.34)
"""How far a screen draws in, until its texts reach their floor."""
OVERFULL = ((0.3, 0.85), (0.3, 0.7), (0.26, 0.55), (0.22, 0.4))
"""(scale, share of the floor) for texts nobody foresaw: small rather than cut off."""


def draw_in(panel: Panel) -> Iterator[Draft]:
    """Drafts from generous to tight: first distances and texts down to the floor, then fewer
    words, at last texts under the floor.
    """
    for scale in STEPS:
        yield Draft(panel=panel, scale=scale)
    yield Draft(panel=panel, scale=0.55, terse=True)
    yield Draft(panel=panel, scale=STEPS[-1], terse=True)
    for scale, floor_share in OVERFULL:
        yield Draft(panel=panel, scale=scale, floor_share=floor_share, terse=True)


def place_text(text: SetText, rect: Rect, colour: Colour, align: Align = "left") -> Text:
    """The text in the middle of the rectangle's height."""
    top = rect.y + (rect.height - text.height_px) // 2
    return Text(
        rect=Rect(rect.x, top, rect.width, text.height_px), text=text, colour=colour, align=align
    )


def paragraph(
    draft: Draft,
    words: Phrase,
    style: Style,
    width_px: int,
    *,
    colour: Colour = colours.INK,
    align: Align = "left",
    before_mm: float = 0.0,
) -> Block:
    """Running text."""
    text = draft.set(words.text, style, width_px)
    return Block(
        height_px=text.height_px,
        before_px=draft.px(before_mm) if before_mm else 0,
        draw=lambda rect: [
            Text(
                rect=Rect(rect.x, rect.y, rect.width, text.height_px),
                text=text,
                colour=colour,
                align=align,
            )
        ],
    )


def sign(draft: Draft, icon: Icon, tone: Tone, size_mm: float, *, before_mm: float = 0) -> Block:
    """The large round sign of a screen, centred."""
    size = draft.px(size_mm)

    def draw(rect: Rect) -> list[Element]:
        return [*disc(rect.middle(size, size), icon, *MARKS[tone])]

    return Block(height_px=size, draw=draw, before_px=draft.px(before_mm) if before_mm else 0)


def disc(rect: Rect, icon: Icon, ink: Colour, ground: Colour) -> list[Still]:
    """An icon on a round ground."""
    inner = round(rect.width * 0.58)
    return [
        Box(rect=rect, fill=ground, radius_px=rect.width // 2),
        Glyph(rect=rect.middle(inner, inner), icon=icon, colour=ink),
    ]


def touch(
    rect: Rect,
    choice: Choice,
    palette: Palette,
    paint: Callable[[Palette], list[Still]],
) -> Touch:
    """A thing to tap, painted at rest and under the finger."""
    return Touch(
        rect=rect,
        action=choice.action,
        enabled=choice.enabled,
        still=tuple(paint(palette)),
        pressed=tuple(paint(replace(palette, fill=palette.pressed))),
    )


def _ground(draft: Draft, rect: Rect, palette: Palette, *, thick: bool = False) -> Box:
    return Box(
        rect=rect,
        fill=palette.fill,
        edge=palette.edge,
        edge_px=draft.panel.px(EDGE_MM * (2.2 if thick else 1)),
        radius_px=draft.panel.px(RADIUS_MM),
    )


def card(
    draft: Draft, choice: Choice, width_px: int, *, grow_mm: float = 0.0, grand: bool = False
) -> Block:
    """One answer of a list: icon on a disc, label, detail, chevron. `grand` where there are few."""
    palette = CARDS[choice.tone] if choice.enabled else QUIET_CARD
    if choice.selected:
        palette = replace(palette, edge=colours.TEAL, fill=colours.TEAL_TINT)
    pad_x, pad_y = draft.px(6), draft.px(3.2)
    icon = None if draft.terse else choice.icon
    mark = draft.px(24 if grand else 17) if icon else 0
    between = draft.px(5.5) if icon else 0
    tail = draft.panel.px(8) if choice.enabled else 0
    text_width = width_px - 2 * pad_x - mark - between - (tail + draft.px(3) if tail else 0)
    styles = (typeface.ANSWER, typeface.BODY) if grand else (typeface.LABEL, typeface.DETAIL)
    label = draft.set(choice.label.text, styles[0], text_width)
    if choice.icon and draft.is_under_floor(label):
        without = replace(choice, icon=None)  # words go before pictures
        return card(draft, without, width_px, grow_mm=grow_mm, grand=grand)
    words = choice.detail if not draft.terse or not choice.enabled else None
    detail = draft.set(words.text, styles[1], text_width) if words else None
    gap = draft.px(0.8) if detail else 0
    text_height = label.height_px + gap + (detail.height_px if detail else 0)

    def draw(rect: Rect) -> list[Element]:
        middle = rect.y + rect.height // 2
        left = rect.x + pad_x

        def paint(look: Palette) -> list[Still]:
            still: list[Still] = [_ground(draft, rect, look, thick=choice.selected)]
            if icon:
                place = Rect(left, middle - mark // 2, mark, mark)
                still += disc(place, icon, look.mark, look.mark_ground)
            text_left, top = left + mark + between, middle - text_height // 2
            box = Rect(text_left, top, text_width, label.height_px)
            still.append(Text(rect=box, text=label, colour=look.ink))
            if detail:
                box = Rect(text_left, box.bottom + gap, text_width, detail.height_px)
                still.append(Text(rect=box, text=detail, colour=look.soft))
            if tail:
                arrow = Icon.CHECK if choice.selected else Icon.NEXT
                place = Rect(rect.right - pad_x - tail, middle - tail // 2, tail, tail)
                colour = look.ink if look.ink == colours.SURFACE else colours.TEAL
                still.append(Glyph(rect=place, icon=arrow, colour=colour))
            return still

        return [touch(rect, choice, palette, paint)]

    least = max(draft.fixed(TARGET_MM), text_height + 2 * pad_y, mark + 2 * pad_y)
    return Block(height_px=least, grow_px=draft.px(grow_mm) if grow_mm else 0, draw=draw)


def command(
    draft: Draft,
    choice: Choice,
    width_px: int,
    *,
    primary: bool = False,
    style: Style = typeface.LABEL,
    least_mm: float = TARGET_MM,
) -> Block:
    """A button with its words in the middle, the icon before them."""
    tone = Tone.PRIMARY if primary and choice.tone is Tone.PLAIN else choice.tone
    palette = CARDS[tone] if choice.enabled else QUIET_CARD
    if tone is Tone.PLAIN and choice.enabled:
        palette = replace(palette, ink=colours.TEAL)
    if choice.selected:
        palette = replace(palette, edge=colours.TEAL, fill=colours.TEAL_TINT)
    if draft.terse:
        choice = replace(choice, icon=None)
    pad_x, pad_y = draft.px(3.2), draft.px(2)
    mark = draft.px(8.5) if choice.icon else 0
    between = draft.px(2.8) if choice.icon else 0
    text_width = width_px - 2 * pad_x - mark - between
    label = draft.set(choice.label.text, style, text_width)
    if choice.icon and draft.is_under_floor(label):
        without = replace(choice, icon=None)  # words go before pictures
        return command(draft, without, width_px, primary=primary, style=style, least_mm=least_mm)
    detail = draft.set(choice.detail.text, typeface.DETAIL, text_width) if choice.detail else None
    text_height = label.height_px + (detail.height_px if detail else 0)
    block_width = max(label.width_px, detail.width_px if detail else 0)

    def draw(rect: Rect) -> list[Element]:
        def paint(look: Palette) -> list[Still]:
            still: list[Still] = [_ground(draft, rect, look, thick=choice.selected)]
            group = rect.middle(mark + between + block_width, text_height)
            icon_x, words_x = group.x, group.x + mark + between
            if choice.icon is Icon.NEXT:  # an arrow on points away from its words
                icon_x, words_x = group.right - mark, group.x
            if choice.icon:
                place = Rect(icon_x, rect.y + (rect.height - mark) // 2, mark, mark)
                still.append(Glyph(rect=place, icon=choice.icon, colour=look.ink))
            align: Align = "left" if choice.icon else "centre"
            box = Rect(words_x, group.y, block_width, label.height_px)
            still.append(Text(rect=box, text=label, colour=look.ink, align=align))
            if detail:
                box = Rect(box.x, box.bottom, block_width, detail.height_px)
                ink = look.soft if tone is Tone.PLAIN else look.ink
                still.append(Text(rect=box, text=detail, colour=ink, align=align))
            return still

        return [touch(rect, choice, palette, paint)]

    least = PRIMARY_MM[1] if tone is Tone.PRIMARY else least_mm
    return Block(height_px=max(draft.fixed(least), text_height + 2 * pad_y), draw=draw)


def get_command_widths_px(draft: Draft, choice: Choice, style: Style) -> tuple[int, int]:
    """(least, natural): with its words under each other, and on one line."""
    around = (draft.px(8.5) + draft.px(2.8) if choice.icon else 0) + 2 * draft.px(3.2)
    whole = draft.panel.width_px
    words = [draft.set(word, style, whole).width_px for word in choice.label.text.split()]
    natural = draft.set(choice.label.text, style, whole).width_px + around + 2 * draft.px(2)
    return max(words, default=0) + around + 1, natural


def key(draft: Draft, words: str, action: Action, *, style: Style = typeface.DIGIT) -> Block:
    """One key of a keypad; grows with the pad. Laid out when its width is known."""
    choice = Choice(action=action, label=Phrase(key="", text=words))

    def draw(rect: Rect) -> list[Element]:
        text = draft.set(words, style, rect.width - 2 * draft.px(2), max_lines=1)

        def paint(look: Palette) -> list[Still]:
            return [_ground(draft, rect, look), place_text(text, rect, look.ink, "centre")]

        return [touch(rect, choice, CARDS[Tone.PLAIN], paint)]

    return Block(height_px=draft.fixed(TARGET_MM), grow_px=draft.px(16), draw=draw)


def strip(
    draft: Draft,
    words: Phrase,
    width_px: int,
    *,
    tone: Tone = Tone.CAUTION,
    icon: Icon = Icon.WARNING,
    before_mm: float = 0.0,
) -> Block:
    """A line of trouble or good news on its tint, with its icon."""
    fill, ink = {
        Tone.GOOD: (colours.GREEN_TINT, colours.GREEN),
        Tone.DANGER: (colours.RED_TINT, colours.RED),
        Tone.CAUTION: (colours.AMBER_TINT, colours.AMBER),
    }.get(tone, (colours.TEAL_TINT, colours.TEAL))
    pad_x, pad_y, mark = draft.px(5), draft.px(3.4), draft.px(9)
    text_left = pad_x + mark + draft.px(4)
    text = draft.set(words.text, typeface.BODY, width_px - text_left - pad_x)

    def draw(rect: Rect) -> list[Element]:
        place = Rect(rect.x + pad_x, rect.y + (rect.height - mark) // 2, mark, mark)
        box = Rect(rect.x + text_left, rect.y, rect.width - text_left - pad_x, rect.height)
        return [
            Box(rect=rect, fill=fill, radius_px=draft.panel.px(RADIUS_MM)),
            Glyph(rect=place, icon=icon, colour=ink),
            place_text(text, box, colours.INK),
        ]

    return Block(
        height_px=max(text.height_px, mark) + 2 * pad_y,
        draw=draw,
        before_px=draft.px(before_mm) if before_mm else 0,
    )


def panel_of(draft: Draft, blocks: Sequence[Block], *, pad_mm: float = 6.0) -> Block:
    """Blocks on a white sheet with a hairline round it; made for `width - 2 · pad`."""
    pad = draft.px(pad_mm)

    def draw(rect: Rect) -> list[Element]:
        sheet = Box(
            rect=rect,
            fill=colours.SURFACE,
            edge=colours.HAIRLINE,
            edge_px=draft.panel.px(0.5),
            radius_px=draft.panel.px(RADIUS_MM * 1.2),
        )
        return [sheet, *stack(blocks, rect.inset(pad), lead=0.5)]

    return Block(
        height_px=get_height(blocks) + 2 * pad,
        grow_px=sum(block.grow_px for block in blocks),
        draw=draw,
    )


def grid(
    draft: Draft,
    choices: Sequence[Choice],
    width_px: int,
    *,
    columns: int,
    grow_mm: float,
    grand: bool = False,
    before_mm: float = 0.0,
) -> Block:
    """Answers in rows, of equal height when there is room."""
    gap = draft.gap(COLUMN_GAP_MM)
    column = (width_px - gap * (columns - 1)) // columns
    cells = [card(draft, choice, column, grow_mm=grow_mm, grand=grand) for choice in choices]
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    least = [max(cell.height_px for cell in row) for row in rows]
    grow = max((cell.grow_px for cell in cells), default=0)

    def draw(rect: Rect) -> list[Element]:
        heights = _level(least, rect.height - gap * (len(rows) - 1))
        elements: list[Element] = []
        y = rect.y
        for row, height in zip(rows, heights, strict=True):
            for across, cell in enumerate(row):
                x = rect.x + across * (column + gap)
                elements += cell.draw(Rect(x, y, column, height))
            y += height + gap
        return elements

    return Block(
        height_px=sum(least) + gap * max(0, len(rows) - 1),
        grow_px=max(least, default=0) * len(rows) - sum(least) + len(rows) * grow,
        draw=draw,
        before_px=draft.gap(before_mm),
    )


def _level(least_px: Sequence[int], whole_px: int) -> list[int]:
    """Heights as equal as they get within `whole_px`, none under its least."""
    level = whole_px // max(1, len(least_px))
    while sum(max(level, least) for least in least_px) > whole_px and level > min(least_px):
        level -= 1
    return [max(level, least) for least in least_px]


def commands(
    draft: Draft, choices: Sequence[Choice], width_px: int, *, before_mm: float = 0.0
) -> list[Block]:
    """The way on across the whole width, the others below it, two to a row where they fit."""
    gap = draft.panel.px(COLUMN_GAP_MM)
    first, rest = choices[:1], list(choices[1:])
    blocks = [command(draft, choice, width_px, primary=True) for choice in first]
    half = (width_px - gap) // 2
    while rest:
        pair = rest[:2]
        if len(pair) == 2 and half >= draft.panel.px(75):
            made = [command(draft, choice, half) for choice in pair]
            blocks.append(beside(made, [half, width_px - gap - half], gap))
            del rest[:2]
        else:
            blocks.append(command(draft, pair[0], width_px))
            del rest[:1]
    first_gap = draft.gap(before_mm)
    return [
        replace(
            block,
            before_px=gap if index else first_gap,
            grow_px=draft.px(6 if index else 9),
        )
        for index, block in enumerate(blocks)
    ]
