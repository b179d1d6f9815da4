"""`tiepdon doctor`: what works on this machine, and the cause of what does not."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import click
import requests
from sqlalchemy import make_url, text

from backend.config import Config, load_config
from backend.errors import BackendError, VoiceUnavailable
from backend.services.keep_outbox import look_at_outbox
from backend.storage.database import open_database
from backend.storage.migrate import is_at_head
from backend.voice.espeak import EspeakEngine
from backend.voice.ports import VoiceStyle
from backend.voice.recorded import load_packs
from backend.web.assets import FONTS, font_folder
from devices.errors import DeviceError
from devices.registry import build_printer, build_scanner
from his_adapter.conformance.settings import read_certify_settings
from his_adapter.errors import HisError
from his_adapter.models import HealthState
from his_adapter.registry import open_gateway, open_insurer
from his_adapter.selftest import findings as his_findings
from payments.errors import PaymentError
from payments.registry import open_providers
from tiepdon.options import database_option, refusals

SCANNER_WAIT_S = 4.0
MAX_SKEW_S = 5.0
BACKEND_TIMEOUT_S = 5.0
VOICE_WAIT_S = 5.0
FIRST_YEAR = 2026


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`ok` is None for what was not asked about; a failure has its cause."""

    check: str
    ok: bool | None
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    config: Config
    printer: str | None
    scanner: str | None
    backend: str | None

    @property
    def is_kiosk(self) -> bool:
        return any((self.printer, self.scanner, self.backend))


class Failed(Exception):
    """The cause in words for a technician."""


class NotAsked(Exception):
    """Why there is nothing to check."""


@click.command()
@database_option
@click.option("--printer", metavar="P", help="As for `tiepdon kiosk`: tcp://H:P, usb:VID:PID, …")
@click.option("--scanner", metavar="S", help="As for `tiepdon kiosk`: camera:0, serial:/dev/…, …")
@click.option("--backend", metavar="URL", help="The server a kiosk speaks to.")
def command(
    database_url: str | None, printer: str | None, scanner: str | None, backend: str | None
) -> None:
    """Check database, HIS, payments, outbox, server, printer, scanner, camera, screen, typeface, voice and clock.

    One JSON line each on standard output. Devices are checked when they are named; naming one, or
    a server, makes this a kiosk, which needs a screen. Exit status 1 when anything fails.
    """
    with refusals():
        config = load_config(os.environ, needs_keys=False, database_url=database_url)
    asked = Asked(config=config, printer=printer, scanner=scanner, backend=backend)
    findings = [_find(name, check, asked) for name, check in CHECKS.items()]
    for finding in findings:
        click.echo(json.dumps(asdict(finding), ensure_ascii=False))
        sign = {True: "ok", False: "FAILED", None: "not checked"}[finding.ok]
        click.echo(f"{finding.check:9} {sign}{_tail(finding)}", err=True)
    if any(finding.ok is False for finding in findings):
        raise SystemExit(1)


def _tail(finding: Finding) -> str:
    return f": {finding.cause}" if finding.cause else ""


def _find(name: str, check: Callable[[Asked], None], asked: Asked) -> Finding:
    try:
        check(asked)
    except NotAsked as reason:
        return Finding(check=name, ok=None, cause=str(reason))
    except Failed as failure:
        return Finding(check=name, ok=False, cause=str(failure))
    return Finding(check=name, ok=True)


def _check_database(asked: Asked) -> None:
    if asked.backend and not os.environ.get("TIEPDON_DB"):
        raise NotAsked("a kiosk has none")
    file = make_url(asked.config.database_url).database
    if asked.config.database_url.startswith("sqlite") and not Path(file or "").is_file():
        raise Failed(f"{file} does not exist: start `tiepdon serve` once")
    database = open_database(asked.config)
    try:
        if not is_at_head(database.engine):
            raise Failed("waits for its migrations: start `tiepdon serve` once")
    except BackendError as error:
        raise Failed(f"does not open: {type(error.__cause__).__name__}") from error
    finally:
        database.close()


def _check_his(asked: Asked) -> None:
    if asked.backend:
        raise NotAsked("the server asks it")
    try:
        gateway = open_gateway(asked.config.his_adapter, asked.config.his_settings)
    except HisError as error:
        raise Failed(f"adapter {asked.config.his_adapter}: {error}") from error
    try:
        health = gateway.health()
        if health.state is not HealthState.OK:
            raise Failed(f"{health.state.value}: {health.cause or 'no cause given'}")
        facts = asked.config.his_certify
        settings = read_certify_settings(facts) if facts else None
        wrong = [
            finding.message_vi
            for finding in his_findings(gateway, settings, thorough=False)
            if finding.ok is False
        ]
    except HisError as error:
        raise Failed(str(error)) from error
    finally:
        gateway.close()
    if wrong:
        raise Failed(" ".join(wrong))


def _check_insurer(asked: Asked) -> None:
    config = asked.config
    if asked.backend:
        raise NotAsked("the server asks it")
    if config.insurer is None:
        raise NotAsked("the HIS is asked about cards")
    try:
        insurer = open_insurer(config.insurer, config.insurer_settings)
    except HisError as error:
        raise Failed(f"insurer {config.insurer}: {error}") from error
    try:
        health = insurer.health()
    finally:
        insurer.close()
    if health.state is not HealthState.OK:
        raise Failed(f"{health.state.value}: {health.cause or 'no cause given'}")


def _check_payments(asked: Asked) -> None:
    """Each bank and wallet by itself: one that is away leaves the others."""
    if asked.backend:
        raise NotAsked("the server asks them")
    if not asked.config.payments:
        raise NotAsked("cash only: TIEPDON_PAYMENTS_CONFIG is not set")
    try:
        providers = open_providers(asked.config.payments)
    except PaymentError as error:
        raise Failed(str(error)) from error
    wrong = []
    for name, provider in providers.items():
        try:
            provider.check()
        except PaymentError as error:
            wrong.append(f"{name}: {error}")
        finally:
            provider.close()
    if wrong:
        raise Failed("; ".join(wrong))


_PARTY_FAULTS = {
    "login": "{party} refuses the password of this system, for {minutes:.0f} minutes",
    "forbidden": "{party} does not let this system in, for {minutes:.0f} minutes",
    "broken-reply": "{party} gives answers that cannot be read, for {minutes:.0f} minutes:"
    " look for a proxy in between",
    "misconfigured": "settings or certificate for {party} are wrong, for {minutes:.0f} minutes",
}


def _check_outbox(asked: Asked) -> None:
    """As the workers see it: they may be on another machine than this one."""
    if asked.backend:
        raise NotAsked("the server sends messages")
    try:
        _check_database(asked)
    except Failed as error:
        raise NotAsked("the database cannot be read") from error
    database = open_database(asked.config)
    try:
        parties = look_at_outbox(database)
        now = database.clock()
    finally:
        database.close()
    faults = [
        _PARTY_FAULTS.get(
            each.fault or "", "{party} has not answered for {minutes:.0f} minutes"
        ).format(party=each.party, minutes=each.away_s(now) / 60)
        for each in parties
        if each.away_since is not None
    ]
    faults += [
        f"{each.dead} dead letters to {each.party}: `tiepdon outbox list`"
        for each in parties
        if each.dead
    ]
    if faults:
        raise Failed("; ".join(faults))


def _check_server(asked: Asked) -> None:
    if not asked.backend:
        raise NotAsked("no --backend given")
    _ask_backend(asked.backend)


def _ask_backend(backend: str) -> datetime | None:
    """The server's clock. Raises Failed when it is not ready."""
    try:
        reply = requests.get(f"{backend.rstrip('/')}/readyz", timeout=BACKEND_TIMEOUT_S)
    except requests.RequestException as error:
        raise Failed(f"{backend} does not answer: {type(error).__name__}") from error
    if not reply.ok:
        raise Failed(f"{backend} is not ready: status {reply.status_code}")
    date = reply.headers.get("Date")
    return parsedate_to_datetime(date) if date else None


def _check_printer(asked: Asked) -> None:
    if not asked.printer:
        raise NotAsked("no --printer given")
    try:
        printer = build_printer(asked.printer)
        try:
            status = printer.status()
        finally:
            printer.close()
    except (DeviceError, OSError) as error:
        raise Failed(f"{asked.printer}: {error}") from error
    if not status.can_print:
        raise Failed(": ".join(filter(None, (status.state, status.cause))))


def _check_scanner(asked: Asked) -> None:
    if not asked.scanner:
        raise NotAsked("no --scanner given")
    try:
        scanner = build_scanner(asked.scanner)
    except DeviceError as error:
        raise Failed(f"{asked.scanner}: {error}") from error
    scanner.open()
    try:
        give_up_at = time.monotonic() + SCANNER_WAIT_S
        status = scanner.status()
        while not status.can_read and time.monotonic() < give_up_at:
            time.sleep(0.1)
            status = scanner.status()
    finally:
        scanner.close()
    if not status.can_read:
        raise Failed(": ".join(filter(None, (status.state, status.cause))))


def _check_camera(asked: Asked) -> None:
    if not (asked.scanner or "").startswith(("camera:", "mjpeg:", "video:", "dir:")):
        raise NotAsked("the scanner is not a camera" if asked.scanner else "no --scanner given")
    _check_scanner(asked)


def _check_screen(asked: Asked) -> None:
    if not asked.is_kiosk:
        raise NotAsked("a server needs none")
    display = os.environ.get("DISPLAY", "")
    if not display:
        raise Failed("DISPLAY is not set: no X session")
    number = display.rpartition(":")[2].partition(".")[0]
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(f"/tmp/.X11-unix/X{number}")  # noqa: S108 - where X listens
        except OSError as error:
            raise Failed(f"display {display} does not answer: {error.strerror}") from error


def _check_typeface(_asked: Asked) -> None:
    """Without it tickets and screens would lack Vietnamese letters."""
    folder = font_folder()
    missing = [name for name in FONTS if not (folder / f"BeVietnamPro_{name}").is_file()]
    if missing:
        raise Failed(f"{', '.join(missing)} not in {folder}: run `make setup`")


def _check_voice(asked: Asked) -> None:
    """A phrase said anew: without a voice halls stay silent, though boards go on."""
    if asked.backend:
        raise NotAsked("the server speaks")
    faults = [
        f"{pack.name}: {fault}"
        for pack in load_packs(asked.config.packs_folder)
        for fault in pack.faults
    ]
    if faults:
        raise Failed(f"{len(faults)} recordings cannot be used, such as {faults[0]}")
    try:
        EspeakEngine().synthesise("một", VoiceStyle(language="vi"), timeout_s=VOICE_WAIT_S)
    except VoiceUnavailable as error:
        raise Failed(f"{error}: apt install espeak-ng") from error


def _check_clock(asked: Asked) -> None:
    now = datetime.now(UTC)
    if now.year < FIRST_YEAR:
        raise Failed(f"it says {now:%Y-%m-%d}: set the clock, check the battery")
    other = _other_clock(asked)
    if other is not None and abs((datetime.now(UTC) - other).total_seconds()) > MAX_SKEW_S:
        raise Failed(f"differs from the server by more than {MAX_SKEW_S:.0f} s: check NTP")


def _other_clock(asked: Asked) -> datetime | None:
    """The clock of the server, or of a database on another machine; None when there is none."""
    if asked.backend:
        try:
            return _ask_backend(asked.backend)
        except Failed:
            return None
    if asked.config.database_url.startswith("sqlite"):
        return None
    database = open_database(asked.config)
    try:
        with database.read() as connection:
            moment: datetime = connection.execute(text("SELECT now()")).scalar_one()
            return moment
    except BackendError:
        return None
    finally:
        database.close()


CHECKS: dict[str, Callable[[Asked], None]] = {
    "database": _check_database,
    "his": _check_his,
    "insurer": _check_insurer,
    "payments": _check_payments,
    "outbox": _check_outbox,
    "server": _check_server,
    "printer": _check_printer,
    "scanner": _check_scanner,
    "camera": _check_camera,
    "screen": _check_screen,
    "typeface": _check_typeface,
    "voice": _check_voice,
    "clock": _check_clock,
}
