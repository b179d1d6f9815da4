"""`tiepdon displays`: screens for patients."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from backend.domain.displays import (
    DISTANCES_M,
    MAX_ZONE_CHARS,
    SCREENS_IN,
    DisplayKind,
    DisplayWish,
)
from backend.errors import DisplayNotFound
from backend.services.manage_displays import (
    KnownDisplay,
    add_display,
    list_displays,
    revoke_display,
)
from backend.storage.catalogue import CatalogueSource
from backend.storage.database import Database
from tiepdon.options import check_name, database_option, open_set_up_database, refusals


@click.group()
def command() -> None:
    """Add, list and revoke displays."""


@command.command()
@click.argument("name", callback=check_name)
@click.option("--kind", type=click.Choice([kind.value for kind in DisplayKind]), default="hall")
@click.option("--room", "rooms", multiple=True, required=True, help="Code of a room; repeat it.")
@click.option("--zone", default="", help="Who sits here hears one voice.")
@click.option("--speaks", is_flag=True, help="This display is the voice of its zone.")
@click.option("--english/--no-english", default=True, help="English beside the Vietnamese.")
@click.option("--show-names", is_flag=True, help="Masked names; never for sensitive rooms.")
@click.option(
    "--distance",
    "distance_m",
    type=click.IntRange(DISTANCES_M[0], DISTANCES_M[-1]),
    default=10,
    help="Metres from the last seat.",
)
@click.option(
    "--screen",
    "screen_in",
    type=click.IntRange(SCREENS_IN[0], SCREENS_IN[-1]),
    default=43,
    help="Diagonal in inches.",
)
@database_option
def add(
    name: str,
    kind: str,
    rooms: tuple[str, ...],
    zone: str,
    speaks: bool,
    english: bool,
    show_names: bool,
    distance_m: int,
    screen_in: int,
    database_url: str | None,
) -> None:
    """Print the path that display NAME opens. Its key is told once, here."""
    zone = " ".join(zone.split())
    if len(zone) > MAX_ZONE_CHARS or not zone.isprintable():
        raise click.BadParameter("takes letters that can be shown", param_hint="--zone")
    with open_set_up_database(database_url) as database, refusals():
        wish = DisplayWish(
            name=name,
            kind=DisplayKind(kind),
            room_ids=_room_ids(database, rooms),
            zone=zone,
            speaks=speaks,
            english=english,
            show_names=show_names,
            distance_m=distance_m,
            screen_in=screen_in,
        )
        catalogue = CatalogueSource(database).get()
        added = add_display(database, catalogue, wish, actor="command")
    click.echo(f"/d/{added.key}")


@command.command("list")
@click.option("--revoked", is_flag=True, help="Those that were ended, too.")
@database_option
def list_(revoked: bool, database_url: str | None) -> None:
    """One JSON line for each display."""
    with open_set_up_database(database_url) as database:
        rooms = CatalogueSource(database).get().rooms
        for display in list_displays(database, revoked=revoked):
            line = asdict(display)
            ids = line.pop("room_ids")
            line["rooms"] = [rooms[each].code if each in rooms else each for each in ids]
            click.echo(json.dumps(line, default=datetime.isoformat, ensure_ascii=False))


@command.command()
@click.argument("name")
@database_option
def revoke(name: str, database_url: str | None) -> None:
    """End the address of display NAME: its page is empty within 15 seconds."""
    with open_set_up_database(database_url) as database, refusals():
        revoke_display(database, _get_by_name(database, name).id, actor="command")
    click.echo("revoked", err=True)


def _room_ids(database: Database, codes: tuple[str, ...]) -> tuple[str, ...]:
    by_code = {room.code: room.id for room in CatalogueSource(database).get().rooms.values()}
    unknown = sorted(set(codes) - by_code.keys())
    if unknown:
        raise click.BadParameter(f"no room has the code {', '.join(unknown)}", param_hint="--room")
    return tuple(dict.fromkeys(by_code[code] for code in codes))


def _get_by_name(database: Database, name: str) -> KnownDisplay:
    for display in list_displays(database):
        if display.name == name:
            return display
    raise DisplayNotFound
