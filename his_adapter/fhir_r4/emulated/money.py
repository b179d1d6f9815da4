"""Bills, accounts, payments and electronic invoices."""

from __future__ import annotations

import threading

from his_adapter.errors import NotFound
from his_adapter.fhir_r4.emulated.store import LONG_AGO, WHOLE, Params, Store, patient_in, values
from his_adapter.fhir_r4.mapping.money import (
    account_resource,
    einvoice_resource,
    invoice_resource,
    receipt_resource,
)
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    moment_of,
    object_of,
    reference_to,
    text_of,
    vnd_of,
)
from his_adapter.models import Invoice, PaymentMethod, PaymentPosting, PaymentReceipt, Ref, WriteKey


class Money:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._owners: dict[str, Ref] = {}
        self._bills: dict[str, set[str]] = {}
        self._receipts: dict[str, PaymentReceipt] = {}

    def invoices(self, params: Params) -> list[Resource]:
        patients = [
            self._store.ref_for(value.rpartition("/")[2]) for value in values(params, "subject")
        ]
        return [
            self._show_invoice(item, patient)
            for patient in patients
            for item in self._store.his.read_account(patient).invoices
        ]

    def read_invoice(self, ref: Ref) -> Resource:
        owner = self._owners.get(ref)
        if owner is not None:
            for item in self._store.his.read_account(owner).invoices:
                if item.ref == ref:
                    return self._show_invoice(item, owner)
        raise NotFound("no such invoice")

    def accounts(self, params: Params) -> list[Resource]:
        found = []
        for patient in self._store.patients_in(params):
            whole = self._store.his.read_account(patient)
            found.append(account_resource(self._store.config, whole, ref=f"acc-{patient}"))
            for visit in self._store.his.list_visits(patient, LONG_AGO, limit=WHOLE).items:
                part = self._store.his.read_account(patient, visit.ref)
                found.append(account_resource(self._store.config, part, ref=f"acc-{visit.ref}"))
        return found

    def payments(self, params: Params) -> list[Resource]:
        found: dict[str, PaymentReceipt] = {}
        for value in values(params, "identifier"):
            key = value.rpartition("|")[2]
            made = self._store.his.find_by_key(WriteKey(key))
            if isinstance(made, PaymentReceipt):
                self._store.remember("PaymentNotice", made.ref, "official", key)
                found[made.ref] = made
        for value in values(params, "request"):
            bill = value.rpartition("/")[2]
            with self._lock:
                refs = sorted(self._bills.get(bill, ()))
                found.update({ref: self._receipts[ref] for ref in refs})
        return [self._show_payment(found[ref]) for ref in sorted(found)]

    def post(self, body: Resource, key: WriteKey) -> Resource:
        made = self._store.his.post_payment(self._posting(body), key=key)
        self._store.remember("PaymentNotice", made.ref, "official", key)
        return self._show_payment(made)

    def einvoices(self, params: Params) -> list[Resource]:
        found = []
        for value in values(params, "related"):
            item = self._store.his.einvoice(self._store.ref_for(value.rpartition("/")[2]))
            if item is not None:
                found.append(einvoice_resource(self._store.config, item))
        return found

    def _show_invoice(self, item: Invoice, patient: Ref) -> Resource:
        self._owners[item.ref] = patient
        return invoice_resource(self._store.config, item, patient=patient)

    def _show_payment(self, item: PaymentReceipt) -> Resource:
        with self._lock:
            self._receipts[item.ref] = item
            if item.invoice is not None:
                self._bills.setdefault(item.invoice, set()).add(item.ref)
        return self._store.with_keys(receipt_resource(self._store.config, item), item.ref)

    def _posting(self, body: Resource) -> PaymentPosting:
        own = self._store.config.extensions.own

        def told(name: str) -> Resource:
            return object_of(extension(body, own + name))

        transaction = object_of(object_of(body.get("payment")).get("identifier"))
        visit = reference_to("Encounter", told("visit").get("valueReference"))
        bill = reference_to("Invoice", body.get("request"))
        return PaymentPosting(
            patient=self._store.ref_for(patient_in(told("patient").get("valueReference"))),
            visit=visit and self._store.ref_for(visit),
            invoice=bill and self._store.ref_for(bill),
            amount_vnd=vnd_of(body.get("amount")),
            method=PaymentMethod(text_of(told("method").get("valueCode"))),
            provider=text_of(told("provider").get("valueString")),
            provider_reference=text_of(transaction.get("value")),
            paid_at=moment_of(told("paid-at").get("valueInstant")),
        )
