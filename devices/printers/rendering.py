"""Draws a ticket as black and white dots. Pure: the same document gives the same picture.

Paper of thermal printers: 203 dpi, 8 dots to the millimetre; 576 dots on an 80 mm roll, 384 on a
58 mm one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from devices.fonts import Weight, get_font
from devices.models import VIETNAM, PaperMark, TicketDocument, TicketWords
from devices.printers.marks import stripe
from devices.printers.typesetting import (
    BLACK,
    WHITE,
    Style,
    balanced,
    joined,
    line_mask,
    line_px,
    line_width_px,
    printable,
    qr_picture,
    roomiest,
    to_ink,
    wrapped,
)

_MAX_LENGTH_PX = 6000
"""750 mm: more than the longest ticket that the limits on texts allow."""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Everything that depends on the width of the paper, in dots."""

    width_px: int
    margin_px: int
    gap_px: int
    rule_px: int
    radius_px: int
    cap_height_px: int
    """Height of the capital letter of the number."""
    qr_beside_words: bool
    qr_px: int
    """Room for the code with its quiet zone."""
    hospital: Style
    label: Style
    label_vi: Style
    service: Style
    room: Style
    room_long: Style
    """For names of rooms that take more than two lines otherwise."""
    room_vi: Style
    place: Style
    value: Style
    body: Style
    body_vi: Style
    note: Style
    note_vi: Style
    small: Style


_W = Weight
_LAYOUTS = {
    576: _Layout(
        width_px=576,
        margin_px=16,
        gap_px=18,
        rule_px=3,
        radius_px=14,
        cap_height_px=164,
        qr_beside_words=True,
        qr_px=232,
        hospital=Style(weight=_W.BOLD, size_px=31, max_lines=3),
        label=Style(weight=_W.BOLD, size_px=27, max_lines=1),
        label_vi=Style(weight=_W.MEDIUM, size_px=24, max_lines=1),
        service=Style(weight=_W.SEMI_BOLD, size_px=28, max_lines=3),
        room=Style(weight=_W.EXTRA_BOLD, size_px=58, max_lines=2),
        room_long=Style(weight=_W.EXTRA_BOLD, size_px=40, max_lines=3),
        room_vi=Style(weight=_W.BOLD, size_px=29, max_lines=2),
        place=Style(weight=_W.SEMI_BOLD, size_px=28, max_lines=3),
        value=Style(weight=_W.BOLD, size_px=42, max_lines=2),
        body=Style(weight=_W.SEMI_BOLD, size_px=28, max_lines=7),
        body_vi=Style(weight=_W.MEDIUM, size_px=23, max_lines=7),
        note=Style(weight=_W.BOLD, size_px=27, max_lines=3),
        note_vi=Style(weight=_W.MEDIUM, size_px=23, max_lines=3),
        small=Style(weight=_W.MEDIUM, size_px=22, max_lines=3),
    ),
    384: _Layout(
        width_px=384,
        margin_px=8,
        gap_px=14,
        rule_px=2,
        radius_px=10,
        cap_height_px=112,
        qr_beside_words=False,
        qr_px=232,
        hospital=Style(weight=_W.BOLD, size_px=25, max_lines=4),
        label=Style(weight=_W.BOLD, size_px=22, max_lines=1),
        label_vi=Style(weight=_W.MEDIUM, size_px=20, max_lines=1),
        service=Style(weight=_W.SEMI_BOLD, size_px=23, max_lines=4),
        room=Style(weight=_W.EXTRA_BOLD, size_px=42, max_lines=2),
        room_long=Style(weight=_W.EXTRA_BOLD, size_px=30, max_lines=4),
        room_vi=Style(weight=_W.BOLD, size_px=24, max_lines=3),
        place=Style(weight=_W.SEMI_BOLD, size_px=23, max_lines=4),
        value=Style(weight=_W.BOLD, size_px=34, max_lines=2),
        body=Style(weight=_W.SEMI_BOLD, size_px=24, max_lines=8),
        body_vi=Style(weight=_W.MEDIUM, size_px=21, max_lines=8),
        note=Style(weight=_W.BOLD, size_px=23, max_lines=4),
        note_vi=Style(weight=_W.MEDIUM, size_px=21, max_lines=4),
        small=Style(weight=_W.MEDIUM, size_px=19, max_lines=3),
    ),
}
WIDTHS_PX = tuple(_LAYOUTS)

_MAX_NUMBER_CHARS = 8


def render(document: TicketDocument, *, width_px: int) -> Image.Image:
    """The ticket in mode "1", `width_px` wide and as long as it needs.

    Raises ValueError when `width_px` is none of WIDTHS_PX, FontMissing when the typeface is
    not installed.
    """
    layout = _LAYOUTS.get(width_px)
    if layout is None:
        raise ValueError(f"width {width_px} is none of {WIDTHS_PX}")
    return _Sheet(layout, document).draw()


@dataclass(frozen=True)
class _Phrase:
    """Fixed words of the ticket."""

    vi: str
    en: str


_YOUR_NUMBER = _Phrase("SỐ CỦA BẠN", "YOUR NUMBER")
_WAIT = _Phrase("Chờ khoảng", "Wait about")
_MINUTES = _Phrase("phút", "min")
_NEXT = _Phrase("Tiếp theo", "What next")
_FLOOR = _Phrase("Tầng", "Floor")
_MISSED = _Phrase("Qua lượt? Quét lại phiếu.", "Missed your turn? Scan this ticket.")
_HOTLINE = _Phrase("Hỗ trợ", "Help")


class _Sheet:
    """A roll of paper being drawn from the top down; `_y` is how far it is filled."""

    def __init__(self, layout: _Layout, document: TicketDocument) -> None:
        self._layout = layout
        self._document = document
        self._lang: Literal["vi", "en"] = document.lang
        self._words = _cleaned(document.words)
        both = document.lang != "vi" and document.vi is not None
        self._vi = _cleaned(document.vi) if both and document.vi else TicketWords()
        self._image = Image.new("L", (layout.width_px, _MAX_LENGTH_PX), WHITE)
        self._draw = ImageDraw.Draw(self._image)
        self._y = layout.gap_px

    @property
    def _is_ticket(self) -> bool:
        """A page that tries the printer has no place in a line."""
        return self._document.mark is not PaperMark.TEST

    def draw(self) -> Image.Image:
        layout = self._layout
        self._mark()
        self._hospital()
        self._rule()
        self._number()
        self._destination()
        if layout.qr_beside_words:
            self._words_beside_code()
        else:
            self._words_above_code()
        self._notes()
        self._foot()
        self._mark()
        length = self._y + layout.gap_px
        grey = self._image.crop((0, 0, layout.width_px, length))
        return to_ink(grey)

    def _mark(self) -> None:
        if self._document.mark is not None:
            band = stripe(self._document.mark, width_px=self._layout.width_px)
            self._image.paste(band, (0, self._y + self._layout.gap_px // 2))
            self._y += band.height + self._layout.gap_px * 3 // 2

    def _hospital(self) -> None:
        self._paragraph(printable(self._document.hospital, max_chars=160), self._layout.hospital)
        self._y += self._layout.gap_px // 2

    def _number(self) -> None:
        layout = self._layout
        if self._is_ticket:
            self._centred_pair(_YOUR_NUMBER)
            self._y += layout.gap_px * 2 // 3
        number = "".join(printable(self._document.number, max_chars=_MAX_NUMBER_CHARS).split())
        picture = _number_picture(
            number, layout.cap_height_px, layout.width_px - 2 * layout.margin_px
        )
        self._image.paste(picture, ((layout.width_px - picture.width) // 2, self._y))
        self._y += picture.height + layout.gap_px
        self._paragraph(self._words.service, layout.service)
        self._paragraph(self._words.department, layout.body_vi)
        room = layout.width_px - 2 * layout.margin_px
        if self._vi.service:
            self._y += layout.gap_px // 3
        for text in joined((self._vi.service, self._vi.department), layout.body_vi, room):
            self._paragraph(text, layout.body_vi)
        self._y += layout.gap_px

    def _destination(self) -> None:
        """Where to go: white on black, the second thing the eye finds."""
        layout = self._layout
        inner = layout.width_px - 4 * layout.margin_px
        lines = self._place_lines(
            self._words,
            self._lang,
            roomiest(self._words.room, layout.room, layout.room_long, inner),
            layout.place,
            inner,
        )
        vi_lines = self._place_lines(self._vi, "vi", layout.room_vi, layout.body_vi, inner)
        if self._vi == TicketWords():
            vi_lines = []
        pad = layout.gap_px
        parted = pad if vi_lines else 0
        height = sum(line_px(style) for _, style in lines + vi_lines) + parted
        top, bottom = self._y, self._y + height + 2 * pad
        self._draw.rounded_rectangle(
            (layout.margin_px, top, layout.width_px - layout.margin_px - 1, bottom),
            radius=layout.radius_px,
            fill=BLACK,
        )
        # Lines hold room for tone marks above: some is taken back to look centred.
        self._y = top + pad - layout.gap_px // 2
        for line, style in lines:
            self._line(line, style, x=layout.width_px // 2, anchor="m", fill=WHITE)
        if vi_lines:
            y = self._y + parted
            half = inner // 6
            middle = layout.width_px // 2
            self._draw.rectangle((middle - half, y, middle + half, y + 1), fill=WHITE)
            self._y = y + parted // 2
        for line, style in vi_lines:
            self._line(line, style, x=layout.width_px // 2, anchor="m", fill=WHITE)
        self._y = bottom + int(1.4 * layout.gap_px)

    def _place_lines(
        self,
        words: TicketWords,
        lang: Literal["vi", "en"],
        room: Style,
        place: Style,
        width: int,
    ) -> list[tuple[str, Style]]:
        return [(line, room) for line in balanced(words.room, room, width)] + [
            (line, place)
            for text in joined((self._floor(lang), words.landmark), place, width)
            for line in balanced(text, place, width)
        ]

    def _floor(self, lang: Literal["vi", "en"]) -> str:
        floor = printable(self._document.floor, max_chars=24)
        if not floor or not floor[0].isdigit():
            return floor
        return f"{_said(_FLOOR, lang)} {floor}"

    def _words_beside_code(self) -> None:
        layout = self._layout
        top = self._y
        left = layout.margin_px
        column = layout.width_px - 2 * layout.margin_px
        code = qr_picture(self._document.qr, layout.qr_px)
        bottom = top
        if code is not None:
            # The quiet zone is white already: the code may reach into gap and margin.
            self._image.paste(code, (layout.width_px - code.width, top - layout.gap_px // 2))
            column -= code.width
            bottom = self._code_caption(
                layout.width_px - layout.margin_px - (code.width - 2 * layout.margin_px) // 2,
                top - layout.gap_px // 2 + code.height - layout.gap_px // 2,
                code.width - layout.margin_px,
            )
        self._wait_and_next(left, column)
        self._y = max(self._y, bottom) + layout.gap_px

    def _words_above_code(self) -> None:
        layout = self._layout
        self._wait_and_next(layout.margin_px, layout.width_px - 2 * layout.margin_px)
        code = qr_picture(self._document.qr, layout.qr_px)
        if code is not None:
            self._image.paste(code, ((layout.width_px - code.width) // 2, self._y))
            self._y = self._code_caption(
                layout.width_px // 2,
                self._y + code.height - layout.gap_px // 2,
                layout.width_px - 2 * layout.margin_px,
            )
        self._y += layout.gap_px

    def _code_caption(self, middle: int, top: int, width: int) -> int:
        """Draws what the code is for below it; returns where that ends."""
        if not self._is_ticket:
            return top
        kept, self._y = self._y, top
        for line in balanced(_said(_MISSED, self._lang), self._layout.small, width):
            self._line(line, self._layout.small, x=middle, anchor="m")
        bottom, self._y = self._y, kept
        return bottom

    def _wait_and_next(self, left: int, column: int) -> None:
        layout = self._layout
        if self._document.wait_min is not None:
            low, high = self._document.wait_min
            span = f"{low}" if low == high else f"{low}–{high}"
            self._label(_WAIT, left, column)
            self._column(f"{span} {_said(_MINUTES, self._lang)}", layout.value, left, column)
            self._y += layout.gap_px // 2
        if self._words.next:
            if self._is_ticket:
                self._label(_NEXT, left, column)
            self._column(self._words.next, layout.body, left, column)
            self._column(self._vi.next, layout.body_vi, left, column)
        self._y += layout.gap_px // 2

    def _notes(self) -> None:
        """What staff still have to see to, framed."""
        layout = self._layout
        pad = layout.gap_px * 2 // 3
        mark = layout.note.size_px
        inner = layout.width_px - 2 * layout.margin_px - 3 * pad - mark
        for index, note in enumerate(self._words.notes):
            vi = self._vi.notes[index] if index < len(self._vi.notes) else ""
            lines = [(line, layout.note) for line in balanced(note, layout.note, inner)]
            lines += [(line, layout.note_vi) for line in balanced(vi, layout.note_vi, inner)]
            if not lines:
                continue
            top = self._y
            height = sum(line_px(style) for _, style in lines) + 2 * pad
            self._draw.rounded_rectangle(
                (layout.margin_px, top, layout.width_px - layout.margin_px - 1, top + height),
                radius=layout.radius_px,
                outline=BLACK,
                width=layout.rule_px,
            )
            self._exclamation(layout.margin_px + pad, top + height // 2, mark)
            self._y += pad
            for line, style in lines:
                self._line(line, style, x=layout.margin_px + 2 * pad + mark, anchor="l")
            self._y = top + height + layout.gap_px * 2 // 3

    def _exclamation(self, left: int, middle: int, size: int) -> None:
        self._draw.ellipse(
            (left, middle - size // 2, left + size, middle + size - size // 2), fill=BLACK
        )
        # Drawn, not written: at this size the letter's thin parts run together.
        half, unit = max(1, size // 14), size / 24
        x = left + size // 2
        stroke = (x - half, middle - round(7 * unit), x + half, middle + round(2 * unit))
        dot = (x - half, middle + round(5 * unit), x + half, middle + round(8 * unit))
        self._draw.rectangle(stroke, fill=WHITE)
        self._draw.rectangle(dot, fill=WHITE)

    def _foot(self) -> None:
        layout = self._layout
        self._y += layout.gap_px // 4
        self._rule()
        issued = self._document.issued_at.astimezone(VIETNAM)
        time = f"{issued:%H:%M} · {issued:%d/%m/%Y}"
        hotline = printable(self._document.hotline, max_chars=40)
        hotline = f"{_said(_HOTLINE, self._lang)}: {hotline}" if hotline else ""
        room = layout.width_px - 2 * layout.margin_px
        if line_width_px([time, hotline], layout.small) + 2 * layout.gap_px > room:
            self._paragraph(time, layout.small)
            self._paragraph(hotline, layout.small)
            return
        top = self._y
        self._line(time, layout.small, x=layout.margin_px, anchor="l")
        self._y = top
        self._line(hotline, layout.small, x=layout.width_px - layout.margin_px, anchor="r")

    def _rule(self) -> None:
        layout = self._layout
        right = layout.width_px - layout.margin_px - 1
        self._draw.rectangle(
            (layout.margin_px, self._y, right, self._y + layout.rule_px - 1), fill=BLACK
        )
        self._y += layout.rule_px + layout.gap_px

    def _centred_pair(self, phrase: _Phrase) -> None:
        """The label in the chosen language, the other one lighter beside it."""
        layout = self._layout
        first = _said(phrase, self._lang)
        second = phrase.en if self._lang == "vi" else phrase.vi
        gap = layout.gap_px
        first_px = line_width_px([first], layout.label)
        second_px = line_width_px([second], layout.label_vi)
        left = (layout.width_px - first_px - gap - second_px) / 2
        top = self._y
        self._line(first, layout.label, x=int(left), anchor="l")
        bottom, self._y = self._y, top + layout.label.size_px - layout.label_vi.size_px
        x = int(left + first_px) + gap
        self._line(second, layout.label_vi, x=x, anchor="l")
        self._y = bottom

    def _label(self, phrase: _Phrase, left: int, column: int) -> None:
        both = self._lang != "vi"
        text = f"{phrase.en} / {phrase.vi}" if both else phrase.vi
        self._column(text, self._layout.small, left, column)

    def _paragraph(self, text: str, style: Style) -> None:
        room = self._layout.width_px - 2 * self._layout.margin_px
        for line in balanced(text, style, room):
            self._line(line, style, x=self._layout.width_px // 2, anchor="m")

    def _column(self, text: str, style: Style, left: int, width: int) -> None:
        for line in wrapped(text, style, width):
            self._line(line, style, x=left, anchor="l")

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


def _cleaned(words: TicketWords) -> TicketWords:
    return TicketWords(
        service=printable(words.service, max_chars=120),
        department=printable(words.department, max_chars=80),
        room=printable(words.room, max_chars=80),
        landmark=printable(words.landmark, max_chars=120),
        next=printable(words.next),
        notes=tuple(printable(note, max_chars=160) for note in words.notes),
    )


def _said(phrase: _Phrase, lang: Literal["vi", "en"]) -> str:
    return phrase.vi if lang == "vi" else phrase.en


@lru_cache(maxsize=8)
def _number_size_px(cap_height_px: int) -> int:
    """The size of type whose capitals are at least that high."""
    size = cap_height_px
    while _ink_height(get_font(Weight.BOLD, size), "H") < cap_height_px:
        size += 1
    return size


def _ink_height(font: ImageFont.FreeTypeFont, text: str) -> float:
    _, top, _, bottom = font.getbbox(text)
    return bottom - top


def _number_picture(number: str, cap_height_px: int, room_px: int) -> Image.Image:
    """The number at its full height; a wide one is narrowed, so that it never gets lower."""
    font = get_font(Weight.BOLD, _number_size_px(cap_height_px))
    left, top, right, bottom = font.getbbox(number)
    picture = Image.new("L", (int(right - left) + 1, int(bottom - top) + 1), WHITE)
    ImageDraw.Draw(picture).text((-left, -top), number, font=font, fill=BLACK)
    if picture.width > room_px:
        picture = picture.resize((room_px, picture.height), Image.Resampling.BILINEAR)
    return picture
