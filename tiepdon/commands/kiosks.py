"""`tiepdon kiosks`: who may call the server as a kiosk."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from backend.domain.settings import Words
from backend.errors import ValidationFailed
from backend.services.change_kiosk import USUAL_WORDS, pause_kiosk, resume_kiosk, set_profile
from backend.services.enrol_kiosk import (
    KioskKind,
    invite_kiosk,
    invite_replacement,
    list_kiosks,
    revoke_kiosk,
)
from backend.storage.database import Database
from backend.storage.kiosk_tables import KIOSK_PROFILES
from tiepdon.options import check_name, database_option, open_set_up_database

ACTOR = "command"


@click.group()
def command() -> None:
    """Invite, list, replace, pause and revoke kiosks."""


@command.command()
@click.argument("name", callback=check_name)
@click.option("--agent", is_flag=True, help="Not a kiosk: a program that prints for staff.")
@click.option(
    "--profile",
    type=click.Choice(KIOSK_PROFILES),
    default=KIOSK_PROFILES[0],
    show_default=True,
    help="What it is used for.",
)
@database_option
def add(name: str, agent: bool, profile: str, database_url: str | None) -> None:
    """Print a code that enrols one kiosk under NAME within 24 hours."""
    with open_set_up_database(database_url) as database:
        kind: KioskKind = "agent" if agent else "kiosk"
        click.echo(invite_kiosk(database, name=name, kind=kind, profile=profile))


@command.command()
@click.argument("name")
@database_option
def replace(name: str, database_url: str | None) -> None:
    """Print a code that puts new hardware in the place of kiosk NAME within 24 hours.

    It keeps name, profile and letters; the old machine is shut out once the code is used.
    """
    with open_set_up_database(database_url) as database:
        click.echo(invite_replacement(database, _find(database, name), actor=ACTOR))


@command.command()
@click.argument("name")
@click.argument("profile", type=click.Choice(KIOSK_PROFILES))
@database_option
def profile(name: str, profile: str, database_url: str | None) -> None:
    """Say what kiosk NAME is used for; it follows within half a minute."""
    with open_set_up_database(database_url) as database:
        set_profile(database, _find(database, name), profile, actor=ACTOR)


@command.command()
@click.argument("name")
@click.option("--vi", default=USUAL_WORDS.vi, show_default=True, help="Words for the glass.")
@click.option("--en", default=USUAL_WORDS.en, show_default=True, help="The same in English.")
@database_option
def pause(name: str, vi: str, en: str, database_url: str | None) -> None:
    """Take kiosk NAME out of service, with words for the glass."""
    with open_set_up_database(database_url) as database:
        try:
            pause_kiosk(database, _find(database, name), Words(vi=vi, en=en), actor=ACTOR)
        except ValidationFailed as error:
            raise click.ClickException(str(error)) from error


@command.command()
@click.argument("name")
@database_option
def resume(name: str, database_url: str | None) -> None:
    """Put kiosk NAME back in service."""
    with open_set_up_database(database_url) as database:
        if not resume_kiosk(database, _find(database, name), actor=ACTOR):
            click.echo("was in service already", err=True)


def _find(database: Database, name: str) -> str:
    """The id of the kiosk in use under that name. Raises ClickException."""
    ids = [
        each.id for each in list_kiosks(database) if each.name == name and each.revoked_at is None
    ]
    known = [each for each in ids if each is not None]
    if len(known) != 1:
        raise click.ClickException(f"{len(known)} kiosks in use are named {name}")
    return known[0]


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
