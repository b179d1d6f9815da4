"""Everybody the kit is run against here. What is expected of each stands in `expected/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from his_adapter.config_file import HisConfig
from his_adapter.conformance.kit import Outcome, certify
from his_adapter.demo.gateway import open_demo
from his_adapter.fhir_r4.emulated_hospital import Careless
from his_adapter.fhir_r4.emulator import FhirEmulator
from his_adapter.json_kiosk.emulator import JsonKioskEmulator
from his_adapter.models import (
    BirthDate,
    Gender,
    Identifier,
    IdentifierKind,
    PatientDraft,
    WriteKey,
)
from his_adapter.ports import HisGateway
from his_adapter.registry import open_gateway
from tests.conformance.careless import open_careless
from tests.conformance.hospitals import (
    COVERAGE,
    MARKER,
    MARKER_FACTS,
    prepared_demo,
    prepared_station,
)
from tests.contract.test_json_kiosk import make_settings
from tiepdon.demo.fhir_server.hospital import HOURLY, SETTINGS, WALK_IN, seed
from tiepdon.demo.fhir_server.process import FhirServer

TIME_LIMITS = {"connect_timeout_s": 2.0, "read_timeout_s": 5.0, "write_timeout_s": 15.0}

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
    """The FHIR door of the demo hospital, over HTTP."""
    prepared = prepared_demo(folder / "his")
    his = open_demo(folder / "his", clock=lambda: datetime.now(UTC))
    with FhirEmulator(his, careless=careless) as emulator:
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
            ),
        )


@contextmanager
def fhir_careless(folder: Path) -> Iterator[HisConfig]:
    """The same door where versions and dates are not looked at: our adapter looks
    itself, which is enough for dates, not for versions."""
    with fhir(folder, Careless(ignore_if_match=True, ignore_date_filters=True)) as config:
        yield config


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
        server.put(*seed(hours_from=tuple(now + timedelta(days=day) for day in range(0, 6, 2))))
        settings = {**SETTINGS, "base_url": server.base_url, **PATIENCE}
        gateway = open_gateway("fhir_r4", settings)
        gateway.create_patient(
            PatientDraft(
                full_name=MARKER_FACTS["full_name"],
                birth_date=BirthDate.from_iso(MARKER_FACTS["birth_date"]),
                gender=Gender(MARKER_FACTS["gender"]),
                address=MARKER_FACTS["address"],
                phone=MARKER_FACTS["phone"],
                identifiers=(Identifier(kind=IdentifierKind.ID12, value=MARKER),),
            ),
            key=WriteKey("certify-marker-1"),
        )
        gateway.close()
        yield HisConfig(
            adapter="fhir_r4",
            settings=settings,
            certify={
                "marker_patient": MARKER,
                "marker": MARKER_FACTS,
                "only_invented_people": True,
                "walk_in": str(WALK_IN),
                "hourly": str(HOURLY),
                "proxied_setting": "base_url",
                "ca_setting": "ca_file",
                "time_settings": TIME_LIMITS,
            },
        )


TARGETS: dict[str, Target] = {
    "builtin": builtin,
    "careless": careless,
    "demo": demo,
    "fhir": fhir,
    "fhir_careless": fhir_careless,
    "fhir_server": fhir_server,
    "json_kiosk": json_kiosk,
}


def open_target(config: HisConfig, settings: Mapping[str, Any]) -> HisGateway:
    """By entry point, but for the one that no hospital may choose."""
    if config.adapter == "careless":
        return open_careless(settings)
    return open_gateway(config.adapter, settings)


def certify_target(config: HisConfig, **options: Any) -> Outcome:
    return certify(config, opener=partial(open_target, config), **options)
