"""Draws a receipt as black and white dots. Pure: the same document gives the same picture.

Read from the top: whose it is, what it is, the code it is found by, what was paid, how much in
all, how it was paid, what to know, and the code for the phone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageDraw

from devices.fonts import Weight
from devices.models import VIETNAM, ReceiptDocument, ReceiptLine
from devices.printers.marks import stripe
from devices.printers.typesetting import (
    BLACK,
    WHITE,
    Style,
    balanced,
    line_mask,
    line_px,
    line_width_px,
    printable,
    qr_picture,
    roomiest,
    to_ink,
    wrapped,
)

_MAX_LENGTH_PX = 24_000
"""3 m: more than the longest receipt that the limits on texts allow."""
_CODE_SIGNS = 9
_HOTLINE = {"vi": "Hỗ trợ", "en": "Help"}
_W = Weight


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Everything that depends on the width of the paper, in dots."""

    width_px: int
    margin_px: int
    gap_px: int
    rule_px: int
    radius_px: int
    qr_px: int
    hospital: Style
    title: Style
    vi: Style
    """The same in Vietnamese, below another language."""
    code: Style
    body: Style
    value: Style
    total_label: Style
    total: Style
    total_long: Style
    """For amounts that take more than one line otherwise."""
    note: Style
    small: Style


_LAYOUTS = {
    576: _Layout(
        width_px=576,
        margin_px=16,
        gap_px=18,
        rule_px=3,
        radius_px=14,
        qr_px=232,
        hospital=Style(weight=_W.BOLD, size_px=31, max_lines=3),
        title=Style(weight=_W.EXTRA_BOLD, size_px=42, max_lines=3),
        vi=Style(weight=_W.MEDIUM, size_px=23, max_lines=4),
        code=Style(weight=_W.BOLD, size_px=40, max_lines=3),
        body=Style(weight=_W.SEMI_BOLD, size_px=26, max_lines=5),
        value=Style(weight=_W.BOLD, size_px=28, max_lines=4),
        total_label=Style(weight=_W.BOLD, size_px=28, max_lines=2),
        total=Style(weight=_W.EXTRA_BOLD, size_px=62, max_lines=1),
        total_long=Style(weight=_W.EXTRA_BOLD, size_px=44, max_lines=3),
        note=Style(weight=_W.SEMI_BOLD, size_px=25, max_lines=5),
        small=Style(weight=_W.MEDIUM, size_px=22, max_lines=3),
    ),
    384: _Layout(
        width_px=384,
        margin_px=8,
        gap_px=14,
        rule_px=2,
        radius_px=10,
        qr_px=232,
        hospital=Style(weight=_W.BOLD, size_px=25, max_lines=4),
        title=Style(weight=_W.EXTRA_BOLD, size_px=34, max_lines=3),
        vi=Style(weight=_W.MEDIUM, size_px=20, max_lines=5),
        code=Style(weight=_W.BOLD, size_px=32, max_lines=4),
        body=Style(weight=_W.SEMI_BOLD, size_px=22, max_lines=6),
        value=Style(weight=_W.BOLD, size_px=23, max_lines=4),
        total_label=Style(weight=_W.BOLD, size_px=24, max_lines=2),
        total=Style(weight=_W.EXTRA_BOLD, size_px=46, max_lines=1),
        total_long=Style(weight=_W.EXTRA_BOLD, size_px=32, max_lines=3),
        note=Style(weight=_W.SEMI_BOLD, size_px=22, max_lines=6),
        small=Style(weight=_W.MEDIUM, size_px=19, max_lines=3),
    ),
}
_VALUE_SHARE = 0.62
"""A value wider than this share of the paper stands below its label."""
_NOTHING = ReceiptLine(label="", value="")


def render_receipt(document: ReceiptDocument, *, width_px: int) -> Image.Image:
    """The receipt in mode "1", `width_px` wide and as long as it needs.

    Raises ValueError when `width_px` is the width of no paper, FontMissing when the typeface is
    not installed.
    """
    layout = _LAYOUTS.get(width_px)
    if layout is None:
        raise ValueError(f"width {width_px} is none of {tuple(_LAYOUTS)}")
    return _Sheet(layout, document).draw()


class _Sheet:
    """A roll of paper being drawn from the top down; `_y` is how far it is filled."""

    def __init__(self, layout: _Layout, document: ReceiptDocument) -> None:
        self._layout = layout
        self._document = document
        self._words = document.words
        self._vi = document.vi if document.lang != "vi" else None
        self._left = layout.margin_px
        self._right = layout.width_px - layout.margin_px
        self._image = Image.new("L", (layout.width_px, _MAX_LENGTH_PX), WHITE)
        self._draw = ImageDraw.Draw(self._image)
        self._y = layout.gap_px

    def draw(self) -> Image.Image:
        layout = self._layout
        self._mark()
        self._centred(printable(self._document.hospital, max_chars=160), layout.hospital)
        self._y += layout.gap_px // 2
        self._rule()
        self._head()
        self._pairs(self._words.lines, self._vi.lines if self._vi else ())
        self._total()
        self._pairs(self._words.facts, self._vi.facts if self._vi else ())
        self._notes()
        self._code_for_the_phone()
        self._foot()
        self._mark()
        grey = self._image.crop((0, 0, layout.width_px, self._y + layout.gap_px))
        return to_ink(grey)

    def _mark(self) -> None:
        if self._document.mark is not None:
            band = stripe(self._document.mark, width_px=self._layout.width_px)
            self._image.paste(band, (0, self._y + self._layout.gap_px // 2))
            self._y += band.height + self._layout.gap_px * 3 // 2

    def _head(self) -> None:
        """What this paper is, and the code by which it is found again."""
        layout = self._layout
        self._centred(printable(self._words.title, max_chars=120), layout.title)
        if self._vi:
            self._centred(printable(self._vi.title, max_chars=120), layout.vi)
        self._y += layout.gap_px // 2
        self._centred(_spelled(printable(self._document.code, max_chars=120)), layout.code)
        self._y += layout.gap_px
        self._rule()

    def _pairs(self, lines: tuple[ReceiptLine, ...], vi: tuple[ReceiptLine, ...]) -> None:
        for index, line in enumerate(lines):
            self._pair(line, vi[index] if index < len(vi) else _NOTHING)
        if lines:
            self._y += self._layout.gap_px // 2

    def _pair(self, line: ReceiptLine, vi: ReceiptLine) -> None:
        """The label on the left, its value on the right of the first line."""
        layout, top = self._layout, self._y
        room = self._right - self._left
        value = printable(line.value, max_chars=60)
        value_px = line_width_px(value.split(), layout.value) if value else 0
        beside = value_px <= room * _VALUE_SHARE
        label_px = int(room - value_px - layout.gap_px) if beside and value else room
        label = printable(line.label, max_chars=80)
        labels = [(text, layout.body) for text in wrapped(label, layout.body, label_px)]
        same = printable(vi.label, max_chars=80)
        if same and same != label:
            labels += [(text, layout.vi) for text in wrapped(same, layout.vi, label_px)]
        for text, style in labels:
            self._line(text, style, x=self._left, anchor="l")
        bottom = self._y
        if beside:
            self._y = top
        for text in wrapped(value, layout.value, room):
            self._line(text, layout.value, x=self._right, anchor="r")
        self._y = max(self._y, bottom) + layout.gap_px // 3

    def _total(self) -> None:
        """White on black: the one thing that is looked for."""
        layout, total = self._layout, self._words.total
        inner = self._right - self._left - 2 * layout.gap_px
        lines = [
            (text, layout.total_label)
            for text in balanced(printable(total.label, max_chars=80), layout.total_label, inner)
        ]
        if self._vi and self._vi.total.label != total.label:
            same = printable(self._vi.total.label, max_chars=80)
            lines += [(text, layout.vi) for text in balanced(same, layout.vi, inner)]
        amount = printable(total.value, max_chars=60)
        large = roomiest(amount, layout.total, layout.total_long, inner)
        lines += [(text, large) for text in balanced(amount, large, inner)]
        pad = layout.gap_px
        top = self._y
        bottom = top + sum(line_px(style) for _, style in lines) + 2 * pad
        self._draw.rounded_rectangle(
            (self._left, top, self._right - 1, bottom), radius=layout.radius_px, fill=BLACK
        )
        # Lines hold room for tone marks above: some is taken back to look centred.
        self._y = top + pad - layout.gap_px // 3
        for text, style in lines:
            self._line(text, style, x=layout.width_px // 2, anchor="m", fill=WHITE)
        self._y = bottom + layout.gap_px

    def _notes(self) -> None:
        layout = self._layout
        if not self._words.notes:
            return
        self._rule()
        for index, note in enumerate(self._words.notes):
            for text in wrapped(
                printable(note, max_chars=200), layout.note, self._right - self._left
            ):
                self._line(text, layout.note, x=self._left, anchor="l")
            if self._vi and index < len(self._vi.notes):
                same = printable(self._vi.notes[index], max_chars=200)
                for text in wrapped(same, layout.vi, self._right - self._left):
                    self._line(text, layout.vi, x=self._left, anchor="l")
            self._y += layout.gap_px // 2

    def _code_for_the_phone(self) -> None:
        layout = self._layout
        code = qr_picture(self._document.qr, layout.qr_px)
        if code is None:
            return
        self._image.paste(code, ((layout.width_px - code.width) // 2, self._y))
        self._y += code.height - layout.gap_px // 2
        self._centred(printable(self._words.qr_label, max_chars=120), layout.small)
        if self._vi and self._vi.qr_label != self._words.qr_label:
            self._centred(printable(self._vi.qr_label, max_chars=120), layout.small)
        self._y += layout.gap_px

    def _foot(self) -> None:
        layout = self._layout
        self._rule()
        issued = self._document.issued_at.astimezone(VIETNAM)
        time = f"{issued:%H:%M} · {issued:%d/%m/%Y}"
        hotline = printable(self._document.hotline, max_chars=40)
        hotline = f"{_HOTLINE[self._document.lang]}: {hotline}" if hotline else ""
        room = self._right - self._left
        if line_width_px([time, hotline], layout.small) + 2 * layout.gap_px > room:
            self._centred(time, layout.small)
            self._centred(hotline, layout.small)
            return
        top = self._y
        self._line(time, layout.small, x=self._left, anchor="l")
        self._y = top
        self._line(hotline, layout.small, x=self._right, anchor="r")

    def _rule(self) -> None:
        layout = self._layout
        self._draw.rectangle(
            (self._left, self._y, self._right - 1, self._y + layout.rule_px - 1), fill=BLACK
        )
        self._y += layout.rule_px + layout.gap_px * 2 // 3

    def _centred(self, text: str, style: Style) -> None:
        for line in balanced(text, style, self._right - self._left):
            self._line(line, style, x=self._layout.width_px // 2, anchor="m")

    def _line(
        self,
        text: str,
        style: Style,
        *,
        x: int,
        anchor: Literal["l", "m", "r"],
        fill: int = BLACK,
    ) -> None:
        mask = line_mask(text, style)
        left = x - {"l": 0, "m": mask.width // 2, "r": mask.width}[anchor]
        self._image.paste(fill, (left, self._y), mask)
        self._y += line_px(style)


def _spelled(code: str) -> str:
    """`BM7K2P4QX` → `BM7 K2P 4QX`: three signs are read at a glance, nine are not. The number of
    a ticket stays as it is called.
    """
    if len(code) != _CODE_SIGNS or not code.isalnum():
        return code
    return " ".join(code[at : at + 3] for at in range(0, len(code), 3))
