"""A question with its answers."""

from __future__ import annotations

from dataclasses import replace

from kiosk_ui.presenters.views import Choice, ChoiceView
from kiosk_ui.screens.parts import Parts, Space, headline
from kiosk_ui.theme import colours, typeface
from kiosk_ui.widgets.controls import (
    COLUMN_GAP_MM,
    Draft,
    command,
    grid,
    place_text,
    strip,
)
from kiosk_ui.widgets.scene import Block, Element, Rect, beside

FEW = 4
"""Up to this many answers stand under each other, drawn grand."""


def cut(space: Space, view: ChoiceView) -> Parts:
    tell = headline(space, view.title, view.subtitle)
    if view.problem:
        tell.append(strip(space.draft, view.problem, space.tell_px, before_mm=5))
    width = space.do_px
    columns = view.columns
    few = len(view.choices) <= FEW and columns == 1
    if space.split and (space.wide or not few) and len(view.choices) > 2:
        columns = max(columns, 2)
    do = [
        grid(
            space.draft,
            view.choices,
            width,
            columns=columns,
            grow_mm=30.0 if few else 16.0,
            grand=few and not space.wide,
            before_mm=9,
        )
    ]
    gap = space.draft.panel.px(COLUMN_GAP_MM)
    paged = view.previous_page is not None or view.next_page is not None
    if space.wide and paged and len(view.aside) == 1:
        pager_px = space.do_px * 55 // 100
        widths = [pager_px, space.do_px - gap - pager_px]
        row = [
            pager(space.draft, view.previous_page, view.next_page, view.page, pager_px),
            _aside(space.draft, view.aside[0], widths[1]),
        ]
        do.append(replace(beside(row, widths, gap), before_px=gap))
        return Parts(tell=tell, do=do)
    if paged:
        turn = pager(space.draft, view.previous_page, view.next_page, view.page, space.do_px)
        do.append(replace(turn, before_px=gap))
    do += [
        replace(_aside(space.draft, choice, space.do_px), before_px=gap) for choice in view.aside
    ]
    return Parts(tell=tell, do=do)


def _aside(draft: Draft, choice: Choice, width_px: int) -> Block:
    return command(draft, choice, width_px, style=typeface.SMALL_BOLD)


def pager(
    draft: Draft,
    previous: Choice | None,
    following: Choice | None,
    page: tuple[int, int] | None,
    width_px: int,
) -> Block:
    """Back and forth in a long list, with the page's number between."""
    gap, middle = draft.panel.px(COLUMN_GAP_MM), draft.panel.px(20)
    side = (width_px - middle - 2 * gap) // 2

    def turn(choice: Choice | None) -> Block:
        if choice is None:
            return Block(height_px=0, draw=lambda _: [])
        return command(draft, choice, side, style=typeface.SMALL_BOLD)

    def draw_page(rect: Rect) -> list[Element]:
        if page is None:
            return []
        number = f"{page[0]}/{page[1]}"
        text = draft.set(number, typeface.SMALL_BOLD, rect.width, max_lines=1)
        return [place_text(text, rect, colours.INK_SOFT, "centre")]

    number = Block(height_px=0, draw=draw_page)
    return beside([turn(previous), number, turn(following)], [side, middle, side], gap)
