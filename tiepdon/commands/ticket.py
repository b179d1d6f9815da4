"""`tiepdon ticket`: draws one ticket as a picture and as the bytes a printer gets."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from devices.errors import BadTicket, FontMissing
from devices.models import MAX_TICKET_BYTES, TicketDocument

_PROFILES = {"576": "generic-80", "384": "generic-58"}
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--png", type=_FILE, help="Where the picture goes.")
@click.option("--escpos", type=_FILE, help="Where the bytes for the printer go.")
@click.option(
    "--width",
    type=click.Choice(list(_PROFILES)),
    default="576",
    show_default=True,
    help="Dots across the paper: 576 on 80 mm, 384 on 58 mm.",
)
def command(*, file: Path, png: Path | None, escpos: Path | None, width: str) -> None:
    """Draw the ticket in FILE, a JSON `Ticket` as the server sends it."""
    from devices.printers.escpos import encode
    from devices.printers.profiles import get_profile
    from devices.printers.rendering import render

    if png is None and escpos is None:
        raise click.UsageError("give --png, --escpos or both")
    try:
        with file.open("rb") as stream:
            document = TicketDocument.from_json(stream.read(MAX_TICKET_BYTES + 1))
        picture = render(document, width_px=int(width))
        if png is not None:
            picture.save(png, format="PNG", optimize=True)
        if escpos is not None:
            profile = get_profile(_PROFILES[width])
            escpos.write_bytes(encode(picture, profile, process_id=b"DEMO"))
    except (BadTicket, FontMissing) as error:
        click.echo(f"{file}: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(1)
