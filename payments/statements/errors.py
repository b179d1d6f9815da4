"""Why a whole file is refused; single rows are listed in the statement (`RowReason`).

StatementRefused
├── FileTooLarge       more bytes or rows than anybody's statement has, or a zip bomb
├── NotATable          neither CSV nor XLSX, or damaged; a file of Excel 97 or a web page in disguise
├── HeadingsNotFound   no row names the columns of this layout
├── OfAnotherAccount   it says of itself that it is about another account
└── UnknownLayout
"""

from __future__ import annotations

from payments.errors import PaymentError


class StatementRefused(PaymentError):
    code = "statement-refused"


class FileTooLarge(StatementRefused):
    code = "statement-too-large"


class NotATable(StatementRefused):
    code = "statement-not-a-table"


class HeadingsNotFound(StatementRefused):
    code = "statement-headings"


class OfAnotherAccount(StatementRefused):
    code = "statement-other-account"


class UnknownLayout(StatementRefused):
    code = "statement-layout"
