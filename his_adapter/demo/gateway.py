"""The demo hospital behind the port: the builtin register, invented people, trouble on demand.

| Setting  | Meaning                                                     | Default      |
|----------|-------------------------------------------------------------|--------------|
| `folder` | data folder with the register and `faults.json`             | out/demo-his |
| `hours`  | `always` open, or `office` hours                            | always       |
| `catalogue` | file with what another place offers, as the builtin     | none: the    |
|          | register reads it; the invented people come there           | demo hospital|

Refuses to open where TIEPDON_ENV is production.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from his_adapter.builtin.base import Clock
from his_adapter.builtin.catalogue import Catalogue, load_catalogue
from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.builtin.store import Store
from his_adapter.demo.faults import FaultyLine, Sleep
from his_adapter.demo.fees import seed_fees
from his_adapter.demo.hospital import Hours, demo_catalogue
from his_adapter.demo.insurance import DemoInsurance
from his_adapter.demo.people import InventedPerson, crowd
from his_adapter.demo.personas import PERSONAS
from his_adapter.demo.records import seed_records
from his_adapter.demo.seeding import BookingRefresher, seed_people
from his_adapter.errors import GatewayMisconfigured
from his_adapter.ports import HisGateway

DEFAULT_FOLDER = "out/demo-his"
REGISTER_FILE = "register.sqlite3"


def open_demo(
    folder: Path,
    *,
    hours: Hours = Hours.ALWAYS,
    catalogue: Catalogue | None = None,
    clock: Clock,
    sleep: Sleep = time.sleep,
    issues_einvoices: bool = False,
) -> BuiltinGateway:
    """The demo hospital, or another place, in that folder, filled if it is empty."""
    store = Store(folder / REGISTER_FILE)
    catalogue = catalogue or demo_catalogue(hours)
    people = invented_crowd()
    seed_people(store, catalogue, people, now=clock())
    seed_records(store)
    seed_fees(store, now=clock())
    bookings = BookingRefresher(store, catalogue, crowd_size=len(people))
    return BuiltinGateway(
        store,
        catalogue,
        clock=clock,
        line=FaultyLine(folder, refresh=lambda: bookings.refresh(clock()), sleep=sleep),
        coverage=DemoInsurance((*PERSONAS, *people), folder, clock=clock, sleep=sleep),
        name="demo",
        keeps_line=True,
        issues_einvoices=issues_einvoices,
    )


@cache
def invented_crowd() -> tuple[InventedPerson, ...]:
    """Everybody of the demo hospital who has no part to play."""
    return tuple(crowd([persona.id_number for persona in PERSONAS if persona.id_number]))


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured in production and for settings that cannot be used."""
    if os.environ.get("TIEPDON_ENV") == "production":
        raise GatewayMisconfigured("the demo hospital refuses to run in production")
    if unknown := sorted(settings.keys() - {"folder", "hours", "catalogue"}):
        raise GatewayMisconfigured(f"unknown setting {unknown[0]}")
    try:
        hours = Hours(settings.get("hours") or Hours.ALWAYS)
    except ValueError as error:
        raise GatewayMisconfigured("hours is always or office") from error
    folder = Path(settings.get("folder") or DEFAULT_FOLDER)
    place = settings.get("catalogue")
    return open_demo(
        folder,
        hours=hours,
        catalogue=load_catalogue(Path(place)) if place else None,
        clock=lambda: datetime.now(UTC),
        issues_einvoices=True,
    )
