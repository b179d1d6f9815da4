"""What is due: bills to be taken in or left out, and the total, large."""

from __future__ import annotations

from dataclasses import replace

from kiosk_ui.presenters.views import Bill, BillLine, BillsView, Choice, Icon
from kiosk_ui.screens.choice import pager
from kiosk_ui.screens.parts import Parts, Space, headline
from kiosk_ui.theme import colours, typeface
from kiosk_ui.theme.colours import CARDS, Palette
from kiosk_ui.theme.metrics import TARGET_MM
from kiosk_ui.theme.typeface import SetText
from kiosk_ui.widgets.controls import (
    COLUMN_GAP_MM,
    EDGE_MM,
    RADIUS_MM,
    Draft,
    command,
    commands,
    place_text,
    strip,
    touch,
)
from kiosk_ui.widgets.scene import Block, Box, Element, Glyph, Rect, Still, Text, beside

PAD_MM = 5.0
TICK_MM = 12.0
MOST_LINES_BESIDE = 2
"""A title that takes more beside its amount has the amount below."""


def cut(space: Space, view: BillsView) -> Parts:
    draft = space.draft
    tell = headline(space, view.title, view.subtitle)
    if view.problem:
        tell.append(strip(draft, view.problem, space.tell_px, before_mm=4))
    if space.wide:
        return _cut_wide(space, view, tell)
    gap = draft.gap(COLUMN_GAP_MM)
    do = [
        replace(_bill(draft, bill, space.do_px), before_px=gap if index else draft.px(7))
        for index, bill in enumerate(view.bills)
    ]
    if view.previous_page or view.next_page:
        turn = pager(draft, view.previous_page, view.next_page, view.page, space.do_px)
        do.append(replace(turn, before_px=gap))
    total = _total(draft, view, space.tell_px if space.split else space.do_px)
    (tell if space.split else do).append(replace(total, before_px=draft.px(6)))
    do += _ways(draft, view, space.do_px)
    return Parts(tell=tell, do=do)


def _cut_wide(space: Space, view: BillsView, tell: list[Block]) -> Parts:
    """Within reach only what is touched, two beside each other; what it is made of stands above."""
    draft, gap = space.draft, space.draft.panel.px(COLUMN_GAP_MM)
    if not draft.terse and any(bill.lines for bill in view.bills):
        tell.append(replace(_told_lines(draft, view.bills, space.tell_px), before_px=draft.px(6)))
    tell.append(replace(_total(draft, view, space.tell_px), before_px=draft.px(6)))
    half = (space.do_px - gap) // 2
    bare = [replace(bill, lines=(), rest=None) for bill in view.bills]
    made = [_bill(draft, bill, half if len(bare) > 1 else space.do_px) for bill in bare]
    do = [
        replace(
            beside(made[at : at + 2], [half] * len(made[at : at + 2]), gap)
            if len(made) > 1
            else made[0],
            before_px=gap,
        )
        for at in range(0, len(made), 2)
    ]
    if view.previous_page or view.next_page:
        turn = pager(draft, view.previous_page, view.next_page, view.page, space.do_px)
        do.append(replace(turn, before_px=gap))
    first, *others = view.choices
    quiet = [command(draft, choice, half, style=typeface.SMALL_BOLD) for choice in others[:2]]
    if len(quiet) == 1:
        on = command(draft, first, half, primary=True)
        do.append(replace(beside([quiet[0], on], [half, half], gap), before_px=gap))
        return Parts(tell=tell, do=do)
    do.append(replace(command(draft, first, space.do_px, primary=True), before_px=gap))
    if quiet:
        do.append(replace(beside(quiet, [half, half], gap), before_px=gap))
    do += [
        replace(command(draft, choice, space.do_px, style=typeface.SMALL_BOLD), before_px=gap)
        for choice in others[2:]
    ]
    return Parts(tell=tell, do=do)


def _told_lines(draft: Draft, bills: tuple[Bill, ...], width_px: int) -> Block:
    """What the bills of this page are made of, on a sheet."""
    pad = draft.px(PAD_MM)
    inner = width_px - 2 * pad
    lines = [_line(draft, line, inner) for bill in bills for line in bill.lines]

    def draw(rect: Rect) -> list[Element]:
        sheet = Box(
            rect=rect,
            fill=colours.SURFACE,
            edge=colours.HAIRLINE,
            edge_px=draft.panel.px(0.5),
            radius_px=draft.panel.px(RADIUS_MM),
        )
        elements: list[Element] = [sheet]
        y = rect.y + pad
        for line in lines:
            elements += line.draw_still(Rect(rect.x + pad, y, inner, line.height_px))
            y += line.height_px
        return elements

    return Block(height_px=sum(line.height_px for line in lines) + 2 * pad, draw=draw)


def _ways(draft: Draft, view: BillsView, width_px: int) -> list[Block]:
    """The way on by itself, the quieter ones beside each other."""
    first, *others = view.choices
    blocks = commands(draft, (first,), width_px, before_mm=6)
    gap = draft.panel.px(COLUMN_GAP_MM)
    half = (width_px - gap) // 2
    if len(others) == 2 and all(_fits(draft, choice, half) for choice in others):
        row = [command(draft, choice, half, style=typeface.SMALL_BOLD) for choice in others]
        return [*blocks, replace(beside(row, [half, half], gap), before_px=gap)]
    return blocks + [
        replace(command(draft, choice, width_px, style=typeface.SMALL_BOLD), before_px=gap)
        for choice in others
    ]


def _fits(draft: Draft, choice: Choice, width_px: int) -> bool:
    """On one line, in letters as large as they have to be."""
    words = draft.set(choice.label.text, typeface.SMALL_BOLD, width_px - 2 * draft.px(3.2))
    return len(words.lines) == 1 and not draft.is_under_floor(words)


def _total(draft: Draft, view: BillsView, width_px: int) -> Block:
    """The one figure that counts, on a tint of its own."""
    pad = draft.px(PAD_MM)
    amount = draft.set(view.total.text, typeface.PLACE, width_px - 2 * pad, max_lines=1)
    beside_px = width_px - 2 * pad - amount.width_px - draft.px(4)
    label = draft.set(view.total_label.text, typeface.LABEL, width_px - 2 * pad)
    stacked = label.width_px > beside_px or len(label.lines) > 1
    height = (
        label.height_px + amount.height_px if stacked else max(label.height_px, amount.height_px)
    )

    def draw(rect: Rect) -> list[Element]:
        inner = rect.inset(pad)
        ground = Box(rect=rect, fill=colours.TEAL_TINT, radius_px=draft.panel.px(RADIUS_MM))
        if stacked:
            top = Rect(inner.x, inner.y, inner.width, label.height_px)
            foot = Rect(inner.x, top.bottom, inner.width, amount.height_px)
            return [
                ground,
                Text(rect=top, text=label, colour=colours.INK),
                Text(rect=foot, text=amount, colour=colours.TEAL_DARK),
            ]
        left = replace(inner, width=label.width_px)
        right = Rect(inner.right - amount.width_px, inner.y, amount.width_px, inner.height)
        return [
            ground,
            place_text(label, left, colours.INK),
            place_text(amount, right, colours.TEAL_DARK, "right"),
        ]

    return Block(height_px=height + 2 * pad, draw=draw)


def _bill(draft: Draft, bill: Bill, width_px: int) -> Block:
    """A tick, what it is, how much; below it what it is made of."""
    palette = CARDS[bill.toggle.tone]
    if bill.toggle.selected:
        palette = replace(palette, edge=colours.TEAL)
    else:
        palette = replace(palette, fill=colours.PAPER)
    pad_x, pad_y = draft.px(PAD_MM), draft.px(3.4)
    tick, between = draft.px(TICK_MM), draft.px(4.5)
    left = pad_x + tick + between
    room = width_px - left - pad_x
    amount = draft.set(bill.amount, typeface.VALUE, room, max_lines=1)
    title = draft.set(bill.toggle.label.text, typeface.VALUE, room - amount.width_px - draft.px(4))
    below = len(title.lines) > MOST_LINES_BESIDE or draft.is_under_floor(title)
    if below:
        title = draft.set(bill.toggle.label.text, typeface.VALUE, room)
    top_px = title.height_px + amount.height_px if below else max(title.height_px, amount.height_px)
    lines = [] if draft.terse else [_line(draft, line, room) for line in bill.lines]
    rest = (
        draft.set(bill.rest.text, typeface.DETAIL, room) if bill.rest and not draft.terse else None
    )
    head = max(top_px, tick)
    height = (
        head
        + sum(line.height_px for line in lines)
        + (rest.height_px if rest else 0)
        + (draft.px(1.5) if lines else 0)
    )

    def draw(rect: Rect) -> list[Element]:
        top = rect.y + (rect.height - height) // 2

        def paint(look: Palette) -> list[Still]:
            still: list[Still] = [
                Box(
                    rect=rect,
                    fill=look.fill,
                    edge=look.edge,
                    edge_px=draft.panel.px(EDGE_MM * (2.2 if bill.toggle.selected else 1)),
                    radius_px=draft.panel.px(RADIUS_MM),
                )
            ]
            row = Rect(rect.x + left, top, room, head)
            still += _tick(draft, Rect(rect.x + pad_x, top + (head - tick) // 2, tick, tick), bill)
            right = row.right - amount.width_px
            if below:
                over = replace(row, height=head - amount.height_px)
                foot = Rect(right, over.bottom, amount.width_px, amount.height_px)
            else:
                over = replace(row, width=room - amount.width_px - draft.px(4))
                foot = Rect(right, row.y, amount.width_px, head)
            still.append(place_text(title, over, look.ink))
            still.append(place_text(amount, foot, look.ink, "right"))
            y = row.bottom + (draft.px(1.5) if lines else 0)
            for line in lines:
                place = Rect(row.x, y, room, line.height_px)
                still += line.draw_still(place)
                y = place.bottom
            if rest:
                box = Rect(row.x, y, room, rest.height_px)
                still.append(Text(rect=box, text=rest, colour=look.soft))
            return still

        return [touch(rect, bill.toggle, palette, paint)]

    least = max(draft.fixed(TARGET_MM), height + 2 * pad_y)
    return Block(height_px=least, grow_px=draft.px(8), draw=draw)


def _tick(draft: Draft, rect: Rect, bill: Bill) -> list[Still]:
    """A full round tick, or an empty ring to be filled."""
    if bill.toggle.selected:
        inner = round(rect.width * 0.62)
        return [
            Box(rect=rect, fill=colours.TEAL, radius_px=rect.width // 2),
            Glyph(rect=rect.middle(inner, inner), icon=Icon.CHECK, colour=colours.SURFACE),
        ]
    return [
        Box(
            rect=rect,
            fill=colours.SURFACE,
            edge=colours.EDGE,
            edge_px=draft.panel.px(1.0),
            radius_px=rect.width // 2,
        )
    ]


class _Line:
    """One thing of a bill, with what the insurance pays of it under it."""

    def __init__(self, what: SetText, amount: SetText, more: SetText | None, gap_px: int) -> None:
        self._what, self._amount, self._more, self._gap_px = what, amount, more, gap_px
        self.height_px = what.height_px + (more.height_px if more else 0) + gap_px

    def draw_still(self, rect: Rect) -> list[Still]:
        top = rect.y + self._gap_px
        left, width = rect.right - self._amount.width_px, self._what.width_px
        what = Rect(rect.x, top, width, self._what.height_px)
        amount = Rect(left, top, self._amount.width_px, self._amount.height_px)
        still: list[Still] = [
            Text(rect=what, text=self._what, colour=colours.INK_SOFT),
            Text(rect=amount, text=self._amount, colour=colours.INK_SOFT, align="right"),
        ]
        if self._more:
            below = Rect(rect.x, what.bottom, self._more.width_px, self._more.height_px)
            still.append(Text(rect=below, text=self._more, colour=colours.GREEN))
        return still


def _line(draft: Draft, line: BillLine, width_px: int) -> _Line:
    amount = draft.set(line.amount, typeface.DETAIL, width_px, max_lines=1)
    room = width_px - amount.width_px - draft.px(4)
    what = draft.set(line.what.text, typeface.DETAIL, room)
    more = draft.set(line.more.text, typeface.DETAIL, width_px) if line.more else None
    return _Line(what, amount, more, draft.px(1))
