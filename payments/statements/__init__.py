"""Statement files of banks and settlement lists of wallets, read to the last row."""

from payments.statements.errors import StatementRefused
from payments.statements.layouts import AUTO, Layout, layout_names
from payments.statements.models import Debit, RowNote, RowReason, Statement, StatementLine
from payments.statements.reading import read_statement

__all__ = [
    "AUTO",
    "Debit",
    "Layout",
    "RowNote",
    "RowReason",
    "Statement",
    "StatementLine",
    "StatementRefused",
    "layout_names",
    "read_statement",
]
