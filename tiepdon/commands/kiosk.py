"""`tiepdon kiosk`: the window a patient touches."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from kiosk_ui.config import make_config
from kiosk_ui.errors import ConfigRefused
from kiosk_ui.local_log import LocalLog, LogFolder


@click.command()
@click.option("--backend", "backend_url", required=True, help="Address of the server: https://…")
@click.option("--enrol-code", help="One-time code of `tiepdon kiosks add`, for the first start.")
@click.option(
    "--scanner",
    required=True,
    help="camera:0, camera:/dev/…, video:FILE, dir:FOLDER, mjpeg:URL, serial:/dev/…, hid:/dev/…",
)
@click.option("--printer", help="tcp://H:P, usb:VID:PID, serial:/dev/…, file:PATH; none: no paper.")
@click.option("--name", help="How staff know this kiosk; the name of the machine unless given.")
@click.option("--width-mm", type=float, help="Measured width of the picture on the panel.")
@click.option("--window", metavar="WxH", help="A window of that size instead of the whole screen.")
@click.option(
    "--data",
    "data_dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for credential and journals of this kiosk.",
)
@click.pass_context
def command(
    context: click.Context,
    *,
    backend_url: str,
    enrol_code: str | None,
    scanner: str,
    printer: str | None,
    name: str | None,
    width_mm: float | None,
    window: str | None,
    data_dir: Path | None,
) -> None:
    """Run the kiosk until it is closed. TIEPDON_ENV=production locks it.

    Ordered to restart it ends with status 75 under a supervisor (systemd), and begins itself anew
    without one.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        config = make_config(
            backend_url=backend_url,
            enrol_code=enrol_code,
            scanner=scanner,
            printer=printer,
            name=name,
            width_mm=width_mm,
            window=window,
            data_dir=data_dir,
        )
        # Heavy, and not needed to say what is wrong with the settings.
        from kiosk_ui.bootstrap import build_kiosk

        kiosk = build_kiosk(config)
    except ConfigRefused as error:
        raise click.UsageError(str(error)) from error
    from kiosk_ui.app import RESTART_CODE, run

    log = LocalLog(LogFolder(config.log_dir))
    log.start()
    try:
        code = run(kiosk, config)
    finally:
        kiosk.close()
        log.stop()
    if code == RESTART_CODE and not _is_supervised():
        _begin_anew()
    context.exit(code)


def _is_supervised() -> bool:
    """Systemd sets both for what it starts; it also finds the newest release."""
    return bool(os.environ.get("INVOCATION_ID") or os.environ.get("NOTIFY_SOCKET"))


def _begin_anew() -> NoReturn:
    """The same command line in the place of this process.

    Whatever a driver left open is closed: a camera held twice is a camera that is busy.
    """
    logging.shutdown()
    os.closerange(3, 4096)
    # No shell is meant: it is this very program, with the arguments it was given.
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
