"""tiepdon emulate: stand-ins for remote parties, faithful to their descriptions, on loopback."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import cast

import click

EMULATORS = {
    "his-fhir": "his_adapter.fhir_r4.emulator",
    "his-json": "his_adapter.json_kiosk.emulator",
    "his-hl7": "his_adapter.hl7_v2.emulator",
    "bhxh": "his_adapter.bhxh.emulator",
}
"""Name → module with `serve(*, port: int, seed: int) -> None`, which runs until it is stopped.

Port 0 takes a free one. Each prints one line with its address when it is ready.
"""


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
    serve(port=port, seed=seed)
