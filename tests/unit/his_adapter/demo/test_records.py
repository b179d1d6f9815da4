from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from his_adapter.demo.gateway import open_demo
from his_adapter.demo.personas import PERSONAS
from his_adapter.demo.records import sample_pdf, shadow_png
from his_adapter.models import Identifier, IdentifierKind, InvoiceStatus, PatientQuery
from his_adapter.testing import fill_demo_folder

NOW = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


def test_who_was_here_before_has_a_result_and_a_paid_bill(tmp_path: Path) -> None:
    fill_demo_folder(tmp_path, now=NOW)
    his = open_demo(tmp_path, clock=lambda: NOW)
    known = [item for item in PERSONAS if item.visited_days_ago is not None and item.mrn]
    assert known
    for persona in known:
        number = Identifier(kind=IdentifierKind.MRN, value=persona.mrn or "")
        (match,) = his.find_patients(PatientQuery(identifiers=(number,))).items
        reports = his.list_reports(match.ref, NOW - timedelta(days=400)).items
        assert reports
        for part in reports[0].parts:
            content = his.read_report_part(reports[0].ref, part.name, patient=match.ref)
            assert content.values or content.body
        account = his.read_account(match.ref)
        assert account.due_vnd == account.credit_vnd == 0
        assert account.invoices[0].status is InvoiceStatus.BALANCED


def test_opening_again_leaves_no_second_records(tmp_path: Path) -> None:
    fill_demo_folder(tmp_path, now=NOW)
    his = open_demo(tmp_path, clock=lambda: NOW)
    again = open_demo(tmp_path, clock=lambda: NOW)
    person = his.find_patients(
        PatientQuery(identifiers=(Identifier(kind=IdentifierKind.MRN, value="BN00000001"),))
    ).items[0]
    since = NOW - timedelta(days=400)
    assert his.list_reports(person.ref, since) == again.list_reports(person.ref, since)


def test_documents_and_pictures_are_what_they_say() -> None:
    document = sample_pdf()
    table_at = int(document.split(b"startxref\n")[1].split()[0])
    assert document[table_at:].startswith(b"xref")
    with Image.open(io.BytesIO(shadow_png())) as picture:
        picture.load()
        assert picture.size == (64, 64)
