"""`tiepdon alert`: what a unit or script of this machine found, told as everything else is told."""

from __future__ import annotations

import json

import click

from backend.domain.alerts import AlertKind
from backend.services.raise_alert import clear_alert, raise_alert
from tiepdon.options import database_option, open_set_up_database

subject_option = click.option(
    "--subject", required=True, help="Machine or part it is about; nothing of a person."
)
MAX_SUBJECT_CHARS = 60


@click.group()
def command() -> None:
    """Raise or clear an alert for the people who keep the computers running.

    While one of a kind is open for a subject, raising it again tells nobody.
    """


@command.command("raise")
@click.argument("kind", type=click.Choice([kind.value for kind in AlertKind]))
@subject_option
@database_option
def raise_one(kind: str, subject: str, database_url: str | None) -> None:
    """Say that something is wrong."""
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
