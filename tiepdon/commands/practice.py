"""`tiepdon practice`: lessons on the real pages and a real kiosk, from which nothing leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click

from backend.services.describe_hospital import describe_hospital
from backend.services.enrol_kiosk import DEMO_CODE
from backend.services.import_settings import export_settings, import_settings, preview_import
from backend.services.settle_demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from his_adapter.demo.personas import PERSONAS
from tiepdon.demo.banks import DemoBanks
from tiepdon.demo.cards import draw_cards
from tiepdon.options import database_option, open_set_up_database, refusals

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
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8081, show_default=True)
@click.option("--anew", is_flag=True, help="Forget what was practised, and begin from nothing.")
def command(database_url: str | None, folder: Path, host: str, port: int, anew: bool) -> None:
    """Serve a lesson: this hospital's rooms and settings, invented people, a mark on everything.

    The hospital's database (--db) is read once, for its rooms and settings, and never written to.
    Pages and kiosks are the real ones; numbers begin with L; paper says that it is for practice.
    """
    folder = folder.resolve()
    if anew and folder.exists():
        if not (folder / HOSPITAL_FILE).is_file():
            raise click.ClickException(f"{folder} holds something else than lessons")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = _take_hospital(database_url, folder)
    (folder / CARDS_FILE).write_text(draw_cards(PERSONAS), encoding="utf-8")
    address = f"http://127.0.0.1:{port}"
    with DemoBanks(folder / "money", server_address=address, real_qr=False) as money:
        environment = _environment(folder) | money.environment
        _take_settings(environment, settings)
        click.echo(
            json.dumps(
                _describe(host, port, money.wallet_app, folder / CARDS_FILE), ensure_ascii=False
            )
        )
        raise SystemExit(_serve(environment, host=host, port=port))


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


def _serve(environment: dict[str, str], *, host: str, port: int) -> int:
    command = [sys.executable, "-m", "tiepdon", "serve", "--host", host, "--port", str(port)]
    process = subprocess.Popen(command, env=environment)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    return process.wait()


def _describe(host: str, port: int, wallet: str, cards: Path) -> dict[str, object]:
    address = f"http://{host}:{port}"
    return {
        "pages": f"{address}/staff",
        "accounts": [name for name, _, _ in DEMO_ACCOUNTS],
        "password": DEMO_PASSWORD,
        "kiosk": f"tiepdon kiosk --backend {address} --enrol-code {DEMO_CODE}",
        "wallet": wallet,
        "cards": str(cards),
    }
