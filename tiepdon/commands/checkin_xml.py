"""`tiepdon checkin-xml`: the check-in table of one visit, as it would leave now."""

from __future__ import annotations

import json

import click

from backend.errors import CheckinNotReady, VisitNotFound
from backend.services.build_checkin import build_checkin
from tiepdon.options import database_option, open_set_up_resources, refusals


@click.command("checkin-xml")
@click.option("--visit", "visit_id", required=True, metavar="ID", help="Id of the visit.")
@click.option("--demo", is_flag=True, help="The database is one of `tiepdon serve --demo`.")
@database_option
def command(visit_id: str, database_url: str | None, *, demo: bool) -> None:
    """Prints the XML; what the rules say goes to standard error, one JSON line each.

    Sends nothing. Exit status 1 when the table must not be sent, or cannot be made yet.
    """
    with open_set_up_resources(database_url, demo=demo) as resources, refusals():
        try:
            with resources.database.read() as connection:
                built = build_checkin(resources, connection, visit_id)
        except (CheckinNotReady, VisitNotFound) as error:
            raise click.ClickException(error.detail) from error
    click.echo(built.document, nl=False)
    for finding in built.verdict.findings:
        line = {"rule": finding.rule, "field": finding.field, "severity": finding.severity.value}
        click.echo(json.dumps(line), err=True)
    if not built.verdict.valid:
        raise SystemExit(1)
