"""`tiepdon payments`: proves the books of money."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from backend.services.verify_payments import verify_payments
from tiepdon.options import database_option, open_set_up_database, refusals


@click.group()
def command() -> None:
    """Prove the books of payments, compare them with a bank's statement."""


@command.command()
@database_option
def verify(database_url: str | None) -> None:
    """Every credit is in the books once, debit and credit agree, every state has its reason.

    Prints one JSON object: ok, counts, the balance of each account in đồng, and faults that name
    rows by id. Exit status 1 when anything is wrong.
    """
    with open_set_up_database(database_url) as database, refusals():
        with database.snapshot() as connection:
            verdict = verify_payments(connection, facility_id=database.facility_id)
        click.echo(json.dumps({"ok": verdict.ok, **asdict(verdict)}, ensure_ascii=False))
    if not verdict.ok:
        raise SystemExit(1)
