"""The electronic invoice of a paid bill: its address is kept sealed once the HIS has one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, update

from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage import payment_tables as tables
from backend.storage.crypto import Keys
from backend.storage.payments import get_payment, list_lines
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.errors import HisError
from his_adapter.models import Feature, Ref
from payments.states import PaymentState

WAIT_S = 2.0


def find_invoice(resources: Resources, line: Row[Any]) -> str | None:
    """Its address, where the HIS has one by now. A HIS that fails has none: the money is entered,
    and the invoice can be had at the counter.
    """
    if line.invoice_ref is None or not resources.catalogue.get().his_can(Feature.EINVOICE):
        return None
    try:
        invoice = resources.his_party.ask(
            lambda: resources.his.einvoice(Ref(line.invoice_ref))
        ).wait(WAIT_S)
    except (HisError, NoAnswer):
        return None
    return None if invoice is None else invoice.url


def keep_invoice(unit: UnitOfWork, keys: Keys, payment_id: str, url: str) -> None:
    sealed = keys.seal(url.encode(), context=f"payment_invoice:{payment_id}")
    unit.connection.execute(
        update(tables.Payment)
        .where(tables.Payment.id == payment_id)
        .values(sealed_invoice=sealed, version=tables.Payment.version + 1)
    )


def add_late_invoice(resources: Resources, payment: Row[Any]) -> Row[Any]:
    """A receipt that is printed again carries the invoice that was issued since."""
    if payment.state != PaymentState.POSTED or payment.sealed_invoice is not None:
        return payment
    facility_id = resources.database.facility_id
    with resources.database.read() as connection:
        lines = list_lines(connection, payment.id)
    found = next((url for line in lines if (url := find_invoice(resources, line))), None)
    if found is None:
        return payment
    with resources.database.write() as unit:
        keep_invoice(unit, resources.keys, payment.id, found)
    with resources.database.read() as connection:
        return get_payment(connection, payment.id, facility_id=facility_id)
