"""`tiepdon settings`: how the facility wants things done, from a terminal."""

from __future__ import annotations

import json

import click

from backend.services.change_settings import change_setting, read_settings
from tiepdon.options import database_option, open_set_up_database, refusals


@click.group()
def command() -> None:
    """Show and change settings of the facility. Servers see a change within seconds."""


@command.command()
@database_option
def show(database_url: str | None) -> None:
    """All settings as one JSON document, defaults included."""
    with open_set_up_database(database_url) as database, refusals():
        settings = read_settings(database)
    click.echo(json.dumps(settings, ensure_ascii=False, indent=2))


@command.command("set")
@click.argument("name")
@click.argument("value")
@database_option
def set_(name: str, value: str, database_url: str | None) -> None:
    """Give NAME (or GROUP.NAME) the VALUE, JSON or a plain word. Every change is on record."""
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    with open_set_up_database(database_url) as database, refusals():
        before = change_setting(database, name, parsed)
    click.echo(json.dumps({"name": name, "before": before, "after": parsed}, ensure_ascii=False))
