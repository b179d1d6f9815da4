"""`tiepdon report`: figures of a day, week, month, quarter or year as a spreadsheet."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from backend.domain.reports.periods import Period, Span
from backend.services.export_report import (
    list_head,
    list_report_details,
    note_report_export,
    write_report_csv,
    write_report_xlsx,
)
from backend.services.roll_up_day import refresh_period
from backend.services.show_report import show_report
from backend.services.sign_off_report import name_subject
from backend.storage.catalogue import CatalogueSource
from backend.web.page_texts import Language, texts
from tiepdon.options import database_option, open_set_up_database, refusals

OLD = timedelta(minutes=10)
"""Figures of today that are older are counted again."""


@click.command()
@click.argument("span", type=click.Choice([each.value for each in Span]))
@click.option(
    "--date",
    "wanted",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="A day of the period; otherwise today.",
)
@click.option(
    "--xlsx",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a spreadsheet: every table, and each room and hour of a day.",
)
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the tables as CSV: semicolons, decimal commas.",
)
@click.option("--lang", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
@database_option
def command(
    span: str,
    wanted: datetime | None,
    xlsx: Path | None,
    csv_file: Path | None,
    lang: Language,
    database_url: str | None,
) -> None:
    """Figures of the DAY, WEEK, MONTH, QUARTER or YEAR that the date lies in.

    Prints the main figures as one JSON object. Small counts of sensitive clinics are left out.
    Exit status 1 when nothing was counted in that period.
    """
    with open_set_up_database(database_url) as database, refusals():
        catalogue = CatalogueSource(database).get()
        day: date = wanted.date() if wanted else catalogue.today(database.clock())
        period = Period.of(Span(span), day)
        refresh_period(database, catalogue, period, older_than=OLD)
        report = show_report(database, catalogue, period)
        words = texts(lang, "reports")
        head = list_head(report, catalogue, words, language=lang)
        subject = name_subject(period)
        if xlsx is not None:
            details = list_report_details(database, catalogue, report)
            write_report_xlsx(xlsx, report, words=words, head=head, details=details)
            note_report_export(database, subject, form="xlsx", actor="command")
        if csv_file is not None:
            csv_file.write_bytes(write_report_csv(report, words=words, head=head))
            note_report_export(database, subject, form="csv", actor="command")
    counted_at = report.counted_at
    facts = {
        "span": period.span.value,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "counted_at": counted_at.isoformat() if counted_at else None,
        "days_counted": report.days_counted,
        "signed_by": report.signatures[0].name if report.signatures else None,
        "figures": {each.name: each.value for each in report.headlines},
    }
    click.echo(json.dumps(facts, ensure_ascii=False))
    if counted_at is None:
        raise SystemExit(1)
