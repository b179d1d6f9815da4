"""Statements laid beside the books: put in by the finance office, read, and signed by name."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.reconciliation_report import KINDS
from backend.domain.reconciling import Kind
from backend.errors import (
    BackendError,
    ChangedMeanwhile,
    ReasonMissing,
    ReconciliationNotFound,
    ReconciliationSigned,
    StatementNotAccepted,
)
from backend.services.export_figures import note_export
from backend.services.export_reconciliation import export_reconciliation
from backend.services.name_actors import name_actors
from backend.services.reconcile_payments import reconcile_list, reconcile_statement
from backend.services.remote_party import NoAnswer
from backend.services.show_reconciliations import (
    get_reconciliation,
    list_items,
    list_reconciliations,
    list_shift_sums,
)
from backend.services.sign_off_reconciliation import MAX_NOTE_CHARS, sign_off_reconciliation
from backend.web.api import caller, resources
from backend.web.pages import page_language, staff_page
from backend.web.staff.money_files import TYPES
from backend.web.staff.payments import ACCOUNTANTS, MONEY_ROLES, render_money_page
from payments.errors import PaymentError

MAX_FILE_BYTES = 8_000_000
"""Weeks of a busy hospital."""
MAX_FORM_BYTES = MAX_FILE_BYTES + 10_000
MAX_ACCOUNT_CHARS = 40
SHOWN = 200
_ID = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"\d{1,9}")

blueprint = Blueprint("staff_reconciliations", __name__, url_prefix="/staff/payments/reconcile")


@blueprint.get("")
@staff_page(*MONEY_ROLES)
def board() -> Response:
    return _board()


@blueprint.post("")
@staff_page(*ACCOUNTANTS, max_bytes=MAX_FORM_BYTES)
def upload() -> ResponseReturnValue:
    file = request.files.get("file")
    provider = request.form.get("provider", "")
    if file is None or provider not in _names():
        return _board("statement-none", 422)
    content = file.stream.read(MAX_FILE_BYTES + 1)
    if not content:
        return _board("statement-none", 422)
    if len(content) > MAX_FILE_BYTES:
        return _board("statement-too-large", 413)
    try:
        outcome = reconcile_statement(
            resources(),
            content,
            provider=provider,
            account=request.form.get("account", "").strip()[:MAX_ACCOUNT_CHARS] or None,
            actor=caller().actor,
        )
    except StatementNotAccepted as error:
        return _board(error.reason, error.status)
    return redirect(f"/staff/payments/reconcile/{outcome.id}", 303)


@blueprint.post("/ask")
@staff_page(*ACCOUNTANTS)
def ask() -> ResponseReturnValue:
    """The provider's own list of a day, where it gives one."""
    provider = request.form.get("provider", "")
    if provider not in _listing():
        return _board("no_list", 422)
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        return _board("other", 422)
    try:
        outcome = reconcile_list(resources(), provider, day, actor=caller().actor)
    except (NoAnswer, PaymentError):
        return _board("no_answer", 503)
    if outcome is None:
        return _board(nothing=True)
    return redirect(f"/staff/payments/reconcile/{outcome.id}", 303)


@blueprint.get("/<reconciliation_id>")
@staff_page(*MONEY_ROLES)
def show(reconciliation_id: str) -> Response:
    return _page(_checked(reconciliation_id))


@blueprint.post("/<reconciliation_id>/sign")
@staff_page(*ACCOUNTANTS)
def sign(reconciliation_id: str) -> ResponseReturnValue:
    checked = _checked(reconciliation_id)
    version = request.form.get("version", "")
    if not _VERSION.fullmatch(version):
        return _page(checked, ChangedMeanwhile())
    try:
        sign_off_reconciliation(
            resources().database,
            checked,
            version=int(version),
            note=request.form.get("note", ""),
            staff=caller(),
        )
    except (ChangedMeanwhile, ReasonMissing, ReconciliationSigned) as error:
        return _page(checked, error)
    return redirect(f"/staff/payments/reconcile/{checked}", 303)


@blueprint.get("/<reconciliation_id>/report.<any(csv,xlsx):form>")
@staff_page(*MONEY_ROLES)
def export(reconciliation_id: str, form: str) -> Response:
    checked = _checked(reconciliation_id)
    database = resources().database
    content = export_reconciliation(
        database,
        resources().catalogue.get(),
        checked,
        form="csv" if form == "csv" else "xlsx",
        language=page_language(),
    )
    note_export(database, f"reconciliation:{checked}", form=form, staff=caller())
    reply = Response(content, content_type=TYPES[form])
    name = f"doi-soat-{checked[-8:]}.{form}"
    reply.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    reply.headers["Cache-Control"] = "no-store"
    return reply


def _checked(untrusted_id: str) -> str:
    if not _ID.fullmatch(untrusted_id):
        raise ReconciliationNotFound
    return untrusted_id


def _names() -> list[str]:
    """Also those that patients are not offered any more."""
    return [entry.name for entry in resources().config.payments]


def _listing() -> list[str]:
    known = resources().providers
    return [name for name in _names() if name in known and known[name].features().lists_credits]


def _board(refused: str | None = None, status: int = 200, *, nothing: bool = False) -> Response:
    server = resources()
    return render_money_page(
        "payments/reconcile.html",
        "reconcile",
        status=status,
        refused=refused,
        nothing=nothing,
        reports=list_reconciliations(server.database, limit=60),
        names=_names(),
        listing=_listing(),
        today=server.catalogue.get().today(server.database.clock()).isoformat(),
    )


def _page(reconciliation_id: str, refusal: BackendError | None = None) -> Response:
    database = resources().database
    report = get_reconciliation(database, reconciliation_id)
    different = list_items(database, reconciliation_id, only_differences=True)
    with database.read() as connection:
        names = name_actors(connection, [report.created_by])
    facts: dict[str, Any] = {
        "report": report,
        "rows": different[:SHOWN],
        "more": max(0, len(different) - SHOWN),
        "agreeing": report.figures.kinds.get(Kind.OK.value, 0),
        "shifts": list_shift_sums(database, reconciliation_id),
        "kinds": {
            kind.value: words.vi if page_language() == "vi" else words.en
            for kind, words in KINDS.items()
        },
        "created_name": names.get(report.created_by, report.created_by),
    }
    return render_money_page(
        "payments/reconciliation.html",
        "reconcile",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        max_note=MAX_NOTE_CHARS,
        **facts,
    )
