"""A reconciliation as a file for the finance office."""

from __future__ import annotations

from typing import Literal

from backend.domain.catalogue import Catalogue
from backend.domain.reconciliation_report import TITLE, Heading, make_sheet
from backend.services.show_reconciliations import (
    get_reconciliation,
    list_items,
    list_shift_sums,
)
from backend.storage.database import Database
from payments.statements.sheets import to_csv, to_xlsx

Form = Literal["csv", "xlsx"]


def export_reconciliation(
    database: Database,
    catalogue: Catalogue,
    reconciliation_id: str,
    *,
    form: Form,
    language: str = "vi",
) -> bytes:
    """Texts that a spreadsheet would take for a formula are made harmless.

    Raises ReconciliationNotFound, StorageUnavailable.
    """
    report = get_reconciliation(database, reconciliation_id)
    rows = make_sheet(
        Heading(
            provider=report.provider,
            account=report.account,
            first_day=report.first_day,
            last_day=report.last_day,
            signed_name=report.signed_name,
            signed_at=report.signed_at,
            note=report.note,
        ),
        report.figures,
        [(each.item, each.code) for each in list_items(database, reconciliation_id)],
        shifts=list_shift_sums(database, reconciliation_id),
        zone=catalogue.zone,
        language=language,
    )
    if form == "csv":
        return to_csv(rows)
    return to_xlsx(rows, title=TITLE.vi if language == "vi" else TITLE.en)
