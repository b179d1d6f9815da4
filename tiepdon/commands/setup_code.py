"""`tiepdon setup-code`: lets the first administrator of an empty server in."""

from __future__ import annotations

import click

from backend.services.first_set_up import make_set_up_code
from tiepdon.options import database_option, open_set_up_database


@click.command()
@database_option
def command(database_url: str | None) -> None:
    """Print a one-time code for /staff/setup; the one before is no longer valid.

    It is valid for 24 hours, and refused once the server has an administrator.
    """
    with open_set_up_database(database_url) as database:
        code = make_set_up_code(database)
    click.echo(code)
    click.echo("Open /staff/setup of this server in a browser and type the code", err=True)
