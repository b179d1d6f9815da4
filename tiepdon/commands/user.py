"""`tiepdon user`: accounts of staff."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from backend.domain.roles import StaffRole
from backend.services import manage_users
from backend.services.review_rights import review_rights
from backend.storage.catalogue import CatalogueSource
from tiepdon.options import check_name, database_option, open_set_up_database

_role_option = click.option(
    "--role",
    "roles",
    type=click.Choice([role.value for role in StaffRole]),
    multiple=True,
    required=True,
    help="Say it once for each role.",
)


@click.group()
def command() -> None:
    """Accounts of staff: everybody has their own, with roles."""


@command.command()
@click.argument("name", callback=check_name)
@_role_option
@click.option(
    "--display-name", callback=check_name, help="As it stands on pages; NAME unless given."
)
@click.option("--room", "rooms", multiple=True, metavar="CODE", help="May call for this room only.")
@database_option
def add(
    name: str,
    roles: tuple[str, ...],
    display_name: str | None,
    rooms: tuple[str, ...],
    database_url: str | None,
) -> None:
    """Print a one-time password for NAME: it is changed at the first sign-in, within 7 days."""
    with open_set_up_database(database_url) as database:
        password = manage_users.add_user(
            database,
            name=name,
            roles=map(StaffRole, roles),
            display_name=display_name,
            room_codes=rooms,
        )
    _hand_over(name, password)


@command.command("list")
@database_option
def list_(database_url: str | None) -> None:
    """One JSON line for each account: who may do what, and when they were here last."""
    with open_set_up_database(database_url) as database:
        for user in manage_users.list_users(database):
            click.echo(json.dumps(asdict(user), default=datetime.isoformat, ensure_ascii=False))


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@database_option
def review(file: Path, database_url: str | None) -> None:
    """Write who may do what to FILE (CSV), or to standard output as -, to be looked through and
    signed once a year. That it was made is on record.
    """
    with open_set_up_database(database_url) as database:
        zone = CatalogueSource(database).get().zone
        text = review_rights(database, actor=manage_users.COMMAND, zone=zone)
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8-sig", newline="")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error


@command.command()
@click.argument("name")
@database_option
def disable(name: str, database_url: str | None) -> None:
    """End every sign-in and token of NAME, and let nobody in under it."""
    with open_set_up_database(database_url) as database:
        manage_users.disable_user(database, name=name)
    click.echo(f"{name} is disabled", err=True)


@command.command()
@click.argument("name")
@database_option
def unlock(name: str, database_url: str | None) -> None:
    """Forget the wrong tries of NAME; open the account again if it was disabled."""
    with open_set_up_database(database_url) as database:
        manage_users.unlock_user(database, name=name)
    click.echo(f"{name} is unlocked", err=True)


@command.command("reset-password")
@click.argument("name")
@database_option
def reset_password(name: str, database_url: str | None) -> None:
    """Print a new one-time password for NAME; takes the second factor away too."""
    with open_set_up_database(database_url) as database:
        password = manage_users.reset_password(database, name=name)
    _hand_over(name, password)


@command.command()
@click.argument("name")
@click.option("--revoke", is_flag=True, help="End all tokens of NAME instead.")
@database_option
def token(name: str, revoke: bool, database_url: str | None) -> None:
    """Print a token with the rights of NAME for a program, once; it lives a year."""
    with open_set_up_database(database_url) as database:
        if revoke:
            ended = manage_users.end_api_tokens(database, name=name)
            click.echo(f"{ended} revoked", err=True)
        else:
            click.echo(manage_users.make_api_token(database, name=name))


@command.command()
@click.argument("name")
@_role_option
@click.option("--room", "rooms", multiple=True, metavar="CODE", help="May call for this room only.")
@click.option("--all-rooms", is_flag=True, help="May call for every room.")
@database_option
def roles(
    name: str,
    roles: tuple[str, ...],
    rooms: tuple[str, ...],
    all_rooms: bool,
    database_url: str | None,
) -> None:
    """Give NAME these roles and no others; rooms stay as they are unless named."""
    with open_set_up_database(database_url) as database:
        manage_users.set_roles(
            database,
            name=name,
            roles=map(StaffRole, roles),
            room_codes=rooms if rooms or all_rooms else None,
        )
    click.echo(f"{name}: {', '.join(sorted(set(roles)))}", err=True)


def _hand_over(name: str, password: str) -> None:
    click.echo(password)
    click.echo(
        f"One-time password of {name}: hand it over in person, it is changed first", err=True
    )
