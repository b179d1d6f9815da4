from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from his_adapter.builtin.gateway import BuiltinGateway
from his_adapter.demo import personas
from his_adapter.demo.fees import OWED
from his_adapter.demo.gateway import open_demo
from his_adapter.demo.personas import PERSONAS, Persona
from his_adapter.models import Account, Identifier, IdentifierKind, InvoiceStatus, PatientQuery
from tests.unit.his_adapter.demo.conftest import MONDAY_MORNING

SMALL_VND = 15 * 2_340_000 // 100
"""A visit that costs no more the insurance pays whole."""


def account_of(demo: BuiltinGateway, persona: Persona) -> Account:
    number = Identifier(kind=IdentifierKind.MRN, value=persona.mrn or "")
    (match,) = demo.find_patients(PatientQuery(identifiers=(number,))).items
    return demo.read_account(match.ref)


def test_who_owes_has_bills_of_this_morning(demo: BuiltinGateway) -> None:
    for persona, owed in OWED.items():
        account = account_of(demo, persona)
        assert account.due_vnd == sum(bill.due_vnd for bill in owed)
        assert [each.due_vnd for each in account.invoices] == [bill.due_vnd for bill in owed]
        assert all(each.status is InvoiceStatus.ISSUED for each in account.invoices)
        moments = [each.issued_at for each in account.invoices]
        assert moments == sorted(moments)
        assert timedelta() < MONDAY_MORNING - moments[0] < timedelta(hours=3)


def test_the_insurance_pays_its_share_of_each_line(demo: BuiltinGateway) -> None:
    (invoice,) = account_of(demo, personas.OWES_SHARE).invoices
    assert all(5 * each.insurance_vnd == 4 * each.amount_vnd for each in invoice.charges)
    assert sum(each.amount_vnd for each in invoice.charges) > SMALL_VND
    assert invoice.due_vnd == 103_880


@pytest.mark.parametrize(
    "persona",
    [each for each in PERSONAS if each.registered and each not in OWED],
    ids=lambda p: p.key,
)
def test_nobody_else_owes_anything(demo: BuiltinGateway, persona: Persona) -> None:
    assert account_of(demo, persona).due_vnd == 0


def test_opening_again_bills_nobody_twice(tmp_path: Path) -> None:
    again = open_demo(tmp_path / "his", clock=lambda: datetime(2026, 1, 5, 3, 0, tzinfo=UTC))
    once_more = open_demo(tmp_path / "his", clock=lambda: datetime(2026, 1, 6, 3, 0, tzinfo=UTC))
    before, after = (account_of(his, personas.OWES_ALL) for his in (again, once_more))
    assert len(before.invoices) == len(after.invoices) == 2
