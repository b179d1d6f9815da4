"""A laid-out screen as data: what is painted where, and what a touch there means.

Pixels, origin at the top left, y downwards. Nothing here knows Kivy, so that rules such as
"every text fits its box" are tested without a window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kiosk_ui.presenters.views import Action, Icon
from kiosk_ui.theme.colours import Colour
from kiosk_ui.theme.typeface import SetText

Align = Literal["left", "centre", "right"]


@dataclass(frozen=True)
class Rect:
    """Left, top, width, height in whole pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def inset(self, across_px: int, down_px: int | None = None) -> Rect:
        down = across_px if down_px is None else down_px
        return Rect(
            self.x + across_px, self.y + down, self.width - 2 * across_px, self.height - 2 * down
        )

    def has(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom

    def holds(self, other: Rect) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def middle(self, width: int, height: int) -> Rect:
        """A rectangle of this size at the centre."""
        return Rect(
            self.x + (self.width - width) // 2, self.y + (self.height - height) // 2, width, height
        )


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rounded rectangle, perhaps with a rim."""

    rect: Rect
    fill: Colour
    edge: Colour | None = None
    edge_px: int = 0
    radius_px: int = 0


@dataclass(frozen=True, kw_only=True)
class Text:
    """Lines from the top of `rect`, which holds them."""

    rect: Rect
    text: SetText
    colour: Colour
    align: Align = "left"


@dataclass(frozen=True, kw_only=True)
class Glyph:
    """An icon in a square."""

    rect: Rect
    icon: Icon
    colour: Colour


@dataclass(frozen=True, kw_only=True)
class Qr:
    """A QR code on white, as large as whole pixels a module allow."""

    rect: Rect
    data: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The camera's live picture, cut to the rectangle."""

    rect: Rect
    radius_px: int
    ground: Colour
    guide: Colour
    busy: bool


@dataclass(frozen=True, kw_only=True)
class Spinner:
    """Work is going on; still in reduced motion, where its words must do."""

    rect: Rect
    colour: Colour
    ground: Colour


@dataclass(frozen=True, kw_only=True)
class Ring:
    """What is left of a time, 1 to 0, as a ring."""

    rect: Rect
    share: float
    colour: Colour
    ground: Colour


Still = Box | Text | Glyph | Qr | Preview | Spinner | Ring


@dataclass(frozen=True, kw_only=True)
class Touch:
    """Something to tap, in its two looks. Not `enabled`: painted, but a tap does nothing."""

    rect: Rect
    action: Action
    still: tuple[Still, ...]
    pressed: tuple[Still, ...]
    enabled: bool = True


Element = Still | Touch


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One frame laid out. `content` slides when the screen changes; chrome and overlay stay."""

    chrome: tuple[Element, ...]
    content: tuple[Element, ...]
    overlay: tuple[Element, ...] = ()

    def find_touch(self, action: Action) -> Touch | None:
        """What to tap for an action, among that which can be tapped now."""
        for element in self.tappable():
            if element.action == action:
                return element
        return None

    def tappable(self) -> Iterator[Touch]:
        """Everything a tap would reach: under an overlay, only the overlay."""
        for element in self.overlay or self.chrome + self.content:
            if isinstance(element, Touch) and element.enabled:
                yield element


@dataclass(frozen=True, kw_only=True)
class Block:
    """Something laid out for a width: its least height, and its drawing in a rectangle."""

    height_px: int
    draw: Callable[[Rect], list[Element]]
    grow_px: int = 0
    """How much taller it may become when there is room."""
    before_px: int = 0
    """Distance from what stands above."""


def get_height(blocks: Sequence[Block]) -> int:
    """Least height of blocks under each other; the distance above the first does not count."""
    return sum(block.height_px for block in blocks) + sum(block.before_px for block in blocks[1:])


def stack(blocks: Sequence[Block], rect: Rect, *, lead: float = 0.0) -> list[Element]:
    """Draws blocks under each other. Room left over makes them grow, then goes `lead` above."""
    spare = max(0, rect.height - get_height(blocks))
    wish = sum(block.grow_px for block in blocks)
    share = min(1.0, spare / wish) if wish else 0.0
    y = rect.y + round((spare - share * wish) * lead)
    elements: list[Element] = []
    for index, block in enumerate(blocks):
        y += block.before_px if index else 0
        height = block.height_px + int(block.grow_px * share)
        elements += block.draw(Rect(rect.x, y, rect.width, height))
        y += height
    return elements


def beside(blocks: Sequence[Block], widths_px: Sequence[int], gap_px: int) -> Block:
    """Blocks next to each other, all as tall as the tallest."""

    def draw(rect: Rect) -> list[Element]:
        elements: list[Element] = []
        x = rect.x
        for block, width in zip(blocks, widths_px, strict=True):
            elements += block.draw(Rect(x, rect.y, width, rect.height))
            x += width + gap_px
        return elements

    return Block(
        height_px=max(block.height_px for block in blocks),
        grow_px=max(block.grow_px for block in blocks),
        draw=draw,
    )
