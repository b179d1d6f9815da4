"""`tiepdon worker`: jobs and messages to other systems, without web pages."""

from __future__ import annotations

import os

import click

from backend.bootstrap import build_resources, check_shape, open_keys, set_up
from backend.config import load_config
from backend.jobs.worker import run_worker
from backend.logging import set_up_logging
from backend.storage.database import open_database
from tiepdon.options import database_option, refusals


@click.command()
@database_option
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Messages sent at once, to each party at most as many as it bears.",
)
@click.option("--demo", is_flag=True, help="Demo hospital and demo keys.")
def command(database_url: str | None, threads: int, demo: bool) -> None:
    """Send messages to other systems and do what nobody waits for.

    `tiepdon serve` has one of its own. On PostgreSQL as many more may run as like, on any
    machine. Ends on SIGTERM or Ctrl-C when what is at hand is finished.
    """
    if database_url:
        os.environ["TIEPDON_DB"] = database_url
    if demo:
        os.environ["TIEPDON_DEMO"] = "1"
    with refusals():
        config = load_config(os.environ)
        open_keys(config)
        database = open_database(config)
        try:
            check_shape(database)
            set_up(database, config)
        finally:
            database.close()
        resources = build_resources(config)
    set_up_logging()
    try:
        run_worker(resources, threads=threads)
    finally:
        resources.close()
