"""`tiepdon practice`: lessons on the real pages and a real kiosk, from which nothing leaves."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import click

from backend.services.describe_hospital import describe_hospital
from backend.services.enrol_kiosk import DEMO_CODE
from backend.services.import_settings import export_settings, import_settings, preview_import
from backend.services.settle_demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from his_adapter.demo.personas import PERSONAS
from kiosk_ui.errors import ConfigRefused
from kiosk_ui.gateway.http import checked_url
from tiepdon.demo.banks import DemoBanks
from tiepdon.demo.cards import draw_cards
from tiepdon.options import database_option, open_set_up_database, refusals

PORT = 8081
"""Where deploy/nginx/zz-tiepdon-practice.conf looks for a lesson."""
CA_FILE = "/etc/tiepdon/ca.crt"
KIOSK_DATA = "~/tiepdon-practice-kiosk"
HOSPITAL_FILE = "hospital.json"
DATABASE_FILE = "practice.sqlite3"
CARDS_FILE = "cards.html"
TAKEN_OVER = ("TIEPDON_SPEED", "PATH", "HOME", "LANG", "TZ", "TMPDIR", "VIRTUAL_ENV")
"""Of the environment. What leads to the hospital's other systems stays out of a lesson."""
OWN_WAYS = frozenset({"numbering", "letter_beside_his"})
"""Settings of how numbers come from the HIS: the one of a lesson gives none."""


@click.command()
@database_option
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("tiepdon-practice"),
    show_default=True,
    help="Where lessons are kept; may be deleted at any time.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--address",
    metavar="https://…",
    help="By which other machines reach that port, through nginx; TIEPDON_PRACTICE_ADDRESS for the"
    " usual port, which install.sh sets.",
)
@click.option("--anew", is_flag=True, help="Forget what was practised, and begin from nothing.")
def command(
    database_url: str | None, folder: Path, port: int, address: str | None, anew: bool
) -> None:
    """Serve a lesson: this hospital's rooms and settings, invented people, a mark on everything.

    The hospital's database (--db) is read once, for its rooms and settings, and never written to.
    Pages and kiosks are the real ones; numbers begin with L; paper says that it is for practice.
    Listens on this machine alone, as the hospital's server does: others come by nginx, with TLS.
    """
    address = find_address(address, port, os.environ)
    folder = folder.resolve()
    if anew and folder.exists():
        if not (folder / HOSPITAL_FILE).is_file():
            raise click.ClickException(f"{folder} holds something else than lessons")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = _take_hospital(database_url, folder)
    (folder / CARDS_FILE).write_text(draw_cards(PERSONAS), encoding="utf-8")
    _leave_hospital()
    here = f"http://127.0.0.1:{port}"
    with DemoBanks(folder / "money", server_address=here, real_qr=False) as money:
        environment = _environment(folder) | money.environment
        _take_settings(environment, settings)
        lesson = {
            **_describe(here, address),
            "wallet": money.wallet_app,
            "cards": str(folder / CARDS_FILE),
        }
        click.echo(json.dumps(lesson, ensure_ascii=False))
        raise SystemExit(_serve(environment, port=port))


def find_address(given: str | None, port: int, environ: Mapping[str, str]) -> str | None:
    """How other machines reach a lesson at that port; None when nothing is known to lead there.

    Raises UsageError for an address no kiosk would call.
    """
    if given is None and port == PORT:
        given = environ.get("TIEPDON_PRACTICE_ADDRESS") or None
    try:
        return checked_url(given) if given else None
    except ConfigRefused as error:
        raise click.UsageError(f"--address: {error}") from error


def _take_hospital(database_url: str | None, folder: Path) -> str:
    """Writes what the place of the lesson offers; the settings, to be taken afterwards."""
    file = folder / HOSPITAL_FILE
    with open_set_up_database(database_url) as database, refusals():
        hospital = describe_hospital(database)
        settings = json.loads(export_settings(database))
    file.write_text(json.dumps(hospital, ensure_ascii=False, indent=1), encoding="utf-8")
    kept = {name: value for name, value in settings["settings"].items() if name not in OWN_WAYS}
    lesson = {
        "format": settings["format"],
        "settings": kept,
        "priority_groups": settings["priority_groups"],
    }
    return json.dumps(lesson, ensure_ascii=False)


def _leave_hospital() -> None:
    """Nothing more is read from the hospital's settings; stand-ins refuse to run among them."""
    for name in [name for name in os.environ if name not in TAKEN_OVER]:
        del os.environ[name]


def _environment(folder: Path) -> dict[str, str]:
    return {name: os.environ[name] for name in TAKEN_OVER if name in os.environ} | {
        "TIEPDON_PRACTICE": "1",
        "TIEPDON_DB": f"sqlite:///{folder / DATABASE_FILE}",
        "TIEPDON_HIS": "demo",
        "TIEPDON_HIS_SETTINGS": json.dumps(
            {"folder": str(folder / "his"), "catalogue": str(folder / HOSPITAL_FILE)}
        ),
    }


def _take_settings(environment: dict[str, str], settings: str) -> None:
    """The hospital's own decisions, in a lesson too. Raises ClickException when they do not fit."""
    with open_set_up_database(None, environ=environment) as database, refusals():
        preview = preview_import(database, settings)
        import_settings(database, settings, seen=preview.seen)


def _serve(environment: dict[str, str], *, port: int) -> int:
    command = [sys.executable, "-m", "tiepdon", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    return process.wait()


def _describe(here: str, elsewhere: str | None) -> dict[str, object]:
    """What people need to begin; each command is whole, and true where it says."""
    lesson: dict[str, object] = {
        "pages": f"{elsewhere or here}/staff",
        "accounts": [name for name, _, _ in DEMO_ACCOUNTS],
        "password": DEMO_PASSWORD,
        "kiosk_here": f"{_program()} {_kiosk(here)} --window 540x960",
    }
    if elsewhere is not None:
        lesson["kiosk_installed"] = f"sudo tiepdon-lesson {elsewhere}"
        lesson["kiosk_elsewhere"] = f"TIEPDON_CA_FILE={CA_FILE} tiepdon {_kiosk(elsewhere)}"
    return lesson


def _kiosk(address: str) -> str:
    return (
        f"kiosk --backend {address} --enrol-code {DEMO_CODE} --scanner camera:0 --data {KIOSK_DATA}"
    )


def _program() -> str:
    """Of this release: `tiepdon` alone may be the one that works as the user of the server."""
    return shlex.quote(str(Path(sys.executable).with_name("tiepdon")))
