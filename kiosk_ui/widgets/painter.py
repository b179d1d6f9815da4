"""Turns elements of a scene into Kivy graphics instructions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from kivy.core.text import Label as CoreLabel
from kivy.graphics import (
    BorderImage,
    Color,
    InstructionGroup,
    PopMatrix,
    PushMatrix,
    Rectangle,
    Rotate,
    Translate,
)
from kivy.graphics.texture import Texture

from kiosk_ui.theme import colours, masks
from kiosk_ui.theme.colours import Colour
from kiosk_ui.theme.icons import draw_icon
from kiosk_ui.theme.typeface import DESCENT, get_font_file
from kiosk_ui.widgets.camera_preview import CameraPreview
from kiosk_ui.widgets.qr import make_modules
from kiosk_ui.widgets.scene import (
    Box,
    Element,
    Glyph,
    Preview,
    Qr,
    Rect,
    Ring,
    Spinner,
    Text,
    Touch,
)

RING_THICKNESS = 0.09
SPINNER_SHARE = 0.28


def make_texture(coverage: np.ndarray, *, smooth: bool = False) -> Texture:
    """White with this coverage, to be tinted by a colour."""
    pixels = np.full((*coverage.shape, 4), 255, dtype=np.uint8)
    pixels[..., 3] = coverage
    return _upload(pixels, smooth=smooth)


def _upload(pixels: np.ndarray, *, smooth: bool = False) -> Texture:
    height, width = pixels.shape[:2]
    texture = Texture.create(size=(width, height), colorfmt="rgba")
    texture.blit_buffer(pixels.tobytes(), colorfmt="rgba", bufferfmt="ubyte")
    texture.flip_vertical()
    if not smooth:
        texture.mag_filter = texture.min_filter = "nearest"
    return texture


# Shapes of the theme only: no text of a person is ever kept in a cache.
@lru_cache(maxsize=64)
def _rounded(radius_px: int) -> Texture:
    return make_texture(masks.draw_rounded(radius_px))


@lru_cache(maxsize=64)
def _plate(radius_px: int, edge_px: int, fill: Colour, edge: Colour) -> Texture:
    """Fill and rim in one picture: laid over each other they would be drawn twice."""
    rim = masks.draw_outline(radius_px, edge_px)[..., None] / 255
    pixels = (np.array(edge) * rim + np.array(fill) * (1 - rim)) * 255
    pixels[..., 3] = masks.draw_rounded(radius_px)
    return _upload(pixels.round().astype(np.uint8))


@lru_cache(maxsize=8)
def _corners(radius_px: int) -> Texture:
    return make_texture(masks.draw_corners(radius_px))


@lru_cache(maxsize=32)
def _ring(size_px: int, thick_px: int, share: float) -> Texture:
    return make_texture(masks.draw_ring(size_px, thick_px, share), smooth=True)


@lru_cache(maxsize=128)
def _icon(icon: str, size_px: int) -> Texture:
    return make_texture(draw_icon(icon, size_px))


class Painter:
    """Paints elements into a group, for a window of a height, and keeps what moves."""

    def __init__(self, group: InstructionGroup, height_px: int) -> None:
        self._group = group
        self._height_px = height_px
        self.turning: list[Rotate] = []
        self.previews: list[CameraPreview] = []

    def paint(self, elements: tuple[Element, ...]) -> None:
        for element in elements:
            self._paint(element)

    def _paint(self, element: Element) -> None:
        match element:
            case Box():
                self._box(element)
            case Text():
                self._text(element)
            case Glyph():
                self._tint(element.colour)
                self._picture(_icon(element.icon, element.rect.width), element.rect)
            case Qr():
                self._qr(element)
            case Ring():
                self._rings(element.rect, element.colour, element.ground, element.share)
            case Spinner():
                self._spinner(element)
            case Preview():
                self._preview(element)
            case Touch():
                self.paint(element.still)

    def _tint(self, colour: Colour) -> None:
        self._group.add(Color(*colour))

    def _place(self, rect: Rect) -> dict[str, tuple[int, int]]:
        return {"pos": (rect.x, self._height_px - rect.bottom), "size": (rect.width, rect.height)}

    def _picture(self, texture: Texture, rect: Rect) -> None:
        self._group.add(Rectangle(texture=texture, **self._place(rect)))

    def _stretched(self, texture: Texture, rect: Rect, radius_px: int) -> None:
        border = (radius_px, radius_px, radius_px, radius_px)
        self._group.add(BorderImage(texture=texture, border=border, **self._place(rect)))

    def _box(self, box: Box) -> None:
        radius = min(box.radius_px, box.rect.width // 2, box.rect.height // 2)
        if box.edge and box.edge_px:
            radius = max(radius, box.edge_px)
            self._tint((1.0, 1.0, 1.0, 1.0))
            self._stretched(_plate(radius, box.edge_px, box.fill, box.edge), box.rect, radius)
            return
        self._tint(box.fill)
        if radius:
            self._stretched(_rounded(radius), box.rect, radius)
        else:
            self._group.add(Rectangle(**self._place(box.rect)))

    def _text(self, text: Text) -> None:
        """Each line stands on its baseline: a line with Ễ has a taller picture, upwards."""
        words = text.text
        self._tint(text.colour)
        descent = round(words.size_px * DESCENT)
        slack = (words.pitch_px - round(words.size_px * (1 + DESCENT))) // 2
        for index, line in enumerate(words.lines):
            if not line:
                continue
            label = CoreLabel(
                text=line, font_name=get_font_file(words.weight), font_size=words.size_px
            )
            label.refresh()
            width, height = label.texture.size
            spare = text.rect.width - width
            left = text.rect.x + {"left": 0, "centre": spare // 2, "right": spare}[text.align]
            foot = text.rect.y + (index + 1) * words.pitch_px - slack
            baseline = foot - descent
            bottom = baseline + round(words.size_px * 0.265)
            self._picture(label.texture, Rect(left, bottom - height, width, height))

    def _qr(self, element: Qr) -> None:
        dark = make_modules(element.data) * np.uint8(255)
        modules = dark.shape[0]
        side = max(1, element.rect.width // modules) * modules
        self._tint(colours.SURFACE)
        self._group.add(Rectangle(**self._place(element.rect)))
        self._tint((0.0, 0.0, 0.0, 1.0))
        self._picture(make_texture(dark), element.rect.middle(side, side))

    def _rings(self, rect: Rect, colour: Colour, ground: Colour, share: float) -> None:
        thick = max(2, round(rect.width * RING_THICKNESS))
        self._tint(ground)
        self._picture(_ring(rect.width, thick, 1.0), rect)
        self._tint(colour)
        self._picture(_ring(rect.width, thick, share), rect)

    def _spinner(self, spinner: Spinner) -> None:
        rect = spinner.rect
        x, y = rect.centre
        thick = max(2, round(rect.width * RING_THICKNESS))
        self._tint(spinner.ground)
        self._picture(_ring(rect.width, thick, 1.0), rect)
        turn = Rotate(angle=0, origin=(x, self._height_px - y))
        self._group.add(PushMatrix())
        self._group.add(turn)
        self._tint(spinner.colour)
        self._picture(_ring(rect.width, thick, SPINNER_SHARE), rect)
        self._group.add(PopMatrix())
        self.turning.append(turn)

    def _preview(self, element: Preview) -> None:
        place = self._place(element.rect)
        preview = CameraPreview(busy=element.busy, guide=element.guide, **place)
        self._group.add(preview.group)
        self._tint(element.ground)
        self._stretched(_corners(element.radius_px), element.rect, element.radius_px)
        self.previews.append(preview)
        if element.busy:
            side = min(element.rect.width, element.rect.height) // 3
            self._spinner(
                Spinner(
                    rect=element.rect.middle(side, side),
                    colour=colours.SURFACE,
                    ground=(1.0, 1.0, 1.0, 0.3),
                )
            )


def make_sliding_group() -> tuple[InstructionGroup, Translate, InstructionGroup]:
    """(what to add to a canvas, how far it is moved, what to paint into)."""
    outer, inner, move = InstructionGroup(), InstructionGroup(), Translate(0, 0)
    for instruction in (PushMatrix(), move, inner, PopMatrix()):
        outer.add(instruction)
    return outer, move, inner
