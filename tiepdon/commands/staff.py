"""`tiepdon staff`: who may answer calls for help."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from backend.services.admit_staff import add_staff, list_staff, revoke_staff
from tiepdon.options import check_name, database_option, open_set_up_database


@click.group()
def command() -> None:
    """Add, list and revoke staff codes."""


@command.command()
@click.argument("name", callback=check_name)
@database_option
def add(name: str, database_url: str | None) -> None:
    """Print the code of NAME, once: it opens the staff page and is a bearer credential."""
    with open_set_up_database(database_url) as database:
        click.echo(add_staff(database, name=name))


@command.command("list")
@database_option
def list_(database_url: str | None) -> None:
    """One JSON line for each code that was given out, without the code."""
    with open_set_up_database(database_url) as database:
        for staff in list_staff(database):
            click.echo(json.dumps(asdict(staff), default=datetime.isoformat, ensure_ascii=False))


@command.command()
@click.argument("name")
@database_option
def revoke(name: str, database_url: str | None) -> None:
    """End the codes of NAME, within seconds on every worker."""
    with open_set_up_database(database_url) as database:
        ended = revoke_staff(database, name=name)
    if not ended:
        raise click.ClickException(f"no staff code is in the name of {name}")
    click.echo(f"{ended} revoked", err=True)
