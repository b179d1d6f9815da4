"""What surrounds every screen: who we are, the time, the language, ways back, help.

The header only tells, the language button aside. What is touched stands at the bottom, where a
person in a wheelchair reaches it; on a lowered screen all of it is within the lower two fifths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kiosk_ui.presenters.views import Choice, Chrome, Icon, Phrase
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.metrics import TARGET_MM, Panel
from kiosk_ui.theme.typeface import SetText
from kiosk_ui.widgets.controls import (
    COLUMN_GAP_MM,
    Draft,
    command,
    get_command_widths_px,
    place_text,
    strip,
)
from kiosk_ui.widgets.scene import Block, Box, Element, Glyph, Rect, Text

LOWERED_SHARE = 0.4
HEADER_PAD_MM = 3.0
HELP_MM = 25.0
BAND_PAD_MM = 2.5
TIGHT_BAND_PAD_MM = 1.0
LEAST_CALL_MM = 80.0
TIGHT_MM = 220.0
"""A narrower panel shows large text in a bare header: the name and the language."""


@dataclass(frozen=True, kw_only=True)
class Surround:
    """The drawn chrome, what it leaves free, and on a lowered screen the part within reach."""

    elements: tuple[Element, ...]
    free: Rect
    reach: Rect | None = None


def get_margin_px(panel: Panel) -> int:
    return panel.px(16.0 if panel.landscape else panel.width_mm * 0.05)


def lay_out_chrome(chrome: Chrome, panel: Panel) -> Surround:
    draft = Draft(panel=panel)
    margin, gap = get_margin_px(panel), panel.px(COLUMN_GAP_MM)
    inner = panel.width_px - 2 * margin
    in_header = () if panel.is_lowered else (chrome.other_language,)
    band = get_band_px(chrome.practice, panel)
    elements, top = _header(draft, chrome, margin, in_header, band)
    for edge in practice_bands(chrome.practice, panel):
        elements += edge
    floor = panel.height_px - band - panel.px(4)
    if chrome.notice:
        note = strip(draft, chrome.notice, inner)
        place = Rect(margin, top + gap, inner, note.height_px)
        elements += note.draw(place)
        top = place.bottom
    if panel.is_lowered:
        limit = panel.height_px - int(panel.height_px * LOWERED_SHARE)
        tools, foot = (_row(draft, seats, inner) for seats in _rows_lowered(chrome))
        foot_top = floor - foot.height_px
        elements += foot.draw(Rect(margin, foot_top, inner, foot.height_px))
        elements += tools.draw(Rect(margin, limit, inner, tools.height_px))
        reach_top = limit + tools.height_px + gap
        return Surround(
            elements=tuple(elements),
            free=_between(panel, top, limit, margin),
            reach=Rect(margin, reach_top, inner, foot_top - gap - reach_top),
        )
    rows = [_row(draft, seats, inner) for seats in _rows(chrome, panel)]
    bottom = floor
    for row in reversed(rows):
        place = Rect(margin, bottom - row.height_px, inner, row.height_px)
        elements += row.draw(place)
        bottom = place.y - gap
    return Surround(elements=tuple(elements), free=_between(panel, top, bottom + gap, margin))


def _between(panel: Panel, top_px: int, bottom_px: int, margin_px: int) -> Rect:
    above, below = (
        (panel.px(5), panel.px(4)) if panel.width_mm < TIGHT_MM else (panel.px(8), panel.px(6))
    )
    return Rect(
        margin_px,
        top_px + above,
        panel.width_px - 2 * margin_px,
        bottom_px - top_px - above - below,
    )


def practice_bands(words: Phrase | None, panel: Panel) -> tuple[list[Element], list[Element]]:
    """Along the top edge and along the bottom edge; empty where work is real."""
    if words is None:
        return [], []
    text = _practice_text(words, panel)
    height = get_band_px(words, panel)

    def band(top_px: int) -> list[Element]:
        place = Rect(0, top_px, panel.width_px, height)
        return [
            Box(rect=place, fill=colours.AMBER),
            place_text(text, place, colours.SURFACE, "centre"),
        ]

    return band(0), band(panel.height_px - height)


def _practice_text(words: Phrase, panel: Panel) -> SetText:
    room = panel.width_px - panel.px(8)
    return Draft(panel=panel).set(words.text, typeface.SMALL_BOLD, room, max_lines=1)


def get_band_px(words: Phrase | None, panel: Panel) -> int:
    """Height of each of the two bands."""
    if words is None:
        return 0
    tight = panel.width_mm < TIGHT_MM or panel.is_lowered
    pad_mm = TIGHT_BAND_PAD_MM if tight else BAND_PAD_MM
    return _practice_text(words, panel).height_px + panel.px(pad_mm)


def _header(
    draft: Draft, chrome: Chrome, margin_px: int, buttons: Sequence[Choice], top_px: int
) -> tuple[list[Element], int]:
    """Mark, facility, place and hotline on the left; clock and language on the right."""
    panel = draft.panel
    pad, gap, mark = panel.px(HEADER_PAD_MM), panel.px(4), panel.px(14)
    button_px = max(
        (get_command_widths_px(draft, button, typeface.SMALL_BOLD)[1] for button in buttons),
        default=0,
    )
    blocks = [command(draft, b, button_px, style=typeface.SMALL_BOLD) for b in buttons]
    right = panel.width_px - margin_px - len(blocks) * (button_px + gap)
    bare = panel.large_text and panel.width_mm < TIGHT_MM
    clock = draft.set(chrome.clock, typeface.SMALL_BOLD, right, max_lines=1)
    clock_left = right - (0 if bare else clock.width_px + (gap if blocks else 0))
    names_left = margin_px + (0 if bare else mark + gap)
    names_px = clock_left - gap - names_left
    facility = draft.set(chrome.facility.text, typeface.SMALL_BOLD, names_px)
    below = [] if bare else [_about(draft, chrome, names_px)]
    names_height = facility.height_px + sum(text.height_px for text in below)
    height = max([names_height, mark, *(b.height_px for b in blocks)]) + 2 * pad
    elements: list[Element] = [
        Box(rect=Rect(0, top_px, panel.width_px, height), fill=colours.SURFACE),
        Box(rect=Rect(0, top_px + height, panel.width_px, panel.px(0.5)), fill=colours.HAIRLINE),
    ]
    names_top = top_px + (height - names_height) // 2
    name = Rect(names_left, names_top, names_px, facility.height_px)
    elements.append(Text(rect=name, text=facility, colour=colours.INK))
    for text in below:
        under = Rect(names_left, name.bottom, names_px, text.height_px)
        elements.append(Text(rect=under, text=text, colour=colours.INK_SOFT))
    if not bare:
        logo = Rect(margin_px, top_px + (height - mark) // 2, mark, mark)
        inner = logo.middle(mark * 6 // 10, mark * 6 // 10)
        clock_place = Rect(clock_left, top_px, clock.width_px, height)
        elements += [
            Box(rect=logo, fill=colours.TEAL, radius_px=panel.px(3)),
            Glyph(rect=inner, icon=Icon.HEART, colour=colours.SURFACE),
            place_text(clock, clock_place, colours.INK),
        ]
    x = right + gap
    for block in blocks:
        elements += block.draw(Rect(x, top_px + pad, button_px, height - 2 * pad))
        x += button_px + gap
    return elements, top_px + height + panel.px(0.5)


def _about(draft: Draft, chrome: Chrome, width_px: int) -> SetText:
    """Where this kiosk stands and whom to ring; only the latter when both are too long."""
    place = chrome.place.text if chrome.place else ""
    both = " · ".join(filter(None, [place, chrome.hotline]))
    text = draft.set(both, typeface.SMALL, width_px)
    return text if len(text.lines) == 1 else draft.set(chrome.hotline, typeface.SMALL, width_px)


@dataclass(frozen=True, kw_only=True)
class _Seat:
    """A button of a row, or an empty place. `calls`: one of the two that bring a person."""

    choice: Choice | None = None
    calls: bool = False


def _ways_back(chrome: Chrome) -> list[_Seat]:
    return [_Seat(choice=choice) for choice in (chrome.back, chrome.restart) if choice]


def _calls(chrome: Chrome) -> list[_Seat]:
    """Help and emergency. Signs of an emergency are named where there is room to read them."""
    calls = [chrome.help, chrome.emergency]
    if chrome.large_text or chrome.lowered:
        calls = [replace(call, detail=None) for call in calls]
    return [_Seat(choice=call, calls=True) for call in calls]


def _rows_lowered(chrome: Chrome) -> tuple[list[_Seat], list[_Seat]]:
    """Above the answers and below them. To raise it again one button is enough: all is in reach."""
    low = _Seat(choice=chrome.toggle_lowered)
    shown = [_Seat(choice=chrome.toggle_large_text), _Seat(choice=chrome.other_language)]
    return [*_ways_back(chrome), _Seat(), *shown], [low, *_calls(chrome)]


def _rows(chrome: Chrome, panel: Panel) -> list[list[_Seat]]:
    """From the top: the ways back, the calls, how the screen is shown."""
    large = _Seat(choice=chrome.toggle_large_text)
    back = _ways_back(chrome)
    if panel.landscape:
        return [[*back, *([] if back else [_Seat()]), large, *_calls(chrome)]]
    if not panel.can_be_lowered:
        return [[*back, _Seat(), large], _calls(chrome)]
    low = _Seat(choice=chrome.toggle_lowered)
    shown = [low, large, _Seat(), low]
    return [*([[*back, _Seat()]] if back else []), _calls(chrome), shown]


def _fixed_widths(draft: Draft, seats: Sequence[_Seat], room_px: int) -> tuple[list[int], int]:
    """Widths of the buttons that share nothing, 0 for the others: as wide as their words, or
    between that and their widest word when there is less room. With them, what they wanted.
    """
    bounds = [
        get_command_widths_px(draft, seat.choice, typeface.SMALL_BOLD)
        if seat.choice and not seat.calls
        else (0, 0)
        for seat in seats
    ]
    least, natural = (sum(column) for column in zip(*bounds, strict=True))
    share = 1.0 if natural <= room_px else max(0.0, (room_px - least) / max(1, natural - least))
    return [int(low + (high - low) * share) for low, high in bounds], natural


def _row(draft: Draft, seats: Sequence[_Seat], width_px: int) -> Block:
    """Buttons side by side, as wide as their words; calls and empty places share what is left."""
    gap = draft.panel.px(COLUMN_GAP_MM)
    room = width_px - gap * (len(seats) - 1)
    sharing = [seat for seat in seats if seat.choice is None or seat.calls]
    room -= sum(draft.fixed(LEAST_CALL_MM) for seat in sharing if seat.calls)
    fixed, natural_px = _fixed_widths(draft, seats, room)
    if natural_px > room:  # words go before pictures
        seats = [
            replace(seat, choice=replace(seat.choice, icon=None))
            if seat.choice and not seat.calls
            else seat
            for seat in seats
        ]
        fixed, _ = _fixed_widths(draft, seats, room)
    left = width_px - gap * (len(seats) - 1) - sum(fixed)
    widths = [width or left // len(sharing) for width in fixed]
    blocks = [
        command(
            draft,
            seat.choice,
            width,
            style=typeface.CALL if seat.calls else typeface.SMALL_BOLD,
            least_mm=HELP_MM if seat.calls else TARGET_MM,
        )
        if seat.choice
        else None
        for seat, width in zip(seats, widths, strict=True)
    ]

    def draw(rect: Rect) -> list[Element]:
        elements: list[Element] = []
        x = rect.x
        for block, width in zip(blocks, widths, strict=True):
            if block:
                elements += block.draw(Rect(x, rect.y, width, rect.height))
            x += width + gap
        return elements

    return Block(height_px=max(b.height_px for b in blocks if b), draw=draw)


def progress(draft: Draft, done: int, whole: int) -> Block:
    """How far along: a bar in as many parts as there are steps, and the figures."""
    panel = draft.panel
    text = draft.set(f"{done}/{whole}", typeface.SMALL_BOLD, panel.px(40), max_lines=1)
    thick, gap = panel.px(2.4), panel.px(1.6)

    def draw(rect: Rect) -> list[Element]:
        free = rect.width - text.width_px - panel.px(4)
        part = (free - gap * (whole - 1)) // whole
        top = rect.y + (text.height_px - thick) // 2
        elements: list[Element] = [
            Box(
                rect=Rect(rect.x + i * (part + gap), top, part, thick),
                fill=colours.TEAL if i < done else colours.HAIRLINE,
                radius_px=thick // 2,
            )
            for i in range(whole)
        ]
        box = Rect(rect.right - text.width_px, rect.y, text.width_px, text.height_px)
        return [*elements, Text(rect=box, text=text, colour=colours.INK_SOFT, align="right")]

    return Block(height_px=text.height_px, draw=draw)
