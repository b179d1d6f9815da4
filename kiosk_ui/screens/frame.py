"""Puts a view between header and footer, and draws in until everything fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kiosk_ui.presenters.views import (
    BillsView,
    CardView,
    ChoiceView,
    Frame,
    KeypadView,
    MessageView,
    PaidView,
    PayView,
    ScanView,
    TicketView,
    View,
)
from kiosk_ui.screens import bills, card, choice, keypad, message, paid, pay, scan, ticket
from kiosk_ui.screens.chrome import (
    TIGHT_MM,
    get_band_px,
    lay_out_chrome,
    practice_bands,
    progress,
)
from kiosk_ui.screens.idle import lay_out_idle
from kiosk_ui.screens.parts import Parts, Space
from kiosk_ui.theme.metrics import Panel
from kiosk_ui.widgets.controls import Draft, draw_in
from kiosk_ui.widgets.scene import Block, Element, Rect, Scene, get_height, stack

TELL_SHARE = 0.42
"""Of a wide panel, the part that tells."""
COLUMN_GAP_MM = 12.0

LOWERED_LEAD = 0.7
"""On a lowered screen what is told stands near what is done."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where telling and doing go; one rectangle when they share a column."""

    tell: Rect
    do: Rect | None


def lay_out(frame: Frame, panel: Panel) -> Scene:
    """Everything on the glass for a frame, on a panel in the modes the frame asks for."""
    panel = replace(panel, large_text=frame.chrome.large_text, lowered=frame.chrome.lowered)
    chrome = lay_out_chrome(frame.chrome, panel)
    places = _places(panel, chrome.free, chrome.reach)
    return Scene(
        chrome=chrome.elements,
        content=tuple(_content(frame, panel, places)),
        overlay=_overlay(frame, panel),
    )


def _overlay(frame: Frame, panel: Panel) -> tuple[Element, ...]:
    """The countdown dims everything but the word that this is practice."""
    if frame.idle is None:
        return ()
    above, below = practice_bands(frame.chrome.practice, panel)
    foot_px = get_band_px(frame.chrome.practice, panel)
    return (*lay_out_idle(frame.idle, panel, foot_px=foot_px), *above, *below)


def _places(panel: Panel, free: Rect, reach: Rect | None) -> Places:
    if reach is not None:
        return Places(tell=free, do=reach)
    if panel.landscape:
        gap = panel.px(COLUMN_GAP_MM)
        left = round((free.width - gap) * TELL_SHARE)
        return Places(
            tell=Rect(free.x, free.y, left, free.height),
            do=Rect(free.x + left + gap, free.y, free.width - left - gap, free.height),
        )
    return Places(tell=free, do=None)


def _content(frame: Frame, panel: Panel, places: Places) -> list[Element]:
    """The progress bar stands where it always stands; what is below draws in until it fits."""
    elements: list[Element] = []
    if frame.chrome.step:
        bar = progress(Draft(panel=panel), *frame.chrome.step)
        elements += bar.draw(places.tell)
        below = bar.height_px + panel.px(3 if panel.width_mm < TIGHT_MM else 6)
        tell = replace(places.tell, y=places.tell.y + below, height=places.tell.height - below)
        places = replace(places, tell=tell)
    if places.do is None:
        column = _settle(frame.view, panel, places, lambda parts: parts.tell + parts.do)
        return elements + stack(column.tell + column.do, places.tell, lead=column.lead)
    told = _settle(frame.view, panel, places, lambda parts: parts.tell, into=places.tell)
    done = _settle(frame.view, panel, places, lambda parts: parts.do, into=places.do)
    elements += stack(told.tell, places.tell, lead=LOWERED_LEAD if panel.is_lowered else told.lead)
    return elements + stack(done.do, places.do, lead=0.0 if panel.is_lowered else 0.5)


def _settle(
    view: View,
    panel: Panel,
    places: Places,
    column: Callable[[Parts], list[Block]],
    into: Rect | None = None,
) -> Parts:
    """The most generous way to draw the view whose column fits its place."""
    limit = (into or places.tell).height
    for draft in draw_in(panel):
        space = Space(
            draft=draft,
            tell_px=places.tell.width,
            do_px=(places.do or places.tell).width,
            split=places.do is not None,
        )
        parts = _cut(space, view)
        if get_height(column(parts)) <= limit:
            break
    return parts


def _cut(space: Space, view: View) -> Parts:
    match view:
        case ChoiceView():
            return choice.cut(space, view)
        case ScanView():
            return scan.cut(space, view)
        case KeypadView():
            return keypad.cut(space, view)
        case CardView():
            return card.cut(space, view)
        case MessageView():
            return message.cut(space, view)
        case TicketView():
            return ticket.cut(space, view)
        case BillsView():
            return bills.cut(space, view)
        case PayView():
            return pay.cut(space, view)
        case PaidView():
            return paid.cut(space, view)
