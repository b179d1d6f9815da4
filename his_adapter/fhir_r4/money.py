"""What is due, and payments, each entered once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from his_adapter.builtin.checks import MAX_REF, checked_key, checked_moment, checked_text
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    InvalidData,
    KeyReused,
    NotFound,
    VersionConflict,
)
from his_adapter.fhir_r4.hospital import Hospital, earliest_first
from his_adapter.fhir_r4.mapping.money import (
    account,
    bill_of,
    einvoice,
    invoice,
    payment_resource,
    receipt,
    visit_of,
)
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    extension,
    object_of,
    objects,
    reference_to,
)
from his_adapter.fhir_r4.people import People
from his_adapter.models import (
    Account,
    EInvoice,
    Invoice,
    InvoiceStatus,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    WriteKey,
)


@dataclass(frozen=True, kw_only=True)
class Money:
    hospital: Hospital
    people: People

    def account(self, patient: Ref, visit: Ref | None) -> Account:
        config = self.hospital.config
        owner = self.people.read(patient).ref
        if visit is not None:
            stored = self.hospital.client.read("Encounter", visit)
            if reference_to("Patient", stored.get("subject")) != owner:
                raise NotFound("no such visit of this patient")
        bills = []
        for resource in self.hospital.search("Invoice", [("subject", f"Patient/{owner}")]).matches:
            if reference_to("Patient", resource.get("subject")) != owner:
                raise BrokenReply("a bill of another patient came")
            of_visit = visit_of(config, resource)
            bill = invoice(config, resource)
            # A bill of no visit that is known is a debt all the same.
            if bill is not None and (visit is None or of_visit in {None, visit}):
                bills.append(bill)
        return account(
            config,
            patient=owner,
            visit=visit,
            bills=bills,
            told=self._told(owner, visit),
            now=self.hospital.clock(),
        )

    def post(self, posting: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        checked_key(key)
        posting = replace(
            posting,
            patient=self.people.read(posting.patient).ref,
            provider=checked_text("provider", posting.provider, max_chars=MAX_REF),
            provider_reference=checked_text(
                "provider_reference", posting.provider_reference, max_chars=MAX_REF
            ),
            paid_at=checked_moment("paid_at", posting.paid_at),
        )
        if (known := self._made_before(posting, key)) is not None:
            return known
        if posting.amount_vnd < 1:
            raise InvalidData("amount_vnd", "Số tiền không hợp lệ.")
        if posting.invoice is not None:
            self._check_bill(posting, self._own_bill(posting.patient, posting.invoice))
        resource = payment_resource(
            self.hospital.config, posting, key=key, now=self.hospital.clock()
        )
        try:
            self.hospital.client.create(resource, key=key, if_none_exist=self.hospital.if_new(key))
        except (Duplicate, VersionConflict):
            if (known := self._made_before(posting, key)) is not None:
                return known
            existing = self._payments(posting.invoice)
            raise Duplicate(
                "the invoice is paid",
                existing=existing[0]["id"] if existing else posting.invoice or "",
            ) from None
        known = self._made_before(posting, key)
        if known is None:
            raise BrokenReply("the payment was taken, but is not to be found")
        return known

    def einvoice(self, bill: Ref) -> EInvoice | None:
        self.hospital.client.read("Invoice", bill)
        found = self.hospital.search(
            "DocumentReference", [("related", f"Invoice/{bill}"), ("status", "current")]
        ).matches
        of_bill = [
            item for item in found if bill_of(item) == bill and item.get("status") == "current"
        ]
        return einvoice(self.hospital.config, of_bill[-1], bill) if of_bill else None

    def written(self, resource: Resource) -> PaymentReceipt:
        """A payment that was found by its key."""
        bill = reference_to("Invoice", resource.get("request"))
        status = None
        if bill is not None:
            stored = invoice(self.hospital.config, self.hospital.client.read("Invoice", bill))
            status = None if stored is None else stored.status
        return receipt(resource, status)

    # --- inside

    def _told(self, owner: Ref, visit: Ref | None) -> Resource | None:
        """The Account of this visit, or of the patient."""
        config = self.hospital.config
        for resource in self.hospital.search(
            "Account", [("patient", f"Patient/{owner}"), ("status", "active")]
        ).matches:
            subjects = [reference_to("Patient", s) for s in objects(resource.get("subject"))]
            if owner not in subjects:
                raise BrokenReply("an account of another patient came")
            if visit_of(config, resource) == visit:
                return resource
        return None

    def _own_bill(self, patient: Ref, ref: Ref) -> Invoice:
        stored = self.hospital.client.read("Invoice", ref)
        bill = invoice(self.hospital.config, stored)
        if bill is None or reference_to("Patient", stored.get("subject")) != patient:
            raise NotFound("no such invoice of this patient")
        return bill

    def _check_bill(self, posting: PaymentPosting, bill: Invoice) -> None:
        payments = self._payments(bill.ref)
        paid_vnd = sum(receipt(item, None).amount_vnd for item in payments)
        if bill.status is InvoiceStatus.BALANCED or (
            bill.status is InvoiceStatus.ISSUED and 0 < bill.total_vnd <= paid_vnd
        ):
            existing = payments[0]["id"] if payments else bill.ref
            raise Duplicate("the invoice is paid", existing=existing)
        if bill.status is InvoiceStatus.CANCELLED:
            raise InvalidData("invoice", "Phiếu thu này đã bị hủy.")
        if posting.amount_vnd != bill.due_vnd:
            raise InvalidData("amount_vnd", "Số tiền khác với số phải thu.")

    def _payments(self, bill: Ref | None) -> tuple[Resource, ...]:
        """Notices of payment for this bill, the earliest first."""
        if bill is None:
            return ()
        found = self.hospital.search(
            "PaymentNotice", [("request", f"Invoice/{bill}"), ("status", "active")]
        ).matches
        return earliest_first(
            item
            for item in found
            if reference_to("Invoice", item.get("request")) == bill
            and item.get("status") == "active"
        )

    def _made_before(self, posting: PaymentPosting, key: str) -> PaymentReceipt | None:
        """The payment of this key; of two for one bill the earlier stands.

        Raises KeyReused, or Duplicate when somebody else's payment came first.
        """
        found = self.hospital.with_key("PaymentNotice", key)
        for resource in found:
            known = receipt(resource, None)
            patient = object_of(
                extension(resource, self.hospital.config.extensions.own + "patient")
            )
            paid_for = reference_to("Patient", patient.get("valueReference"))
            if (known.invoice, known.amount_vnd) != (posting.invoice, posting.amount_vnd) or (
                paid_for not in {None, posting.patient}
            ):
                raise KeyReused("this key entered another payment")
        standing = [item for item in found if item.get("status") == "active"]
        if not standing:
            return None
        ours = standing[0]
        for doubled in standing[1:]:
            self._take_back(doubled, key)
        self._refuse_surplus(ours, posting, key)
        return self.written(ours)

    def _refuse_surplus(self, ours: Resource, posting: PaymentPosting, key: str) -> None:
        """Takes ours back when what came before it has paid the bill."""
        if posting.invoice is None:
            return
        total_vnd = self._own_bill(posting.patient, posting.invoice).total_vnd
        paid_vnd = 0
        payments = self._payments(posting.invoice)
        for resource in payments:
            paid_vnd += receipt(resource, None).amount_vnd
            if resource["id"] == ours["id"]:
                break
        if paid_vnd > total_vnd:
            self._take_back(ours, key)
            raise Duplicate("the invoice is paid", existing=payments[0]["id"])

    def _take_back(self, resource: Resource, key: str) -> None:
        gone = {**resource, "status": "entered-in-error"}
        self.hospital.undo(resource, key=key, instead=gone)
