"""The decoder against zxing-cpp's plain call and zbar in binary mode, on drawn card frames.

A grid of blur, noise, tilt, glare, motion and distance is drawn with one seed to find the cells
where the plain call (`read_barcodes` on the grey picture, QR only: its cheapest form) reads 20 to
60 %. These hard cells are then drawn anew with another seed and read by all three. The looks of
the decoder were tuned on a third seed. Costs are processor time of one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import zxingcpp

from bench import Row
from devices.models import Frame
from devices.scanners import zbar
from devices.scanners.decoding import decode
from devices.simulated.cards import CardKind, Scene, draw_card_frame, draw_desk

SIZES = ((1280, 720), (1920, 1080))
SEARCH_SEED = 20_250_101
REPORT_SEED = 20_260_202
PX_PER_MODULE = (1.5, 2.0, 2.5, 3.0)

_CARDS = (CardKind.CCCD2021, CardKind.CAN_CUOC2024, CardKind.BHYT)
_ADDRESSES = (
    "Tổ 1, Ba Vì, Hà Nội",
    "Linh Đông, Thủ Đức, TP. Hồ Chí Minh",
    "12/3 Đường Số 8, Khu phố 4, Linh Đông, Thủ Đức, TP. Hồ Chí Minh",
    "Số 25 ngõ 7 Đường Thử Nghiệm kéo dài, Thôn Mẫu Hai, Xã Mẫu Đơn, Huyện Ea Kar, Đắk Lắk",
)

Reader = Callable[[Frame], list[bytes]]


def read_plain(grey: Frame) -> list[bytes]:
    formats = zxingcpp.BarcodeFormats(zxingcpp.QRCode)
    return [code.bytes for code in zxingcpp.read_barcodes(grey, formats=formats)]


READERS: Mapping[str, Reader] = {"plain": read_plain, "zbar": zbar.read_qr, "ours": decode}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One frame with what it holds, and for each reader whether and how fast it read."""

    cell: str
    read: Mapping[str, bool]
    cost_s: Mapping[str, float]


def cells() -> Iterator[tuple[str, Scene]]:
    """The grid, named. Blur is given in modules, as what matters is how far modules run together."""
    for px in PX_PER_MODULE:
        base = Scene(px_per_module=px, blur_px=0.5, noise=3)
        for blur in (0.36, 0.38, 0.4, 0.42, 0.44, 0.46, 0.5):
            yield f"{px} px, blur {blur}", replace(base, blur_px=blur * px, noise=2)
        for noise in (15, 25, 35, 45, 55, 65):
            yield f"{px} px, noise {noise}", replace(base, noise=noise)
        for tilt in (30, 40, 45, 50, 55, 60):
            yield f"{px} px, tilt {tilt}", replace(base, tilt_deg=tilt)
        for glare in (0.4, 0.5, 0.6, 0.7, 0.8):
            yield f"{px} px, glare {glare}", replace(base, glare=glare)
        for motion in (2, 3, 4):
            yield f"{px} px, motion {motion}", replace(base, motion_px=motion)
        for much in (0.6, 0.7, 0.8, 0.9):
            mixed = replace(base, blur_px=0.4 * much * px, noise=12 * much, tilt_deg=30 * much)
            mixed = replace(mixed, glare=0.5 * much, brightness=0.7, jpeg_quality=75)
            yield f"{px} px, mixed {much}", mixed


def draw(scene: Scene, rng: np.random.Generator, size: tuple[int, int]) -> tuple[Frame, bytes]:
    """A grey frame of an invented card somewhere about the middle, at any angle; its payload."""
    payload = (
        f"{rng.integers(1, 97):03d}085000000||Nguyễn Văn Thử|05091985|Nam|"
        f"{_ADDRESSES[rng.integers(len(_ADDRESSES))]}|12082021{'||||' if rng.random() < 0.5 else ''}"
    ).encode()
    turned = rng.uniform(-25, 25) if rng.random() < 0.8 else rng.uniform(0, 360)
    placed = replace(
        scene,
        size=size,
        rotation_deg=float(turned),
        tilt_axis_deg=float(rng.uniform(0, 360)),
        offset_px=(float(rng.uniform(-100, 100)), float(rng.uniform(-60, 60))),
        seed=int(rng.integers(1, 100_000)),
    )
    kind = _CARDS[rng.integers(len(_CARDS))]
    frame = draw_card_frame(payload, placed, kind=kind, error_correction="ML"[rng.integers(2)])
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), dtype=np.uint8), payload


def sample(
    cell: str, scene: Scene, *, count: int, seed: int, size: tuple[int, int], names: list[str]
) -> Iterator[Sample]:
    """The same frames for the same arguments, whatever other cells are drawn."""
    rng = np.random.default_rng([seed, *size, *cell.encode()])
    for _ in range(count):
        frame, payload = draw(scene, rng, size)
        read, cost_s = {}, {}
        for name in names:
            started_s = time.thread_time()
            payloads = READERS[name](frame)
            cost_s[name] = time.thread_time() - started_s
            read[name] = payload in payloads
        yield Sample(cell=cell, read=read, cost_s=cost_s)


def share(samples: list[Sample], name: str) -> float:
    return float(np.mean([sample.read[name] for sample in samples]))


def find_hard_cells(size: tuple[int, int], *, count: int, every: int) -> list[tuple[str, Scene]]:
    """Cells where the plain call reads 20 to 60 % of `count` frames."""
    hard = []
    for cell, scene in list(cells())[::every]:
        drawn = list(sample(cell, scene, count=count, seed=SEARCH_SEED, size=size, names=["plain"]))
        if 0.2 <= share(drawn, "plain") <= 0.6:
            hard.append((cell, scene))
    return hard


def measure_hard(size: tuple[int, int], *, quick: bool) -> tuple[list[Row], list[Sample]]:
    hard = find_hard_cells(size, count=5 if quick else 10, every=4 if quick else 1)
    drawn = [
        one
        for cell, scene in hard
        for one in sample(
            cell, scene, count=6 if quick else 20, seed=REPORT_SEED, size=size, names=list(READERS)
        )
    ]
    shares = {name: share(drawn, name) for name in READERS}
    at = f"{size[0]}x{size[1]}"
    worse = 0
    for cell, _ in hard:
        of_cell = [one for one in drawn if one.cell == cell]
        worse += share(of_cell, "ours") < max(share(of_cell, "plain"), share(of_cell, "zbar"))
    told = ", ".join(f"{name} {100 * value:.0f} %" for name, value in shares.items())
    note = f"{told} of {len(drawn)} frames in {len(hard)} cells"
    rows = [
        Row(
            name=f"{at} hard cells: share read, ours / plain",
            value=shares["ours"] / max(shares["plain"], 1e-9),
            unit="ratio",
            goal=1.5,
            bound="at least",
            note=note,
        ),
        Row(name=f"{at} hard cells where ours reads fewer", value=worse, unit="cells", goal=0),
    ]
    return rows, drawn


def measure_readable(size: tuple[int, int], *, quick: bool) -> list[Row]:
    """Frames a camera at the right distance gives, with little and with much sensor noise."""
    drawn = [
        one
        for px in (3.5, 4.0)
        for noise in (1.0, 4.0, 8.0)
        for one in sample(
            f"readable {px} {noise}",
            Scene(px_per_module=px, blur_px=0.7, noise=noise, tilt_deg=10),
            count=3 if quick else 12,
            seed=REPORT_SEED,
            size=size,
            names=["plain", "ours"],
        )
        if one.read["plain"]
    ]
    median_ms = {
        name: 1000 * float(np.median([one.cost_s[name] for one in drawn]))
        for name in ("plain", "ours")
    }
    at = f"{size[0]}x{size[1]}"
    return [
        Row(
            name=f"{at} readable frames: median cost, ours / plain",
            value=median_ms["ours"] / median_ms["plain"],
            unit="ratio",
            goal=2.0,
            note=f"{median_ms['ours']:.1f} ms against {median_ms['plain']:.1f} ms",
        ),
        Row(
            name=f"{at} readable frames lost",
            value=sum(not one.read["ours"] for one in drawn),
            unit="frames",
            goal=0,
            note=f"of {len(drawn)}",
        ),
    ]


def measure_worst(size: tuple[int, int], drawn: list[Sample], *, quick: bool) -> list[Row]:
    """What unreadable frames cost: hopeless blur beside what the hard cells took."""
    hopeless = [
        one
        for px in (2.0, 3.0)
        for one in sample(
            f"hopeless {px}",
            Scene(px_per_module=px, blur_px=1.2 * px, noise=6),
            count=5 if quick else 25,
            seed=REPORT_SEED,
            size=size,
            names=["ours"],
        )
    ]
    costs_ms = [1000 * one.cost_s["ours"] for one in [*drawn, *hopeless]]
    median_ms, p95_ms = np.quantile(costs_ms, [0.5, 0.95])
    at = f"{size[0]}x{size[1]}"
    desk = np.asarray(cv2.cvtColor(draw_desk(size), cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    return [
        Row(
            name=f"{at} hard and hopeless frames: slowest",
            value=max(costs_ms),
            unit="ms",
            # The promise of 100 ms is for the smaller size.
            goal=100.0 if size == SIZES[0] else None,
            note=f"median {median_ms:.0f} ms, p95 {p95_ms:.0f} ms, {len(costs_ms)} frames",
        ),
        Row(name=f"{at} empty desk", value=1000 * _median_s(decode, desk), unit="ms"),
    ]


def _median_s(reader: Reader, frame: Frame) -> float:
    costs_s = []
    for _ in range(15):
        started_s = time.thread_time()
        reader(frame)
        costs_s.append(time.thread_time() - started_s)
    return float(np.median(costs_s))


def run(*, quick: bool) -> list[Row]:
    """Quick: the smaller size only, fewer cells and frames."""
    cv2.setNumThreads(1)
    rows: list[Row] = []
    for size in SIZES[:1] if quick else SIZES:
        hard_rows, drawn = measure_hard(size, quick=quick)
        rows += hard_rows
        rows += measure_readable(size, quick=quick)
        rows += measure_worst(size, drawn, quick=quick)
    return rows
