"""The stripe over and under a paper that is none: practice, or a test of the printer."""

from __future__ import annotations

from PIL import Image

from devices.fonts import Weight
from devices.models import PaperMark
from devices.printers.typesetting import BLACK, WHITE, Style, balanced, line_mask, line_px

_WORDS = {
    PaperMark.PRACTICE: ("LUYỆN TẬP – KHÔNG PHẢI THẬT", "PRACTICE – NOT REAL"),
    PaperMark.TEST: ("IN THỬ – KHÔNG PHẢI PHIẾU KHÁM", "TEST PRINT – NOT A TICKET"),
}
_PAD_PX = 10


def stripe(mark: PaperMark, *, width_px: int) -> Image.Image:
    """White words on black across the whole paper, in both languages whatever the paper's."""
    wide = width_px >= 576
    styles = (
        Style(weight=Weight.EXTRA_BOLD, size_px=34 if wide else 25, max_lines=2),
        Style(weight=Weight.BOLD, size_px=26 if wide else 21, max_lines=2),
    )
    lines = [
        (line, style)
        for words, style in zip(_WORDS[mark], styles, strict=True)
        for line in balanced(words, style, width_px - 2 * _PAD_PX)
    ]
    height = sum(line_px(style) for _, style in lines) + 2 * _PAD_PX
    picture = Image.new("L", (width_px, height), BLACK)
    y = _PAD_PX - 2
    for line, style in lines:
        mask = line_mask(line, style)
        picture.paste(WHITE, ((width_px - mask.width) // 2, y), mask)
        y += line_px(style)
    return picture
