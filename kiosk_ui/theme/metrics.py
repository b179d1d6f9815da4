"""Sizes in millimetres of the real panel, never in pixels of an imagined one."""

from __future__ import annotations

from dataclasses import dataclass

LOWERABLE_FROM_MM = 400
TARGET_MM = 20.0
"""Least side of anything touchable."""
PRIMARY_MM = (60.0, 25.0)
"""Least (width, height) of the way on."""
GAP_MM = 3.0
"""Least distance between two touchable things."""
CAP_FLOOR_MM = 4.8
"""Least capital height of normal text (Section 508, 402.4)."""
LARGE_CAP_FLOOR_MM = 7.3
"""Least capital height of large text: 0.7 degrees at 600 mm (EN 301 549, 5.1.4)."""

KNOWN_WIDTHS_MM = {(1080, 1920): 268.0, (1920, 1080): 476.0, (768, 1366): 194.0}
UPRIGHT_MM, WIDE_MM = 268.0, 476.0


def get_width_mm(width_px: int, height_px: int) -> float:
    """Width of the usual panel of this resolution; of the usual panel of its shape otherwise,
    so that a small window on a desk shows the kiosk made smaller.
    """
    usual = WIDE_MM if width_px > height_px else UPRIGHT_MM
    return KNOWN_WIDTHS_MM.get((width_px, height_px), usual)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The glass: its size, and the two ways a person may have asked it to be drawn."""

    width_px: int
    height_px: int
    width_mm: float
    large_text: bool = False
    lowered: bool = False

    @property
    def px_per_mm(self) -> float:
        return self.width_px / self.width_mm

    @property
    def height_mm(self) -> float:
        return self.height_px / self.px_per_mm

    @property
    def landscape(self) -> bool:
        return self.width_px > self.height_px

    @property
    def can_be_lowered(self) -> bool:
        """A lower panel than this is within reach as a whole."""
        return self.height_mm >= LOWERABLE_FROM_MM

    @property
    def is_lowered(self) -> bool:
        return self.lowered and self.can_be_lowered

    @property
    def cap_floor_mm(self) -> float:
        return LARGE_CAP_FLOOR_MM if self.large_text else CAP_FLOOR_MM

    def px(self, length_mm: float) -> int:
        """Whole pixels of a length in millimetres, at least one."""
        return max(1, round(length_mm * self.px_per_mm))

    def mm(self, length_px: float) -> float:
        return length_px / self.px_per_mm
