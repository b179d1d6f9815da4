"""`tiepdon alerts`: what is wrong, and whether people can be told of it."""

from __future__ import annotations

import json
import os
from datetime import datetime

import click

from backend.config import load_config
from backend.domain.alerts import AlertKind
from backend.domain.ids import new_id
from backend.services.raise_alert import clear_alert, raise_alert
from backend.services.send_alerts import NotTold, send_message
from backend.services.show_alerts import list_alerts
from backend.services.write_alert_message import write_trial
from backend.storage.catalogue import load_catalogue
from tiepdon.options import database_option, open_set_up_database, refusals


@click.group()
def command() -> None:
    """List what is wrong; try whether mail and webhooks reach anybody.

    Units and scripts of this machine say with `raise` and `clear` what they found.
    """


@command.command("list")
@click.option("--past", is_flag=True, help="What is over, the latest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@database_option
def list_(past: bool, as_json: bool, database_url: str | None) -> None:
    """One line for each alert that is open, the newest first. Nothing of a patient is in it."""
    with open_set_up_database(database_url) as database, refusals():
        with database.read() as connection:
            zone = load_catalogue(connection, database.facility_id).zone
        for alert in list_alerts(database, "vi", past=past):
            if as_json:
                facts = {
                    "id": alert.id,
                    "kind": alert.kind,
                    "subject": alert.subject,
                    "raised_at": alert.raised_at,
                    "cleared_at": alert.cleared_at,
                }
                click.echo(json.dumps(facts, default=datetime.isoformat, ensure_ascii=False))
                continue
            since = alert.raised_at.astimezone(zone).strftime("%d/%m %H:%M")
            click.echo(f"{since}  {alert.name}: {alert.words.raised}. {alert.words.todo}")


@command.command()
@database_option
def test(database_url: str | None) -> None:
    """Send a trial over every channel of TIEPDON_ALERTS_CONFIG, now.

    Prints a line of JSON for each; exit status 1 when one did not get through.
    """
    with refusals():
        channels = load_config(os.environ, needs_keys=False).alert_channels
    if not channels:
        raise click.ClickException("TIEPDON_ALERTS_CONFIG is not set: nobody is told of alerts")
    with open_set_up_database(database_url) as database, refusals():
        with database.read() as connection:
            catalogue = load_catalogue(connection, database.facility_id)
        now = database.clock()
        message = write_trial(
            new_id(), facility=catalogue.facility_name, now=now, zone=catalogue.zone
        )
    failed = False
    for channel in channels:
        try:
            error = send_message(channel, message, now=now)
        except NotTold as refusal:
            error = refusal.code
        failed = failed or error is not None
        click.echo(json.dumps({"channel": channel.name, "ok": error is None, "error": error}))
    if failed:
        raise SystemExit(1)


subject_option = click.option(
    "--subject", required=True, help="What it is about, such as server:NAME; nothing of a person."
)
MAX_SUBJECT_CHARS = 100


@command.command("raise")
@click.argument("kind", type=click.Choice([kind.value for kind in AlertKind]))
@subject_option
@database_option
def raise_one(kind: str, subject: str, database_url: str | None) -> None:
    """Say that something is wrong; while it is open, saying it again tells nobody."""
    with open_set_up_database(database_url) as database:
        new = database.transact(
            lambda unit: raise_alert(unit, AlertKind(kind), subject=subject[:MAX_SUBJECT_CHARS])
        )
    click.echo(json.dumps({"ok": True, "new": new}))


@command.command("clear")
@click.argument("kind", type=click.Choice([kind.value for kind in AlertKind]))
@subject_option
@database_option
def clear_one(kind: str, subject: str, database_url: str | None) -> None:
    """Say that it is right again."""
    with open_set_up_database(database_url) as database:
        was_open = database.transact(
            lambda unit: clear_alert(unit, AlertKind(kind), subject=subject[:MAX_SUBJECT_CHARS])
        )
    click.echo(json.dumps({"ok": True, "was_open": was_open}))
