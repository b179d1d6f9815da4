"""Everybody the kit is run against here. What is expected of each stands in `expected/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from his_adapter.config_file import HisConfig
from his_adapter.demo.gateway import open_demo
from his_adapter.json_kiosk.emulator import JsonKioskEmulator
from tests.conformance.hospitals import COVERAGE, prepared_demo, prepared_station
from tests.contract.test_json_kiosk import make_settings

TIME_LIMITS = {"connect_timeout_s": 2.0, "read_timeout_s": 5.0, "write_timeout_s": 15.0}

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


TARGETS: dict[str, Target] = {"demo": demo, "builtin": builtin, "json_kiosk": json_kiosk}
