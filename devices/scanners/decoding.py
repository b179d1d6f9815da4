"""From a picture to the payloads of the codes in it. Pure: no device, no file, no clock but time.

zxing-cpp looks first, over the whole picture. Only when it reads nothing are the areas that look
like a code enlarged to one standard size and tried again sharpened, deblurred, smoothed or with
another threshold, cheapest and most fruitful first, as long as the budget lasts. zbar gives a
second opinion on the same views.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import zxingcpp

from devices.models import Frame
from devices.scanners import zbar
from devices.scanners.code_regions import (
    CodeRegion,
    EdgeMaps,
    Texture,
    find_bars_region,
    find_matrix_region,
    has_clear_bars,
)

# A scanner has one thread for pictures; OpenCV's own pool would take the core of the screen.
cv2.setNumThreads(1)

MAX_PIXELS = 50_000_000
_MIN_SIDE_PX = 16  # the smallest QR code is 21 modules wide
_VIEW_PX = 800
_MOST_ENLARGED = 4.0
_NOMINAL_MAPS_S_PER_PX = 0.45e-9


def decode(frame: Frame, *, budget_s: float = 0.09, turn: int = 0) -> list[bytes]:
    """The distinct payloads of the QR and Code 128 symbols in `frame`, as raw bytes.

    `frame` is uint8, height x width (grey) or height x width x 3 (BGR), of any size up to 50
    million pixels; anything else raises ValueError. A picture without a readable code gives [].

    The first look costs what zxing-cpp needs. Harder looks follow only when it reads nothing,
    none is begun that would end later than `budget_s` after the call, and pictures without
    anything like a code get none. `turn` chooses which of them comes first: a caller with a short
    budget and many pictures of the same card counts it up.
    """
    started_s = time.perf_counter()
    grey = _to_grey(frame)
    if min(grey.shape) < _MIN_SIDE_PX:
        return []
    codes = _read_symbols(grey, zxingcpp.QRCode)
    maps_started_s = time.perf_counter()
    maps = EdgeMaps.of(grey)
    # How slow this machine is now, against the one the costs of the looks were taken on.
    nominal_s = _NOMINAL_MAPS_S_PER_PX * grey.size
    pace = min(max((time.perf_counter() - maps_started_s) / nominal_s, 1.0), 4.0)
    found = codes.payloads
    if not found or has_clear_bars(maps):
        found = _distinct([*found, *_read_symbols(grey, zxingcpp.Code128).payloads])
    if found:
        return found
    regions = [*codes.unread, find_matrix_region(maps), find_bars_region(maps)]
    for view, look in _looks(grey, regions, turn):
        cost_s = look.cost_s_per_px * view.size * pace
        if time.perf_counter() - started_s + cost_s > budget_s:
            continue
        found = _distinct(look.read(look.prepare(view)))
        if found:
            return found
    return []


def _to_grey(frame: Frame) -> Frame:
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        raise ValueError("a frame is a numpy array of uint8")
    if frame.ndim not in {2, 3} or (frame.ndim == 3 and frame.shape[2] != 3):
        raise ValueError(f"a frame is height x width, or height x width x 3, not {frame.shape}")
    if frame.shape[0] * frame.shape[1] > MAX_PIXELS:
        raise ValueError(f"a frame has at most {MAX_PIXELS} pixels")
    if frame.size == 0:
        return np.zeros((0, 0), np.uint8)
    if frame.ndim == 2:
        return np.ascontiguousarray(frame)
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


@dataclass(frozen=True, kw_only=True)
class _Symbols:
    payloads: list[bytes]
    unread: list[CodeRegion]


def _read_symbols(grey: Frame, symbology: zxingcpp.BarcodeFormat) -> _Symbols:
    """What zxing-cpp reads in the whole picture, and where it saw a code it could not read."""
    formats = zxingcpp.BarcodeFormats(symbology)
    codes = zxingcpp.read_barcodes(grey, formats=formats, return_errors=True)
    return _Symbols(
        payloads=_distinct(code.bytes for code in codes if code.valid),
        unread=[_around(code.position, grey) for code in codes if not code.valid],
    )


def _around(position: zxingcpp.Position, grey: Frame) -> CodeRegion:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    columns, rows = [corner.x for corner in corners], [corner.y for corner in corners]
    # zxing-cpp guesses the fourth corner, and wrongly where it misread the version.
    margin = max(max(columns) - min(columns), max(rows) - min(rows)) // 4 + 8
    height, width = grey.shape
    return CodeRegion(
        left=max(min(columns) - margin, 0),
        top=max(min(rows) - margin, 0),
        right=min(max(columns) + margin, width),
        bottom=min(max(rows) + margin, height),
        texture=Texture.MATRIX,
    )


@dataclass(frozen=True, kw_only=True)
class _Look:
    """One way to read an enlarged region. The cost is the 99th percentile, 2 GHz core."""

    prepare: Callable[[Frame], Frame]
    read: Callable[[Frame], list[bytes]]
    cost_s_per_px: float


def _looks(
    grey: Frame, regions: Iterable[CodeRegion | None], turn: int
) -> Iterator[tuple[Frame, _Look]]:
    """Every look at every region, fruitful ones first; views are made once, when needed."""
    views = [(region, _enlarge(grey, region)) for region in _apart(regions)]
    first = turn % len(_MATRIX_LOOKS)
    for place in range(len(_MATRIX_LOOKS)):
        for region, view in views:
            looks = _MATRIX_LOOKS if region.texture is Texture.MATRIX else _BARS_LOOKS
            if place < len(looks):
                yield view, looks[(first + place) % len(looks)]
    if views:
        yield grey, _LAST_LOOK


def _apart(regions: Iterable[CodeRegion | None]) -> list[CodeRegion]:
    """At most three regions, without those that lie inside an earlier one of their texture."""
    chosen: list[CodeRegion] = []
    for region in regions:
        if region and not any(region.is_within(other) for other in chosen):
            chosen.append(region)
    return chosen[:3]


def _enlarge(grey: Frame, region: CodeRegion) -> Frame:
    """The region upright, its longer side 800 pixels, or enlarged four times if that is less."""
    cut = region.cut(grey)
    scale = min(_VIEW_PX / max(cut.shape), _MOST_ENLARGED)
    height, width = (max(round(side * scale), 1) for side in cut.shape)
    if region.texture is Texture.MATRIX:
        way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        return _u8(cv2.resize(cut, (width, height), interpolation=way))
    # Square, for a bar code that stood upright lies down now.
    side = max(width, height)
    centre = (cut.shape[1] / 2, cut.shape[0] / 2)
    upright = cv2.getRotationMatrix2D(centre, region.across_deg, scale)
    upright[:, 2] += (side / 2 - centre[0], side / 2 - centre[1])
    return _u8(
        cv2.warpAffine(
            cut, upright, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
    )


def _plain(view: Frame) -> Frame:
    return view


def _sharpen(view: Frame) -> Frame:
    soft = cv2.GaussianBlur(view, (0, 0), 4)
    return _u8(cv2.addWeighted(view, 4, soft, -3, 0))


def _smooth(view: Frame) -> Frame:
    """Against noise."""
    return _u8(cv2.GaussianBlur(view, (0, 0), 2))


def _own_threshold(view: Frame) -> Frame:
    """Against glare: a threshold from a surrounding larger than zxing-cpp's."""
    return _u8(
        cv2.adaptiveThreshold(view, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 61, 0)
    )


def _deblur_by(sigma_px: float) -> Callable[[Frame], Frame]:
    def deblur(view: Frame) -> Frame:
        """Undoes a Gaussian blur by Landweber's iteration, kept between local black and white.

        Print has two levels only: that bound is what keeps noise from being blown up.
        """
        height, width = view.shape
        half = cv2.resize(view, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        around = np.ones((41, 41), np.uint8)
        black = cv2.blur(cv2.erode(half, around), (41, 41)).astype(np.float32)
        white = cv2.blur(cv2.dilate(half, around), (41, 41)).astype(np.float32)
        seen = half.astype(np.float32)
        guess = seen
        for _ in range(8):
            wrong = seen - cv2.GaussianBlur(guess, (0, 0), sigma_px / 2)
            guess = np.clip(guess + 1.5 * wrong, black, white)
        return _u8(
            cv2.resize(guess.astype(np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
        )

    return deblur


def _zxing_qr(view: Frame) -> list[bytes]:
    return _read_symbols(view, zxingcpp.QRCode).payloads


def _zxing_code128(view: Frame) -> list[bytes]:
    return _read_symbols(view, zxingcpp.Code128).payloads


_MATRIX_LOOKS = (
    _Look(prepare=_sharpen, read=_zxing_qr, cost_s_per_px=19e-9),
    _Look(prepare=_plain, read=_zxing_qr, cost_s_per_px=13e-9),
    _Look(prepare=_deblur_by(5), read=_zxing_qr, cost_s_per_px=29e-9),
    _Look(prepare=_own_threshold, read=_zxing_qr, cost_s_per_px=15e-9),
    _Look(prepare=_deblur_by(7), read=_zxing_qr, cost_s_per_px=34e-9),
    _Look(prepare=_smooth, read=_zxing_qr, cost_s_per_px=14e-9),
    _Look(prepare=_sharpen, read=zbar.read_qr, cost_s_per_px=45e-9),
)
_BARS_LOOKS = (
    _Look(prepare=_plain, read=_zxing_code128, cost_s_per_px=13e-9),
    _Look(prepare=_sharpen, read=_zxing_code128, cost_s_per_px=19e-9),
    _Look(prepare=_plain, read=zbar.read_code128, cost_s_per_px=45e-9),
)
# The regions may all be wrong: zbar looks over the whole picture once.
_LAST_LOOK = _Look(prepare=_plain, read=zbar.read_both, cost_s_per_px=42e-9)


def _distinct(payloads: Iterable[bytes]) -> list[bytes]:
    return list(dict.fromkeys(payload for payload in payloads if payload))


def _u8(values: object) -> Frame:
    return np.asarray(values, dtype=np.uint8)
