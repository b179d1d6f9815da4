"""`tiepdon read-number`: how the voice reads a number."""

from __future__ import annotations

import click

from backend.domain.reading import MAX_NUMBER, read_number


@click.command("read-number")
@click.argument("number", metavar="N", type=click.IntRange(0, MAX_NUMBER))
@click.option("--south", is_flag=True, help="As people in the south say it.")
def command(*, number: int, south: bool) -> None:
    """Print the Vietnamese words of the whole number N."""
    click.echo(read_number(number, "nam" if south else "bac"))
