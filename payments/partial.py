"""What a provider starts from: it can do nothing yet, and says so.

A provider overrides what it can do; whatever it leaves raises NotSupported.
"""
# ruff: noqa: ARG002 - the arguments are those of the port

from __future__ import annotations

import json
from datetime import date

from payments.errors import BadSignature, CallbackRefused, MalformedCallback, NotSupported
from payments.models import (
    Bill,
    BillLookup,
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Notice,
    OrderReport,
    Outcome,
    PlacedOrder,
    RefundOrder,
    RefundReport,
)


class PartialProvider:
    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def query(self, placed: PlacedOrder) -> OrderReport:
        raise NotSupported("query")

    def cancel(self, placed: PlacedOrder) -> None:
        raise NotSupported("cancel")

    def refund(self, refund: RefundOrder) -> RefundReport:
        raise NotSupported("refund")

    def query_refund(self, refund: RefundOrder) -> RefundReport:
        raise NotSupported("query_refund")

    def list_credits(self, day: date) -> tuple[Credit, ...]:
        raise NotSupported("list_credits")

    def read_callback(self, request: CallbackRequest) -> Notice | BillLookup:
        raise BadSignature("this provider sends nothing")

    def answer(self, notice: Notice, outcome: Outcome) -> CallbackAnswer:
        """200 ends repeats; our own fault asks for another."""
        status = 503 if outcome is Outcome.NOT_NOW else 200
        return json_answer({"success": status == 200}, status=status)

    def answer_bill(self, lookup: BillLookup, bill: Bill | None) -> CallbackAnswer:
        raise NotSupported("answer_bill")

    def answer_refusal(self, error: CallbackRefused) -> CallbackAnswer:
        status = 400 if isinstance(error, MalformedCallback) else 401
        return json_answer({"success": False, "code": error.code}, status=status)

    def check(self) -> None:
        """Nothing is asked of anybody."""

    def close(self) -> None:
        """Nothing is open."""


def json_answer(content: dict[str, object], *, status: int = 200) -> CallbackAnswer:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return CallbackAnswer(status=status, body=body)
