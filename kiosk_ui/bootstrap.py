"""The only place that builds gateway, devices and presenters."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib import metadata

from devices.errors import DeviceError
from devices.registry import build_printer, build_scanner
from kiosk_ui.config import KioskConfig
from kiosk_ui.errors import ConfigRefused
from kiosk_ui.gateway.command_journal import CommandJournalFile
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.http import HttpGateway
from kiosk_ui.gateway.offline_numbers import OfflineNumberJournal
from kiosk_ui.gateway.print_reports import PrintReportJournal
from kiosk_ui.gateway.server_folder import CREDENTIAL_FILE, settle_server_folder
from kiosk_ui.local_log import LogFolder
from kiosk_ui.machine import LinuxMachine
from kiosk_ui.presenters.kiosk import Kiosk
from kiosk_ui.presenters.ports import Upkeep
from kiosk_ui.ticket_printing import DevicePrinting
from kiosk_ui.worker import ThreadWorker


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def ticks_s(self) -> float:
        return time.monotonic()


def build_kiosk(config: KioskConfig) -> Kiosk:
    """A kiosk that begins to look for its server and devices; nothing needs to be there yet.

    Raises ConfigRefused for settings that can never work: a device of unknown kind, a data
    folder that cannot be written or is another kiosk's.
    """
    try:
        of_server = settle_server_folder(config.data_dir, config.backend_url)
        scanner = build_scanner(config.scanner)
        # What was printed is this machine's to know, whoever asked; and it keeps a second kiosk out.
        printer = config.printer and build_printer(
            config.printer, journal_file=config.data_dir / "print-journal"
        )
    except (DeviceError, OSError) as error:
        raise ConfigRefused(str(error)) from error
    gateway = HttpGateway(
        config.backend_url,
        credential=CredentialFile(of_server / CREDENTIAL_FILE, config.backend_url),
        enrol_code=config.enrol_code,
        name=config.name,
        ca_file=config.ca_file,
    )
    clock = SystemClock()
    try:
        offline = OfflineNumberJournal(of_server / "offline-numbers", gateway, now=clock.now)
    except OSError as error:
        raise ConfigRefused(str(error)) from error
    return Kiosk(
        gateway=gateway,
        scanner=scanner,
        printer=DevicePrinting(printer or None),
        reports=PrintReportJournal(of_server / "print-reports", gateway),
        offline=offline,
        worker=ThreadWorker(),
        clock=clock,
        place=config.place,
        upkeep=Upkeep(
            version=metadata.version("tiepdon"),
            machine=LinuxMachine(config.data_dir),
            journal=CommandJournalFile(of_server / "commands"),
            log=LogFolder(config.log_dir),
            expects_touch=config.production,
            looks_for_people=config.looks_for_people,
        ),
    )
