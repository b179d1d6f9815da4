"""The demonstration with a display: a kiosk to touch, and a dock that plays the world around it."""

from __future__ import annotations

import ctypes
import os
import shutil
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click
import requests

from backend.services.settle_demo_accounts import DEMO_PASSWORD
from devices.simulated.camera import Trouble
from devices.simulated.printer import PrinterCondition, SimulatedPrinter
from his_adapter.demo import personas
from his_adapter.demo.faults import Faults, read_faults
from kiosk_ui.app import WindowConfig
from kiosk_ui.app import show as show_window
from kiosk_ui.devdock.panel import DockActions, DockPanel
from kiosk_ui.presenters.kiosk import Kiosk
from tiepdon.demo.hall import Hall, play_morning
from tiepdon.demo.network import NetworkLine
from tiepdon.demo.payer import Payer
from tiepdon.demo.server import DemoServer
from tiepdon.demo.stage import Stage

DOCK_SHARE = 0.75
"""Width of the dock as a share of the kiosk's."""
SCREEN_MARGIN_PX = 80
PERSONAS = (
    ("CCCD, có BHYT", personas.INSURED),
    ("Căn cước, đã hẹn", personas.BOOKED_ON_TIME),
    ("Thẻ BHYT giấy", personas.BHYT_CARD),
    ("Trên 80 tuổi", personas.AGED_80),
    ("Hẹn sớm quá", personas.BOOKED_EARLY),
    ("Thẻ hết hạn", personas.EXPIRED),
    ("Không có BHYT", personas.NOT_INSURED),
    ("Trẻ dưới 6 tuổi", personas.CHILD),
    ("Có BHYT, còn nợ phí", personas.OWES_SHARE),
    ("Còn nợ hai phiếu", personas.OWES_ALL),
    ("Nhập viện, tạm ứng", personas.ADMITTED),
)

Button = tuple[str, Callable[[], None]]


def kiosk_size(screen_px: tuple[int, int]) -> tuple[int, int]:
    """The largest portrait kiosk that fits the display beside its dock."""
    width, height = screen_px
    scale = min((height - SCREEN_MARGIN_PX) / 1920, width / (1080 * (1 + DOCK_SHARE)), 1.0)
    return round(1080 * scale), round(1920 * scale)


def show(out: Path) -> int:
    """Runs until the window is closed. Returns the exit status."""
    folder = out / "stage"
    shutil.rmtree(folder, ignore_errors=True)
    width, height = kiosk_size(_screen_size())
    with Stage(folder, with_banks=True) as stage:
        line = NetworkLine(stage.server.port).start()
        kiosk = stage.build(backend_url=line.address)
        click.echo(
            f"Pages of staff: {stage.server.address}/staff (letan, password {DEMO_PASSWORD})",
            err=True,
        )
        # The hospital is not empty: boards, rooms and desks have something to show.
        threading.Thread(target=_fill_the_hall, args=(stage.server,), daemon=True).start()
        click.echo(f"Interface:  {stage.server.address}/docs", err=True)
        click.echo(
            f"A bank's app to pay with: {stage.banks.bank_app} (a wallet's: {stage.banks.wallet_app})",
            err=True,
        )
        window = WindowConfig(
            width_px=width,
            height_px=height,
            # The panel keeps its size in millimetres, so the layout is that of the real kiosk.
            width_mm=268,
            locked=False,
            dock_px=round(width * DOCK_SHARE),
        )
        actions = dock_actions(stage, line, kiosk)
        production = os.environ.get("TIEPDON_ENV") == "production"
        try:
            return show_window(
                kiosk, window, dock=lambda: DockPanel(actions, production=production)
            )
        finally:
            kiosk.close()
            line.close()


def _fill_the_hall(server: DemoServer) -> None:
    try:
        play_morning(Hall(server, name="Kiosk 2"))
    except requests.RequestException:
        click.echo("the hall stays empty: the server did not answer in time", err=True)


def dock_actions(stage: Stage, line: NetworkLine, kiosk: Kiosk) -> DockActions:
    printer = stage.printers[0]
    payer = Payer(stage.banks, lambda: kiosk.frame.view)
    return DockActions(
        scans=(
            *((name, partial(stage.hold, persona)) for name, persona in PERSONAS),
            ("Mã hỏng", lambda: stage.camera.show_card(b"079085000000|")),
            ("Bỏ thẻ ra", stage.camera.take_card_away),
            ("Rút camera", partial(stage.camera.make_trouble, Trouble.DROP)),
            ("Cắm lại camera", partial(stage.camera.make_trouble, None)),
        ),
        printer=printer_buttons(printer),
        network=(("Cắt mạng", line.cut), ("Nối lại", line.mend)),
        insurance=(
            ("Im lặng", lambda: _steer_faults(stage, coverage_silent_s=30.0)),
            ("Bình thường", lambda: _steer_faults(stage, coverage_silent_s=0.0)),
        ),
        money=(
            ("Quét mã và trả", payer.pay),
            ("Trả hai lần", partial(payer.pay, times=2)),
            ("Trả thiếu 1.000 đ", partial(payer.pay, less_vnd=1_000)),
            ("Trả, mất tin báo", partial(payer.pay, told=False)),
            ("Mở app ngân hàng", lambda: _open_page(stage.banks.bank_app)),
        ),
        last_ticket=lambda: max(stage.ticket_folder().glob("*.png"), default=None),
    )


def printer_buttons(printer: SimulatedPrinter) -> tuple[Button, ...]:
    well = PrinterCondition()
    states: tuple[tuple[str, PrinterCondition], ...] = (
        ("Tốt", well),
        ("Hết giấy", replace(well, paper="end")),
        ("Sắp hết giấy", replace(well, paper="near_end")),
        ("Mở nắp", replace(well, cover_open=True)),
        ("Đứng im", replace(well, stalled=True)),
        ("Đứt dây giữa chừng", replace(well, drop_after_bytes=20_000)),
    )
    return tuple((name, partial(printer.steer, **asdict(condition))) for name, condition in states)


def _open_page(address: str) -> None:
    if not webbrowser.open(address):
        click.echo(f"no browser to open {address}", err=True)


def _steer_faults(stage: Stage, *, coverage_silent_s: float) -> None:
    faults: Faults = read_faults(stage.server.his_folder)
    stage.faults(replace(faults, coverage_silent_s=coverage_silent_s))


def _screen_size() -> tuple[int, int]:
    """Of the display, asked before any window is opened; a usual laptop's when it cannot be."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return 1366, 768
    x11.XOpenDisplay.restype = ctypes.c_void_p
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    if not display:
        return 1366, 768
    size = (x11.XDisplayWidth(display, 0), x11.XDisplayHeight(display, 0))
    x11.XCloseDisplay(display)
    return size
