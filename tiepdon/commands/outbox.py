"""`tiepdon outbox`: messages to other systems, from a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from backend.domain.outbox import MessageState
from backend.services.keep_outbox import (
    MAX_LISTED,
    discard_message,
    list_messages,
    replay_all_dead,
    replay_message,
)
from tiepdon.options import database_option, open_set_up_database, refusals

ACTOR = "command"


@click.group()
def command() -> None:
    """List messages to other systems, replay and discard dead letters."""


@command.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in MessageState]),
    help="Repeat it; without one, all that are not settled.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=MAX_LISTED, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@database_option
def list_(states: tuple[str, ...], limit: int, as_json: bool, database_url: str | None) -> None:
    """One line for each message, the oldest first. Nothing of a person is in it."""
    with open_set_up_database(database_url) as database, refusals():
        for message in list_messages(database, states=states, limit=limit):
            if as_json:
                click.echo(json.dumps(asdict(message), default=datetime.isoformat))
                continue
            parts = [
                message.id, message.state, message.kind, message.number or "-",
                f"{message.attempts} tries", message.last_error or "",
            ]  # fmt: skip
            click.echo("  ".join(parts).rstrip())


@command.command()
@click.argument("message_id", metavar="ID", required=False)
@click.option("--all-dead", is_flag=True, help="All dead letters.")
@database_option
def replay(message_id: str | None, all_dead: bool, database_url: str | None) -> None:
    """Send dead letter ID again, with the key it had."""
    if all_dead == (message_id is not None):
        raise click.UsageError("takes either an ID or --all-dead")
    with open_set_up_database(database_url) as database, refusals():
        if message_id is None:
            count = replay_all_dead(database, actor=ACTOR)
        else:
            replay_message(database, message_id, actor=ACTOR)
            count = 1
    click.echo(f"{count} will be sent again", err=True)


@command.command()
@click.argument("message_id", metavar="ID")
@click.option("--reason", required=True, help="Why nobody has to send it; no names of patients.")
@database_option
def discard(message_id: str, reason: str, database_url: str | None) -> None:
    """Give dead letter ID up: whatever waited for it goes on."""
    with open_set_up_database(database_url) as database, refusals():
        discard_message(database, message_id, reason=reason, actor=ACTOR)
    click.echo("discarded", err=True)
