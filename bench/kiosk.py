"""The kiosk's window, drawn in software: start, screen changes, memory, idle.

Measured in child processes of its own, on a fake server in memory: the figures are those of
window, screens and presenters. `python -m bench.kiosk` is such a child and prints JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import Row
from kiosk_ui.app import KioskApp, WindowConfig, configure
from kiosk_ui.driver import Driver, Finger
from kiosk_ui.presenters.views import Action
from kiosk_ui.widgets.glass import SLIDE_S
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_SUMMARY

Block = tuple[float, float, str]
"""Milliseconds by the clock and of processor time in all threads, and the screen being shown."""

WARM_VISITS = 50
VISITS, QUICK_VISITS = 200, 100
SLIDING_VISITS, QUICK_SLIDING_VISITS = 25, 8
IDLE_S, QUICK_IDLE_S = 20.0, 5.0
STARTS = 5
PAGE_BYTES = resource.getpagesize()


def run(*, quick: bool) -> list[Row]:
    visits = QUICK_VISITS if quick else VISITS
    starts_ms = [_child("start")["first_screen_ms"] for _ in range(2 if quick else STARTS)]
    kept = _child("memory", visits)
    seen = _child("changes", QUICK_SLIDING_VISITS if quick else SLIDING_VISITS)
    idle = _child("idle", QUICK_IDLE_S if quick else IDLE_S)
    grown = kept["end_mib"] - kept["warm_mib"]
    return [
        Row(
            name="kiosk start to first screen, slowest",
            value=max(starts_ms) / 1000,
            unit="s",
            goal=2.0,
            note=f"of {len(starts_ms)}",
        ),
        Row(
            name=f"memory after {visits} visits",
            value=kept["end_mib"],
            unit="MiB",
            goal=280.0,
            note=f"at start {kept['start_mib']:.0f}",
        ),
        Row(
            name=f"memory grown between visit {WARM_VISITS} and {visits}",
            value=grown,
            unit="MiB",
            goal=8.0,
            note="flat",
        ),
        Row(
            name="screen change, longest block of the UI thread",
            value=seen["slowest_ms"],
            unit="ms",
            goal=50.0,
            note=f"to “{seen['slowest_screen']}”, of {seen['changes']} turns of the loop",
        ),
        Row(
            name="screen change, most processor time of a turn",
            value=seen["slowest_cpu_ms"],
            unit="ms",
            note="all threads: what the clock would say on an idle machine, at most",
        ),
        Row(name="screen change, 99th percentile", value=seen["p99_ms"], unit="ms"),
        Row(name="screen change, median block", value=seen["median_ms"], unit="ms"),
        Row(
            name="idle, start screen, camera asleep",
            value=idle["cpu_percent"],
            unit="% core",
            goal=5.0,
        ),
    ]


def _child(what: str, amount: float = 0.0) -> dict[str, Any]:
    """Runs one measurement in a fresh process."""
    started_s = time.time()
    env = os.environ | {"SDL_VIDEODRIVER": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.kiosk", what, str(amount), str(started_s)],
        cwd=Path(__file__).parents[1],
        env=env,
        stdout=subprocess.PIPE,
        check=True,
        timeout=900,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _open(*, slide_s: float = SLIDE_S) -> tuple[Bench, Driver]:
    window = WindowConfig(locked=False, slide_s=slide_s)
    configure(window)
    bench = Bench()
    picture = np.random.default_rng(1).integers(0, 255, (720, 1280, 3)).astype(np.uint8)
    bench.scanner.latest_frame = lambda: picture  # type: ignore[method-assign]
    return bench, Driver(KioskApp(bench.kiosk, window))


def _memory_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE_BYTES / 2**20


def _start(started_s: float) -> dict[str, float]:
    _open()
    return {"first_screen_ms": (time.time() - started_s) * 1000}


def _memory(count: int) -> dict[str, object]:
    """Whole visits by touch, from the start screen to the number and back."""
    bench, driver = _open(slide_s=0)
    figures: dict[str, object] = {"start_mib": _memory_mib()}
    for number in range(1, count + 1):
        _one_visit(bench, driver, [])
        if number == WARM_VISITS:
            figures["warm_mib"] = _memory_mib()
    return figures | {"end_mib": _memory_mib()}


def _changes(count: int) -> dict[str, object]:
    """What each turn of the loop takes during such visits, slides included."""
    bench, driver = _open(slide_s=SLIDE_S)
    _Sleep.watch(bench)
    _one_visit(bench, driver, [])  # the first one draws the icons
    blocks: list[Block] = []
    for _ in range(count):
        _one_visit(bench, driver, blocks)
    blocks.sort()
    return {
        "changes": len(blocks),
        "slowest_ms": blocks[-1][0],
        "slowest_cpu_ms": max(block[1] for block in blocks),
        "slowest_screen": blocks[-1][2],
        "p99_ms": blocks[len(blocks) * 99 // 100][0],
        "median_ms": blocks[len(blocks) // 2][0],
    }


def _one_visit(bench: Bench, driver: Driver, blocks: list[Block]) -> None:
    steps = (*TO_SUMMARY, ("summary", "confirm"), ("done", "finish"))
    following = (*(screen for screen, *_ in steps[1:]), "welcome")
    for (screen, deed, *rest), after in zip(steps, following, strict=True):
        if deed == "scan":
            _watch(
                driver, blocks, bench, after, partial(bench.scanner.hold_up, b"invented payload")
            )
        else:
            action = Action(deed, rest[0] if rest else "")
            driver.until(lambda: not driver.glass.deaf)
            found = driver.scene.find_touch(action)
            if found is None:
                raise RuntimeError(f"{screen} offers no {action.name}")
            _watch(driver, blocks, bench, after, partial(_touch, driver, found.rect.centre))


def _touch(driver: Driver, place: tuple[float, float]) -> None:
    """Finger down and up; what follows is timed by the caller."""
    finger = Finger(place[0], driver.glass.height - place[1])
    finger.down()
    finger.up()


def _watch(
    driver: Driver, blocks: list[Block], bench: Bench, after: str, deed: Callable[[], None]
) -> None:
    """Does it, then times each turn of the window's loop until the screen `after` stands still."""
    end_s = time.monotonic() + 20
    deed()
    while True:
        slept_s, turn_s, cpu_s = _Sleep.total_s, time.perf_counter(), time.process_time()
        driver.frames()
        busy_s = time.perf_counter() - turn_s - (_Sleep.total_s - slept_s)
        used_s = time.process_time() - cpu_s
        blocks.append((busy_s * 1000, used_s * 1000, bench.kiosk.frame.screen))
        if bench.kiosk.frame.screen == after and not driver.glass.sliding:
            return
        if time.monotonic() > end_s:
            raise RuntimeError(f"{bench.kiosk.frame.screen} does not lead to {after}")


class _Sleep:
    """What the loop sleeps to hold its rate; then nothing is blocked."""

    total_s = 0.0

    @classmethod
    def watch(cls, bench: Bench) -> None:
        rest = bench.worker.wait

        def timed(timeout_s: float) -> bool:
            started_s = time.perf_counter()
            news = rest(timeout_s)
            cls.total_s += time.perf_counter() - started_s
            return news

        bench.worker.wait = timed  # type: ignore[method-assign]


def _idle(seconds: float) -> dict[str, float]:
    _, driver = _open()
    settle_s = time.monotonic() + 6.0  # past the moment when the window calms down
    driver.until(lambda: time.monotonic() > settle_s, timeout_s=30)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    end_s = time.monotonic() + seconds
    driver.until(lambda: time.monotonic() > end_s, timeout_s=seconds + 30)
    used = (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)
    return {"cpu_percent": used * 100}


if __name__ == "__main__":
    _, what, amount, started = sys.argv
    match what:
        case "start":
            figures: dict[str, object] = dict(_start(float(started)))
        case "memory":
            figures = _memory(int(float(amount)))
        case "changes":
            figures = _changes(int(float(amount)))
        case _:
            figures = dict(_idle(float(amount)))
    print(json.dumps(figures))
