"""References of the register: a letter for the kind of record and its number."""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from his_adapter.builtin.checks import checked_ref
from his_adapter.errors import NotFound
from his_adapter.models import Ref

_MAX_DIGITS = 17  # what SQLite can count


class Letter(StrEnum):
    ORDER = "O"
    REPORT = "R"
    INVOICE = "I"
    PAYMENT = "Y"
    EINVOICE = "E"
    HISTORY = "H"
    CONSENT = "C"


_EXISTS = {
    Letter.ORDER: "SELECT id FROM service_order WHERE id = ?",
    Letter.REPORT: "SELECT id FROM report WHERE id = ?",
    Letter.INVOICE: "SELECT id FROM invoice WHERE id = ?",
    Letter.PAYMENT: "SELECT id FROM payment WHERE id = ?",
    Letter.EINVOICE: "SELECT id FROM einvoice WHERE id = ?",
    Letter.HISTORY: "SELECT id FROM history WHERE id = ?",
    Letter.CONSENT: "SELECT id FROM consent WHERE id = ?",
}


def ref_of(letter: Letter, record_id: int) -> Ref:
    return Ref(f"{letter}{record_id:06d}")


def id_of(db: sqlite3.Connection, letter: Letter, untrusted_ref: str) -> int:
    """Raises NotFound."""
    number = checked_ref(untrusted_ref).removeprefix(letter)
    if untrusted_ref.startswith(letter) and number.isdigit() and len(number) <= _MAX_DIGITS:
        row = db.execute(_EXISTS[letter], (int(number),)).fetchone()
        if row is not None:
            return int(row[0])
    raise NotFound("no such record")
