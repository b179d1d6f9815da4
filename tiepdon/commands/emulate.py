"""tiepdon emulate: stand-ins for remote parties, faithful to their descriptions, on loopback."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import click

EMULATORS = {
    "his-fhir": "his_adapter.fhir_r4.emulator",
    "his-json": "his_adapter.json_kiosk.emulator",
    "his-hl7": "his_adapter.hl7_v2.emulator",
    "bhxh": "his_adapter.bhxh.emulator",
    "bank": "payments.providers.vietqr_bank.emulator",
    "bidv": "payments.providers.bidv.emulator",
    "hdbank": "payments.providers.hdbank.emulator",
    "sepay": "payments.providers.sepay.emulator",
    "casso": "payments.providers.casso.emulator",
    "payos": "payments.providers.payos.emulator",
    "vnpay": "payments.providers.vnpay.emulator",
    "momo": "payments.providers.momo.emulator",
    "zalopay": "payments.providers.zalopay.emulator",
}
"""Name → module with `serve(*, port: int, seed: int) -> None`, which runs until it is stopped.

Port 0 takes a free one. Each prints one line with its address when it is ready.
"""


VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@click.command("emulate")
@click.argument("party", type=click.Choice(sorted(EMULATORS)))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free port")
@click.option("--seed", type=int, default=0, help="makes the invented data and faults repeatable")
def command(party: str, port: int, seed: int) -> None:
    """Runs a stand-in for PARTY on 127.0.0.1 until it is stopped; refuses production."""
    if os.environ.get("TIEPDON_ENV") == "production":
        raise click.ClickException("emulators refuse to run where TIEPDON_ENV is production")
    module = importlib.import_module(EMULATORS[party])
    serve = cast("Callable[..., None]", module.serve)
    if party == "bhxh":
        serve(port=port, seed=seed, validator=find_complaints)
    else:
        serve(port=port, seed=seed)


def find_complaints(untrusted_document: bytes) -> list[str]:
    """What the emulated gateway has against a check-in table: rules and fields, no values."""
    from backend.domain.checkin_table.rules import Circumstances, Severity, check_document
    from backend.domain.checkin_table.standard import standard_on
    from backend.domain.checkin_table.xml import NotACheckinTable, parse_checkin, read_rows

    now = datetime.now(UTC)
    standard = standard_on(now.astimezone(VIETNAM).date())
    try:
        rows = read_rows(parse_checkin(untrusted_document, standard), standard)
        facility = rows[0].get("MA_CSKCB", "") if rows else ""
        here = Circumstances(facility_code=facility, now=now, zone=VIETNAM)
        verdict = check_document(untrusted_document, standard, here)
    except NotACheckinTable:
        return ["not a check-in table"]
    return [
        f"{standard.row}[{finding.row}]/{finding.field}: {finding.rule}"
        for finding in verdict.findings
        if finding.severity is Severity.ERROR
    ]
