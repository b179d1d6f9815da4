"""`tiepdon serve`: the server of one machine."""

from __future__ import annotations

import gc
import os

import click

from backend.bootstrap import open_keys, set_up
from backend.config import load_config
from backend.services.enrol_kiosk import shut_out_demo_kiosks
from backend.services.first_set_up import is_empty, make_set_up_code
from backend.services.settle_demo_accounts import settle_demo_accounts
from backend.storage.database import open_database
from tiepdon.options import database_option, refusals


@click.command()
@database_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="0 takes a free one; the line on standard output names it.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--demo", is_flag=True, help="Demo hospital, demo keys, DEMO-KIOSK, accounts to try.")
def command(database_url: str | None, host: str, port: int, workers: int, demo: bool) -> None:
    """Serve kiosks, the pages of staff and the phone page.

    The database is migrated first. Ends on SIGTERM or Ctrl-C when running requests are answered.
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
            set_up(database, config)
            settle_demo_accounts(database, demo=config.demo)
            shut_out_demo_kiosks(database, demo=config.demo)
            if is_empty(database):
                _show_set_up_code(make_set_up_code(database))
        finally:
            database.close()
    gc.disable()  # as in tiepdon.cli
    from backend.serve import serve

    gc.enable()
    # What is loaded stays for good: workers share its memory instead of walking through it.
    gc.freeze()
    serve(host=host, port=port, workers=workers)


def _show_set_up_code(code: str) -> None:
    """On the console of whoever started the server, and nowhere on the network."""
    click.echo(
        "Máy chủ chưa có quản trị viên. Mở /staff/setup trong trình duyệt và nhập mã:\n"
        "This server has no administrator yet. Open /staff/setup in a browser and type the code:\n"
        f"\n    {code}\n",
        err=True,
    )
