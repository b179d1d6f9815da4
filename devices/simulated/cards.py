"""Pictures of cards before a camera, drawn from a payload: for the demo, tests and benchmarks.

The cards are recognisable as models ("THẺ MẪU"), with the code in the size and place of the real
ones: 18 x 18 mm on an ID-1 card of 85.6 x 53.98 mm (Circular 16/2024/TT-BCA), the 2021 card with
its code upper right on the front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import qrcode
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from devices.fonts import Weight, get_font
from devices.models import Frame

_CODE_MM = 18.0
_CANVAS_PX_PER_MODULE = 6
_BARCODE_MODULE_MM = 0.33


class CardKind(StrEnum):
    """What is held before the camera."""

    CCCD2021 = "cccd2021"
    CAN_CUOC2024 = "can_cuoc2024"
    BHYT = "bhyt"
    SLIP = "slip"
    """Hospital paper with a Code 128."""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    size_mm: tuple[float, float]
    code_at_mm: tuple[float, float]
    paper: tuple[int, int, int]
    ink: tuple[int, int, int]
    lines: tuple[str, ...]
    text_at_mm: tuple[float, float]
    photo: bool = False


_LAYOUTS = {
    CardKind.CCCD2021: _Layout(
        size_mm=(85.6, 53.98),
        code_at_mm=(64.0, 4.0),
        paper=(214, 232, 224),
        ink=(150, 30, 40),
        lines=("CĂN CƯỚC CÔNG DÂN", "THẺ MẪU", "Số / No.:", "Họ và tên:", "Nơi thường trú:"),
        text_at_mm=(29.0, 12.0),
        photo=True,
    ),
    CardKind.CAN_CUOC2024: _Layout(
        size_mm=(85.6, 53.98),
        code_at_mm=(62.0, 5.0),
        paper=(206, 226, 234),
        ink=(40, 60, 110),
        lines=("Nơi cư trú:", "Nơi đăng ký khai sinh:", "THẺ MẪU", "BỘ CÔNG AN", "IDVNM<<<<<<<<<<"),
        text_at_mm=(5.0, 7.0),
    ),
    CardKind.BHYT: _Layout(
        size_mm=(98.0, 66.0),
        code_at_mm=(76.0, 44.0),
        paper=(244, 244, 240),
        ink=(40, 40, 60),
        lines=("BẢO HIỂM XÃ HỘI VIỆT NAM", "THẺ BẢO HIỂM Y TẾ", "THẺ MẪU", "Mã số:", "Họ và tên:"),
        text_at_mm=(6.0, 6.0),
    ),
    CardKind.SLIP: _Layout(
        size_mm=(104.0, 60.0),
        code_at_mm=(8.0, 36.0),
        paper=(248, 248, 246),
        ink=(30, 30, 30),
        lines=("BỆNH VIỆN MẪU", "PHIẾU HẸN KHÁM LẠI"),
        text_at_mm=(8.0, 6.0),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """How the camera sees the card. Lengths in pixels of the frame, angles in degrees.

    `px_per_module` is the size of a module in the middle of the code; `glare` runs from 0 to 1
    (white at the edge of the code); `noise` is the standard deviation of the sensor in grey levels.
    The same scene gives the same picture.
    """

    size: tuple[int, int] = (1280, 720)
    px_per_module: float = 4.0
    rotation_deg: float = 0.0
    tilt_deg: float = 0.0
    tilt_axis_deg: float = 0.0
    offset_px: tuple[float, float] = (0.0, 0.0)
    blur_px: float = 0.0
    motion_px: float = 0.0
    glare: float = 0.0
    brightness: float = 1.0
    noise: float = 2.0
    jpeg_quality: int | None = None
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class _Card:
    """A card face on, with the middle and the module size of its code in its own pixels."""

    picture: Frame
    code_at: tuple[float, float]
    module_px: float


def draw_desk(size: tuple[int, int] = (1280, 720), *, seed: int = 0) -> Frame:
    """An empty desk as the camera sees it, BGR, width and height as in `size`."""
    return _expose(_desk(size), Scene(size=size, seed=seed), np.zeros(2))


def draw_card_frame(
    untrusted_payload: bytes,
    scene: Scene | None = None,
    *,
    kind: CardKind = CardKind.CCCD2021,
    error_correction: str = "M",
) -> Frame:
    """A card with that payload on a desk, BGR.

    Raises ValueError when no code can hold the payload.
    """
    scene = scene or Scene()
    card = _card(untrusted_payload, kind, error_correction)
    to_frame = _to_frame(card, scene)
    frame = _desk(scene.size).copy()
    _lay_card(frame, card.picture, to_frame)
    return _expose(frame, scene, _project(to_frame, [card.code_at])[0])


@lru_cache(maxsize=4)
def _desk(size: tuple[int, int]) -> Frame:
    width, height = size
    rng = np.random.default_rng(7)
    coarse = rng.normal(0, 9, (height // 40 + 2, 8)).astype(np.float32)
    grain = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    light = np.linspace(1.05, 0.9, width, dtype=np.float32)[None, :]
    grey = (96.0 + grain) * light
    desk = grey[..., None] * np.array([0.8, 0.95, 1.1], np.float32)
    return np.asarray(np.clip(desk, 0, 255), dtype=np.uint8)


@lru_cache(maxsize=32)
def _card(payload: bytes, kind: CardKind, error_correction: str) -> _Card:
    layout = _LAYOUTS[kind]
    if kind is CardKind.SLIP:
        modules = _barcode_modules(payload)
        px_per_mm = _CANVAS_PX_PER_MODULE / _BARCODE_MODULE_MM / 2
        module_px = _CANVAS_PX_PER_MODULE // 2
        code = np.kron(modules, np.ones((1, module_px), np.uint8))
        code = np.repeat(code, int(14 * px_per_mm), axis=0)
    else:
        modules = _qr_modules(payload, error_correction)
        module_px = _CANVAS_PX_PER_MODULE
        px_per_mm = len(modules) * module_px / _CODE_MM
        code = np.kron(modules, np.ones((module_px, module_px), np.uint8))
    at = np.array(layout.code_at_mm) * px_per_mm + (code.shape[1] / 2, code.shape[0] / 2)
    return _Card(
        picture=_print_card(layout, code, px_per_mm, quiet_px=2 * module_px),
        code_at=(float(at[0]), float(at[1])),
        module_px=float(module_px),
    )


def _qr_modules(payload: bytes, error_correction: str) -> Frame:
    levels = {
        "L": qrcode.ERROR_CORRECT_L,
        "M": qrcode.ERROR_CORRECT_M,
        "Q": qrcode.ERROR_CORRECT_Q,
        "H": qrcode.ERROR_CORRECT_H,
    }
    code = qrcode.QRCode(error_correction=levels[error_correction], border=0)
    code.add_data(payload, optimize=0)
    code.make()
    return np.where(np.array(code.get_matrix(), dtype=bool), 0, 255).astype(np.uint8)


def _barcode_modules(payload: bytes) -> Frame:
    barcode = zxingcpp.create_barcode(payload.decode("ascii"), zxingcpp.Code128)
    row: Frame = np.asarray(barcode.to_image(scale=1, add_quiet_zones=False), dtype=np.uint8)
    return row[:1]


def _print_card(layout: _Layout, code: Frame, px_per_mm: float, quiet_px: int) -> Frame:
    width, height = (round(side * px_per_mm) for side in layout.size_mm)
    card = Image.new("RGB", (width, height), layout.paper)
    pen = ImageDraw.Draw(card)
    if layout.photo:
        box = [round(side * px_per_mm) for side in (5, 18, 24, 44)]
        pen.rectangle(box, fill=(176, 196, 204))
        pen.ellipse(
            [
                box[0] + width // 16,
                box[1] + height // 12,
                box[2] - width // 16,
                box[3] - height // 6,
            ],
            fill=(150, 120, 104),
        )
    x, y = layout.text_at_mm
    for row, line in enumerate(layout.lines):
        font = get_font(Weight.SEMI_BOLD, round((3.4 if row == 0 else 2.6) * px_per_mm))
        pen.text((x * px_per_mm, (y + row * 6.4) * px_per_mm), line, fill=layout.ink, font=font)
    left, top = (round(at * px_per_mm) for at in layout.code_at_mm)
    bottom, right = top + code.shape[0], left + code.shape[1]
    pen.rectangle(
        [left - quiet_px, top - quiet_px, right + quiet_px, bottom + quiet_px], fill=(250, 250, 250)
    )
    # Ink on plastic is neither black nor white.
    card.paste(Image.fromarray(np.clip(code, 28, 238)), (left, top))
    return np.asarray(card)[..., ::-1].copy()


def _to_frame(card: _Card, scene: Scene) -> NDArray[np.float64]:
    """The homography from the card's pixels to the frame: a pinhole 2.5 card widths away."""
    height, width = card.picture.shape[:2]
    axis = math.radians(scene.tilt_axis_deg)
    tilt_by = math.radians(scene.tilt_deg) * np.array([math.cos(axis), math.sin(axis), 0.0])
    tilt, _ = cv2.Rodrigues(tilt_by)
    turn, _ = cv2.Rodrigues(np.array([0.0, 0.0, math.radians(scene.rotation_deg)]))
    posture = tilt @ turn
    distance = 2.5 * width
    centred = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
    # Points of the card lie in the plane z = 0: its third column is not needed.
    to_eye = np.column_stack([posture[:, 0], posture[:, 1], (0.0, 0.0, distance)]) @ centred
    depth_of_code = (to_eye @ (*card.code_at, 1.0))[2]
    focal = scene.px_per_module / card.module_px * depth_of_code
    middle_x, middle_y = np.array(scene.size) / 2 + scene.offset_px
    lens = np.array([[focal, 0, middle_x], [0, focal, middle_y], [0, 0, 1.0]])
    to_frame: NDArray[np.float64] = lens @ to_eye
    return to_frame


def _project(
    homography: NDArray[np.float64], points: Sequence[tuple[float, float]]
) -> NDArray[np.float64]:
    placed = np.column_stack([np.array(points, float), np.ones(len(points))]) @ homography.T
    flat: NDArray[np.float64] = placed[:, :2] / placed[:, 2:]
    return flat


def _lay_card(frame: Frame, card: Frame, to_frame: NDArray[np.float64]) -> None:
    card_height, card_width = card.shape[:2]
    corners = _project(
        to_frame, [(0, 0), (card_width, 0), (card_width, card_height), (0, card_height)]
    )
    height, width = frame.shape[:2]
    left, top = (max(int(side), 0) for side in np.floor(corners.min(axis=0)))
    right, bottom = (int(side) + 1 for side in np.ceil(corners.max(axis=0)))
    right, bottom = min(right, width), min(bottom, height)
    if right <= left or bottom <= top:
        return
    # Drawn three times as large and averaged, as a sensor's cells average light.
    fine = 3
    zoom = np.array([[fine, 0, -left * fine], [0, fine, -top * fine], [0, 0, 1.0]])
    fine_size = ((right - left) * fine, (bottom - top) * fine)
    region = frame[top:bottom, left:right]
    big = cv2.resize(region, fine_size, interpolation=cv2.INTER_NEAREST)
    cv2.warpPerspective(
        card,
        zoom @ to_frame,
        fine_size,
        dst=big,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_TRANSPARENT,
    )
    region[:] = cv2.resize(big, (right - left, bottom - top), interpolation=cv2.INTER_AREA)


def _expose(frame: Frame, scene: Scene, code_at: NDArray[np.float64]) -> Frame:
    height, width = frame.shape[:2]
    light: NDArray[Any] = frame.astype(np.float32) * scene.brightness
    if scene.glare:
        reach = 20 * scene.px_per_module
        around = math.radians(scene.seed % 360)
        spot_x, spot_y = code_at + reach * np.array([math.cos(around), math.sin(around)])
        across = np.exp(-((np.arange(width) - spot_x) ** 2) / (2 * reach**2))
        down = np.exp(-((np.arange(height) - spot_y) ** 2) / (2 * reach**2))
        spot = np.outer(down, across).astype(np.float32)
        light = light + (scene.glare * 255 * spot)[..., None]
    if scene.motion_px > 1:
        length = round(scene.motion_px)
        light = cv2.blur(light, (length, 1))
    if scene.blur_px:
        light = cv2.GaussianBlur(light, (0, 0), scene.blur_px)
    if scene.noise:
        rng = np.random.default_rng(scene.seed + 1)
        light = light + rng.normal(0, scene.noise, light.shape)
    exposed: Frame = np.clip(light, 0, 255).astype(np.uint8)
    return exposed if scene.jpeg_quality is None else _compress(exposed, scene.jpeg_quality)


def _compress(frame: Frame, quality: int) -> Frame:
    _, packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)
