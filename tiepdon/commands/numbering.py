"""`tiepdon numbering`: whose number is printed and called, ours or that of the HIS."""

from __future__ import annotations

import json

import click

from backend.domain.numbering import Numbering
from backend.services.choose_numbering import choose_numbering
from tiepdon.options import database_option, open_set_up_database

LONGEST_WAIT_S = 2.0


@click.command()
@click.argument("numbering", type=click.Choice([each.value for each in Numbering]))
@click.option("--letter", help="Of our numbers while the HIS numbers; one it never uses.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0.2, LONGEST_WAIT_S),
    help="Seconds a patient waits for the number of the HIS.",
)
@database_option
def command(
    numbering: str, letter: str | None, wait_s: float | None, database_url: str | None
) -> None:
    """Print and call OWN numbers, or those of the HIS when it answers in time."""
    with open_set_up_database(database_url) as database:
        settings = choose_numbering(database, numbering, letter=letter, wait_s=wait_s)
    click.echo(
        json.dumps(
            {
                "numbering": settings.numbering,
                "letter_beside_his": settings.letter_beside_his,
                "wait_s": settings.numbering_wait_s,
            }
        )
    )
