"""`tiepdon partners`: whose kiosks, besides ours, may take numbers here."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime

import click

from backend.bootstrap import check_shape, open_keys, set_up
from backend.config import load_config
from backend.domain.notice import NOTICE_VERSION
from backend.services.manage_partners import add_partner, list_partners, revoke_partner
from backend.storage.database import open_database
from tiepdon.options import check_name, database_option, open_set_up_database, refusals


@click.group()
def command() -> None:
    """Let a partner's kiosks in, list and revoke partners."""


@command.command()
@click.argument("name", callback=check_name)
@click.option(
    "--reads-cards", is_flag=True, help="Its machines read the chip and compare the face."
)
@click.option(
    "--shows-notice",
    is_flag=True,
    help="Its machines show our data notice before they ask for a person.",
)
@database_option
def add(name: str, reads_cards: bool, shows_notice: bool, database_url: str | None) -> None:
    """Print the merchant id and the secret of partner NAME, once, as JSON."""
    with refusals():
        config = load_config(os.environ, database_url=database_url)
        keys = open_keys(config)
        database = open_database(config)
        try:
            check_shape(database)
            set_up(database, config)
            new = add_partner(
                database,
                keys,
                name=name,
                reads_cards=reads_cards,
                notice_version=NOTICE_VERSION if shows_notice else None,
            )
        finally:
            database.close()
    click.echo(json.dumps({"merchant_id": new.merchant_id, "secret": new.secret}))


@command.command("list")
@database_option
def list_(database_url: str | None) -> None:
    """One JSON line for each partner, without secrets."""
    with open_set_up_database(database_url) as database:
        for partner in list_partners(database):
            click.echo(json.dumps(asdict(partner), default=datetime.isoformat, ensure_ascii=False))


@command.command()
@click.argument("name")
@database_option
def revoke(name: str, database_url: str | None) -> None:
    """Let partner NAME in no more, within seconds on every worker."""
    with open_set_up_database(database_url) as database:
        ended = revoke_partner(database, name=name)
    if not ended:
        raise click.ClickException(f"no partner is named {name}")
    click.echo(f"{ended} revoked", err=True)
