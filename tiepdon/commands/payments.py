"""`tiepdon payments`: proves the books of money, lays statements beside them."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from backend.errors import StatementNotAccepted
from backend.services.export_reconciliation import Form, export_reconciliation
from backend.services.reconcile_payments import Outcome, reconcile_list, reconcile_statement
from backend.services.remote_party import NoAnswer
from backend.services.show_reconciliations import ReportItem, list_items
from backend.services.verify_payments import verify_payments
from payments.errors import PaymentError
from payments.statements import AUTO, layout_names
from payments.statements.tables import MAX_BYTES
from tiepdon.options import (
    database_option,
    open_set_up_database,
    open_set_up_resources,
    refusals,
)

ACTOR = "command"


def _check_report(
    _context: click.Context, _option: click.Parameter, value: Path | None
) -> Path | None:
    if value is not None and value.suffix not in {".csv", ".xlsx"}:
        raise click.BadParameter("ends with .xlsx or .csv")
    return value


@click.group()
def command() -> None:
    """Prove the books of payments, compare them with a bank's statement."""


@command.command()
@database_option
def verify(database_url: str | None) -> None:
    """Every credit is in the books once, debit and credit agree, every state has its reason.

    Prints one JSON object: ok, counts, the balance of each account in đồng, and faults that name
    rows by id. Exit status 1 when anything is wrong.
    """
    with open_set_up_database(database_url) as database, refusals():
        with database.snapshot() as connection:
            verdict = verify_payments(connection, facility_id=database.facility_id)
        click.echo(json.dumps({"ok": verdict.ok, **asdict(verdict)}, ensure_ascii=False))
    if not verdict.ok:
        raise SystemExit(1)


@command.command()
@click.option("--provider", metavar="P", required=True, help="Its name in the payments settings.")
@click.option(
    "--file",
    "path",
    metavar="F",
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="Statement of the bank or list of the wallet, CSV or XLSX.",
)
@click.option(
    "--day",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Instead of a file: what P itself lists for that day.",
)
@click.option(
    "--layout", type=click.Choice([AUTO, *layout_names()]), default=AUTO, show_default=True
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_check_report,
    help="Also write the report for the finance office there: NAME.xlsx or NAME.csv.",
)
@click.option("--account", metavar="A", help="Otherwise the one in the settings of P.")
@database_option
def reconcile(
    *,
    provider: str,
    path: Path | None,
    day: datetime | None,
    layout: str,
    report: Path | None,
    account: str | None,
    database_url: str | None,
) -> None:
    """Lay statement F beside the books, and book what they do not have yet.

    What fits a payment exactly pays it; other money is held for the cashier; nothing else is
    changed. Prints one JSON object with counts, sums and differences, which name nobody. The same
    file again changes nothing. Exit status 1 when there are differences or F cannot be used.
    """
    if (path is None) == (day is None):
        raise click.UsageError("takes either --file or --day")
    with open_set_up_resources(database_url) as resources, refusals():
        try:
            if path is not None:
                with path.open("rb") as file:
                    content = file.read(MAX_BYTES + 1)
                outcome = reconcile_statement(
                    resources,
                    content,
                    provider=provider,
                    account=account,
                    layout=layout,
                    actor=ACTOR,
                )
            elif day is not None:
                outcome = reconcile_list(resources, provider, day.date(), actor=ACTOR)
        except StatementNotAccepted as error:
            click.echo(json.dumps({"ok": False, "error": error.reason}))
            raise
        except (NoAnswer, PaymentError) as error:
            click.echo(json.dumps({"ok": False, "error": "no-list"}))
            raise click.ClickException("the provider gives no list of that day now") from error
        if report is not None:
            form: Form = "csv" if report.suffix == ".csv" else "xlsx"
            catalogue = resources.catalogue.get()
            report.write_bytes(
                export_reconciliation(resources.database, catalogue, outcome.id, form=form)
            )
        differences = list_items(resources.database, outcome.id, only_differences=True)
        click.echo(json.dumps(_as_json(outcome, differences), ensure_ascii=False))
    if outcome.differences:
        raise SystemExit(1)


def _as_json(outcome: Outcome, differences: list[ReportItem]) -> dict[str, Any]:
    return {
        "ok": not outcome.differences,
        "reconciliation": outcome.id,
        "repeated": not outcome.was_new,
        "signed": outcome.signed,
        **outcome.figures.to_json(),
        "difference_vnd": outcome.figures.difference_vnd,
        "differences": [
            {
                "kind": each.item.kind.value,
                "row": each.item.row,
                "transaction_id": each.item.transaction_id or None,
                "code": each.code,
                "expected_vnd": each.item.expected_vnd,
                "found_vnd": each.item.found_vnd,
                "detail": each.item.detail or None,
            }
            for each in differences
        ],
    }
