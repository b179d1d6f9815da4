"""Figures of money as files, in the words of the page they are taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response

from backend.services.export_figures import Row, note_export, write_csv, write_xlsx
from backend.web.api import caller, resources
from backend.web.page_texts import texts
from backend.web.pages import page_language

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def send_file(
    rows: Sequence[Row], money: Sequence[Sequence[Any]], *, form: str, name: str, subject: str
) -> Response:
    """A download named `name`; who took it is on record."""
    words = texts(page_language(), "payments")
    told = [_translate(row, words) for row in rows]
    header = [
        words["pay_columns"][each]
        for each in ("section", "name", "account", "kind", "count", "amount_vnd")
    ]
    money_header = [words["pay_columns"][each] for each in _MONEY]
    content = (
        write_csv(told, header=header)
        if form == "csv"
        else write_xlsx(
            told,
            [(*each[:7], words["pay_kinds"].get(each[7], each[7]), each[8]) for each in money],
            header=header,
            money_header=money_header,
            titles=(words["pay_sheet_sums"], words["pay_sheet_money"]),
        )
    )
    note_export(resources().database, subject, form=form, staff=caller())
    reply = Response(content, content_type=TYPES[form])
    reply.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    reply.headers["Cache-Control"] = "no-store"
    return reply


_MONEY = (
    "received_at",
    "paid_at",
    "provider",
    "account",
    "transaction_id",
    "bank_reference",
    "code",
    "kind",
    "amount_vnd",
)


def _translate(row: Row, words: Mapping[str, Any]) -> Row:
    section, name, account, kind, count, amount_vnd = row
    names: Mapping[str, str] = words["pay_row_names"].get(section, {})
    return (
        words["pay_sections"][section],
        names.get(name, name),
        account,
        words["pay_kinds"].get(kind, kind),
        count,
        amount_vnd,
    )
