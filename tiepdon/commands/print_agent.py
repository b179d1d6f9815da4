"""`tiepdon print-agent`: prints on the printer of this machine what staff ask for."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from pathlib import Path

import click

from devices.errors import DeviceError
from kiosk_ui.errors import ConfigRefused, CredentialRefused

DATA_FOLDER = Path("~/.local/share/tiepdon-print-agent")


@click.command()
@click.option("--backend", "backend_url", required=True, help="Address of the server: https://…")
@click.option("--enrol-code", help="One-time code of `tiepdon kiosks add --agent`.")
@click.option("--printer", required=True, help="tcp://H:P, usb:VID:PID, serial:/dev/…, file:PATH.")
@click.option("--name", help="How staff know this printer; the name of the machine unless given.")
@click.option("--ca-file", help="Certificates to trust instead of the usual ones.")
@click.option(
    "--data",
    "data_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA_FOLDER,
    show_default=True,
    help="Folder for credential and journal of this agent.",
)
def command(
    backend_url: str,
    enrol_code: str | None,
    printer: str,
    name: str | None,
    ca_file: str | None,
    data_dir: Path,
) -> None:
    """Print until SIGTERM or Ctrl-C. Each request is printed at most once, also after a crash."""
    from devices.printers.queue import PrintQueue
    from devices.registry import build_printer
    from kiosk_ui.gateway.credential import CredentialFile
    from kiosk_ui.gateway.http import checked_url
    from kiosk_ui.gateway.server_folder import CREDENTIAL_FILE, settle_server_folder
    from tiepdon.agent.server import AgentServer
    from tiepdon.agent.work import PrintAgent

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder = data_dir.expanduser()
    try:
        url = checked_url(backend_url)
        of_server = settle_server_folder(folder, url)
        journal = folder / "print-journal"
        journal_is_new = not journal.exists()
        queue = PrintQueue(build_printer(printer, journal_file=journal))
    except (ConfigRefused, DeviceError, OSError) as error:
        raise click.UsageError(str(error)) from error
    server = AgentServer(
        url,
        credential=CredentialFile(of_server / CREDENTIAL_FILE, url),
        enrol_code=enrol_code,
        name=name or socket.gethostname(),
        ca_file=ca_file,
    )
    queue.start()
    try:
        PrintAgent(server, queue, journal_is_new=journal_is_new).run(stop)
    except CredentialRefused as error:
        raise click.ClickException("the server does not know this agent: enrol it anew") from error
    finally:
        queue.close()
        server.close()
