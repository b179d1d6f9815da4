"""Everybody the kit is run against here. What is expected of each stands in `expected/`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from his_adapter.builtin.clinic import Clinic
from his_adapter.config_file import HisConfig
from his_adapter.conformance.kit import Outcome, certify
from his_adapter.demo.gateway import open_demo
from his_adapter.fhir_r4.emulated.careless import Careless
from his_adapter.fhir_r4.emulator import FhirEmulator
from his_adapter.hl7_v2.emulator import Hl7Emulator
from his_adapter.json_kiosk.emulator import JsonKioskEmulator
from his_adapter.ports import HisGateway
from his_adapter.registry import open_gateway
from tests.conformance.careless import open_careless
from tests.conformance.example_views import ExampleClinic, example_database
from tests.conformance.hospitals import (
    COVERAGE,
    prepared_demo,
    prepared_station,
    prepared_through,
)
from tests.contract.test_json_kiosk import make_settings
from tests.contract.test_sql_views import example_settings
from tests.fhir_server.clinic import FhirClinic
from tests.postgres import PostgresServer
from tiepdon.demo.fhir_server.hospital import HOURLY, SETTINGS, WALK_IN, seed
from tiepdon.demo.fhir_server.process import FhirServer

TIME_LIMITS = {"connect_timeout_s": 2.0, "read_timeout_s": 5.0, "write_timeout_s": 15.0}
HL7_TIME_LIMITS = {"connect_timeout_s": 2.0, "read_timeout_s": 5.0, "write_timeout_s": 10.0}

PATIENCE = {"connect_timeout_s": 10.0, "read_timeout_s": 30.0, "write_timeout_s": 60.0}
"""On a calm line: a machine that does much else at once must not look like a slow HIS."""

Target = Callable[[Path], AbstractContextManager[HisConfig]]


@contextmanager
def demo(folder: Path) -> Iterator[HisConfig]:
    """The demo hospital, at hand in a file."""
    prepared = prepared_demo(folder / "demo")
    yield HisConfig(
        adapter="demo",
        settings={"folder": str(folder / "demo")},
        certify=prepared.certify(walk_in="surgery", hourly="internal", coverage=COVERAGE),
    )


@contextmanager
def builtin(folder: Path) -> Iterator[HisConfig]:
    """The register of a commune station, at hand in a file."""
    file = folder / "register.sqlite3"
    prepared = prepared_station(file)
    yield HisConfig(
        adapter="builtin",
        settings={"file": str(file)},
        certify=prepared.certify(walk_in="vaccination", hourly="examination"),
    )


@contextmanager
def json_kiosk(folder: Path) -> Iterator[HisConfig]:
    """The JSON kiosk contract with all extensions, over HTTP."""
    prepared = prepared_demo(folder / "his")
    his = open_demo(folder / "his", clock=lambda: datetime.now(UTC))
    wrong = folder / "wrong-secret"
    wrong.write_bytes(b"an invented secret of somebody else")
    with JsonKioskEmulator(his) as emulator:
        yield HisConfig(
            adapter="json_kiosk",
            settings=make_settings(emulator.base_url, folder, **PATIENCE),
            certify=prepared.certify(
                only_invented_people=True,
                walk_in="surgery",
                hourly="internal",
                coverage={name: COVERAGE[name] for name in ("valid", "expired", "wrong_name")},
                proxied_setting="base_url",
                time_settings=TIME_LIMITS,
                wrong_login={"secret_file": str(wrong)},
            ),
        )


@contextmanager
def fhir(folder: Path, careless: Careless | None = None) -> Iterator[HisConfig]:
    """The FHIR door of the demo hospital, over HTTP, with a login whose tokens end."""
    prepared = prepared_demo(folder / "his")
    his = open_demo(folder / "his", clock=lambda: datetime.now(UTC))
    secret, wrong = folder / "client-secret", folder / "wrong-secret"
    secret.write_text("an invented secret of the kiosk", encoding="utf-8")
    wrong.write_text("an invented secret of somebody else", encoding="utf-8")
    with FhirEmulator(his, careless=careless, client_secret_file=secret) as emulator:
        yield HisConfig(
            adapter="fhir_r4",
            settings={**emulator.settings, **PATIENCE},
            certify=prepared.certify(
                only_invented_people=True,
                walk_in="surgery",
                hourly="internal",
                proxied_setting="base_url",
                ca_setting="ca_file",
                time_settings=TIME_LIMITS,
                has_login=True,
                wrong_login={"auth.client_secret_file": str(wrong)},
            ),
        )


@contextmanager
def fhir_careless(folder: Path) -> Iterator[HisConfig]:
    """The same door where versions and dates are not looked at: our adapter looks
    itself, which is enough for dates, not for versions."""
    with fhir(folder, Careless(ignore_if_match=True, ignore_date_filters=True)) as config:
        yield config


@contextmanager
def hl7(folder: Path) -> Iterator[HisConfig]:
    """HL7 v2 over MLLP, with what the HIS sends by itself."""
    prepared = prepared_demo(folder / "his")
    his = open_demo(folder / "his", clock=lambda: datetime.now(UTC))
    with socket.create_server(("127.0.0.1", 0)) as free:
        feed_address = f"127.0.0.1:{free.getsockname()[1]}"
    with Hl7Emulator(his, folder) as emulator:
        feed = {"listen": feed_address, "file": str(folder / "feed.sqlite3")}
        settings = {**emulator.settings, **HL7_TIME_LIMITS, **PATIENCE, "feed": feed}
        receiver = open_gateway("hl7_v2", settings)
        emulator.send_feed_to(feed_address, from_the_beginning=True)
        emulator.push()
        yield HisConfig(
            adapter="hl7_v2",
            settings=settings,
            certify=prepared.certify(
                only_invented_people=True,
                walk_in="surgery",
                hourly="internal",
                corrected_report={"ref": prepared.corrected_report},
                proxied_setting="address",
                time_settings=HL7_TIME_LIMITS,
            ),
        )
        receiver.close()


@contextmanager
def careless(folder: Path) -> Iterator[HisConfig]:
    """A careless HIS behind an adapter that believes it."""
    with builtin(folder) as config:
        yield replace(config, adapter="careless")


@contextmanager
def fhir_server(_folder: Path) -> Iterator[HisConfig]:
    """The FHIR server of somebody else, filled with an invented hospital, over HTTP."""
    now = datetime.now(UTC)
    with FhirServer() as server:
        server.put(*seed(hours_from=tuple(now + timedelta(days=day) for day in range(6))))
        settings = {**SETTINGS, "base_url": server.base_url, **PATIENCE}
        gateway = open_gateway("fhir_r4", settings)
        clinic = cast("Clinic", FhirClinic(server, now))
        prepared = prepared_through(clinic, gateway)
        gateway.close()
        yield HisConfig(
            adapter="fhir_r4",
            settings=settings,
            certify=prepared.certify(
                only_invented_people=True,
                walk_in=str(WALK_IN),
                hourly=str(HOURLY),
                proxied_setting="base_url",
                ca_setting="ca_file",
                time_settings=TIME_LIMITS,
            ),
        )


@contextmanager
def sql_views(folder: Path, server: PostgresServer | None = None) -> Iterator[HisConfig]:
    """The views and procedures that a vendor is given as an example, in a PostgreSQL."""
    with example_database(server) as (url, account):
        # This database trusts its accounts; the password is there for what must not leak.
        password = folder / "password"
        password.write_text("an invented password of the account", encoding="utf-8")
        settings = example_settings(url, account=account, password_file=str(password))
        gateway = open_gateway("sql_views", settings)
        clinic = ExampleClinic(url)
        prepared = prepared_through(cast("Clinic", clinic), gateway)
        clinic.close()
        gateway.close()
        yield HisConfig(
            adapter="sql_views",
            settings=settings,
            certify=prepared.certify(
                only_invented_people=True,
                walk_in="shot",
                hourly="exam",
                wrong_login={"url": settings["url"].replace(f"{account}@", "nobody@")},
            ),
        )


@contextmanager
def compose(folder: Path) -> Iterator[HisConfig]:
    """Two doors to one register: it is read through one and written through the other."""
    with builtin(folder) as config:
        member = {"adapter": config.adapter, "settings": config.settings}
        yield HisConfig(
            adapter="compose",
            settings={"read": member, "write": member},
            certify={**config.certify, "only_invented_people": True},
        )


TARGETS: dict[str, Target] = {
    "builtin": builtin,
    "careless": careless,
    "compose": compose,
    "demo": demo,
    "fhir": fhir,
    "fhir_careless": fhir_careless,
    "fhir_server": fhir_server,
    "hl7": hl7,
    "json_kiosk": json_kiosk,
    "sql_views": sql_views,
}


def open_target(config: HisConfig, settings: Mapping[str, Any]) -> HisGateway:
    """By entry point, but for the one that no hospital may choose."""
    if config.adapter == "careless":
        return open_careless(settings)
    return open_gateway(config.adapter, settings)


def certify_target(config: HisConfig, **options: Any) -> Outcome:
    return certify(config, opener=partial(open_target, config), **options)
