"""`tiepdon kiosks`: who may call the server as a kiosk."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from backend.services.enrol_kiosk import invite_kiosk, list_kiosks, revoke_kiosk
from tiepdon.options import check_name, database_option, open_set_up_database


@click.group()
def command() -> None:
    """Invite, list and revoke kiosks."""


@command.command()
@click.argument("name", callback=check_name)
@click.option("--agent", is_flag=True, help="Not a kiosk: a program that prints for staff.")
@database_option
def add(name: str, agent: bool, database_url: str | None) -> None:
    """Print a code that enrols one kiosk under NAME within 24 hours."""
    with open_set_up_database(database_url) as database:
        click.echo(invite_kiosk(database, name=name, kind="agent" if agent else "kiosk"))


@command.command("list")
@database_option
def list_(database_url: str | None) -> None:
    """One JSON line for each kiosk and each open invitation."""
    with open_set_up_database(database_url) as database:
        for kiosk in list_kiosks(database):
            click.echo(json.dumps(asdict(kiosk), default=datetime.isoformat, ensure_ascii=False))


@command.command()
@click.argument("name")
@database_option
def revoke(name: str, database_url: str | None) -> None:
    """End the credential of kiosk NAME, within seconds on every worker."""
    with open_set_up_database(database_url) as database:
        ended = revoke_kiosk(database, name=name)
    if not ended:
        raise click.ClickException(f"no kiosk or open invitation is named {name}")
    click.echo(f"{ended} revoked", err=True)
