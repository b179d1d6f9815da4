"""Everybody the kit is run against here. What is expected of each stands in `expected/`."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from his_adapter.config_file import HisConfig
from his_adapter.conformance.kit import Outcome, certify
from his_adapter.demo.gateway import open_demo
from his_adapter.fhir_r4.emulated_hospital import Careless
from his_adapter.fhir_r4.emulator import FhirEmulator
from his_adapter.hl7_v2.emulator import Hl7Emulator
from his_adapter.json_kiosk.emulator import JsonKioskEmulator
from his_adapter.ports import HisGateway
from his_adapter.registry import open_gateway
from tests.conformance.careless import open_careless
from tests.conformance.hospitals import COVERAGE, prepared_demo, prepared_station
from tests.contract.test_json_kiosk import make_settings

TIME_LIMITS = {"connect_timeout_s": 2.0, "read_timeout_s": 5.0, "write_timeout_s": 15.0}
HL7_TIME_LIMITS = {"connect_timeout_s": 2.0, "read_timeout_s": 5.0, "write_timeout_s": 10.0}

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
            settings=make_settings(emulator.base_url, folder),
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
    """The FHIR door of the demo hospital, over HTTP."""
    prepared = prepared_demo(folder / "his")
    his = open_demo(folder / "his", clock=lambda: datetime.now(UTC))
    with FhirEmulator(his, careless=careless) as emulator:
        yield HisConfig(
            adapter="fhir_r4",
            settings={**emulator.settings, **TIME_LIMITS},
            certify=prepared.certify(
                only_invented_people=True,
                walk_in="surgery",
                hourly="internal",
                proxied_setting="base_url",
                ca_setting="ca_file",
                time_settings=TIME_LIMITS,
            ),
        )


@contextmanager
def fhir_careless(folder: Path) -> Iterator[HisConfig]:
    """The same door where versions are not looked at: our adapter looks itself, which is not enough."""
    with fhir(folder, Careless(ignore_if_match=True)) as config:
        yield replace(config, settings={**config.settings, "booking": "transaction"})


@contextmanager
def hl7(folder: Path) -> Iterator[HisConfig]:
    """HL7 v2 over MLLP, with what the HIS sends by itself."""
    prepared = prepared_demo(folder / "his")
    his = open_demo(folder / "his", clock=lambda: datetime.now(UTC))
    with socket.create_server(("127.0.0.1", 0)) as free:
        feed_address = f"127.0.0.1:{free.getsockname()[1]}"
    with Hl7Emulator(his, folder) as emulator:
        feed = {"listen": feed_address, "file": str(folder / "feed.sqlite3")}
        settings = {**emulator.settings, **HL7_TIME_LIMITS, "feed": feed}
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


TARGETS: dict[str, Target] = {
    "builtin": builtin,
    "careless": careless,
    "demo": demo,
    "fhir": fhir,
    "fhir_careless": fhir_careless,
    "hl7": hl7,
    "json_kiosk": json_kiosk,
}


def open_target(config: HisConfig, settings: Mapping[str, Any]) -> HisGateway:
    """By entry point, but for the one that no hospital may choose."""
    if config.adapter == "careless":
        return open_careless(settings)
    return open_gateway(config.adapter, settings)


def certify_target(config: HisConfig, **options: Any) -> Outcome:
    return certify(config, opener=partial(open_target, config), **options)
