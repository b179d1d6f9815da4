"""Invoice, Account, PaymentNotice and the DocumentReference of an electronic invoice.

A deduction lowers a line for the insurance, a discount for the hospital; servers write them with
either sign. FHIR R4 has no balance: a HIS tells it in an extension of its Account, otherwise it
follows from the bills.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    codes_of,
    concept_text,
    extension,
    id_of,
    identifier,
    moment_of,
    moment_text,
    object_of,
    objects,
    reference,
    reference_to,
    text_of,
    version_of,
    vnd,
    vnd_of,
)
from his_adapter.models import (
    Account,
    Charge,
    EInvoice,
    Invoice,
    InvoiceStatus,
    PaymentPosting,
    PaymentReceipt,
    Ref,
)

_STATUSES = {
    "issued": InvoiceStatus.ISSUED,
    "balanced": InvoiceStatus.BALANCED,
    "cancelled": InvoiceStatus.CANCELLED,
    "entered-in-error": InvoiceStatus.CANCELLED,
}
"""A draft is no bill yet."""
_BALANCE = ("charged", "insurance", "discount", "advances", "paid")
_PAYMENT_STATUS = "http://terminology.hl7.org/CodeSystem/paymentstatus"


def invoice(config: FhirConfig, untrusted: Resource) -> Invoice | None:
    """None for a draft. Raises BrokenReply for a sum that does not add up."""
    status = _STATUSES.get(text_of(untrusted.get("status")))
    if status is None:
        return None
    charges = tuple(_charge(config, item) for item in objects(untrusted.get("lineItem")))
    left = [item.amount_vnd - item.insurance_vnd - item.discount_vnd for item in charges]
    told = untrusted.get("totalNet")
    total_vnd = sum(left) if told is None else vnd_of(told, place="totalNet")
    if total_vnd < 0 or (charges and total_vnd != sum(left)):
        raise BrokenReply("a bill that does not add up")
    due = extension(untrusted, config.extensions.own + "due")
    due_vnd = total_vnd if status is InvoiceStatus.ISSUED else 0
    if due is not None and status is InvoiceStatus.ISSUED:
        due_vnd = vnd_of(due.get("valueMoney"), place="due")
    if not 0 <= due_vnd <= total_vnd:
        raise BrokenReply("a bill with more due than billed")
    entry = next((e for e in objects(untrusted.get("identifier")) if e.get("value")), {"value": ""})
    return Invoice(
        ref=id_of(untrusted),
        version=version_of(untrusted),
        code=text_of(entry["value"]) or id_of(untrusted),
        status=status,
        title_vi=concept_text(untrusted.get("type")) or "Phiếu thu",
        total_vnd=total_vnd,
        due_vnd=due_vnd,
        charges=charges,
        issued_at=moment_of(untrusted.get("date"), place="date"),
    )


def invoice_resource(config: FhirConfig, item: Invoice, *, patient: Ref) -> Resource:
    own = config.extensions.own
    return {
        "resourceType": "Invoice",
        "id": item.ref,
        "meta": {"versionId": item.version},
        "identifier": [{"system": config.system("invoice"), "value": item.code}],
        "status": item.status.value,
        "type": {"text": item.title_vi},
        "subject": reference("Patient", patient),
        "date": moment_text(item.issued_at),
        "lineItem": [
            {
                "sequence": number,
                "chargeItemCodeableConcept": {
                    "coding": [{"code": charge.code}],
                    "text": charge.name_vi,
                },
                "priceComponent": _components(charge),
                "extension": [{"url": own + "quantity", "valueInteger": charge.quantity}],
            }
            for number, charge in enumerate(item.charges, 1)
        ],
        "totalNet": vnd(item.total_vnd),
        "totalGross": vnd(item.total_vnd),
        "extension": [{"url": own + "due", "valueMoney": vnd(item.due_vnd)}],
    }


def account(
    config: FhirConfig,
    *,
    patient: Ref,
    visit: Ref | None,
    bills: Sequence[Invoice],
    told: Resource | None,
    now: datetime,
) -> Account:
    """From the balance the HIS tells in its Account (`told`), else from the bills alone."""
    standing = [bill for bill in bills if bill.status is not InvoiceStatus.CANCELLED]
    charges = [charge for bill in standing for charge in bill.charges]
    balance = {
        "charged": sum(item.amount_vnd for item in charges)
        + sum(bill.total_vnd for bill in standing if not bill.charges),
        "insurance": sum(item.insurance_vnd for item in charges),
        "discount": sum(item.discount_vnd for item in charges),
        "advances": 0,
        "paid": sum(bill.total_vnd - bill.due_vnd for bill in standing),
    }
    as_of = now
    spoken = extension(told, config.extensions.own + "balance")
    if spoken is not None:
        parts = {name: extension(spoken, name) for name in _BALANCE}
        balance = {
            name: vnd_of(object_of(part).get("valueMoney"), place=name)
            for name, part in parts.items()
        }
        moment = object_of(extension(spoken, "as-of")).get("valueInstant")
        as_of = now if moment is None else moment_of(moment, place="as-of")
    if min(balance.values()) < 0:
        raise BrokenReply("a negative balance")
    left_vnd = balance["charged"] - sum(balance[name] for name in _BALANCE[1:])
    return Account(
        patient=patient,
        visit=visit,
        invoices=tuple(sorted(bills, key=lambda bill: (bill.issued_at, bill.ref))),
        charged_vnd=balance["charged"],
        insurance_vnd=balance["insurance"],
        discount_vnd=balance["discount"],
        advances_vnd=balance["advances"],
        paid_vnd=balance["paid"],
        due_vnd=max(0, left_vnd),
        credit_vnd=max(0, -left_vnd),
        as_of=as_of,
    )


def account_resource(config: FhirConfig, item: Account, *, ref: str) -> Resource:
    amounts = (
        item.charged_vnd,
        item.insurance_vnd,
        item.discount_vnd,
        item.advances_vnd,
        item.paid_vnd,
    )
    own = config.extensions.own
    extensions: list[Resource] = [
        {
            "url": own + "balance",
            "extension": [
                *(
                    {"url": name, "valueMoney": vnd(amount)}
                    for name, amount in zip(_BALANCE, amounts, strict=True)
                ),
                {"url": "as-of", "valueInstant": moment_text(item.as_of)},
            ],
        }
    ]
    if item.visit is not None:
        extensions.append(
            {"url": own + "visit", "valueReference": reference("Encounter", item.visit)}
        )
    return {
        "resourceType": "Account",
        "id": ref,
        "status": "active",
        "subject": [reference("Patient", item.patient)],
        "extension": extensions,
    }


def visit_of(config: FhirConfig, untrusted: Resource) -> Ref | None:
    """The visit an Account or Invoice belongs to, where the HIS tells."""
    told = extension(untrusted, config.extensions.own + "visit")
    return reference_to("Encounter", object_of(told).get("valueReference"))


# --- payments


def payment_resource(
    config: FhirConfig, posting: PaymentPosting, *, key: str, now: datetime
) -> Resource:
    own = config.extensions.own
    extensions: list[Resource] = [
        {"url": own + "patient", "valueReference": reference("Patient", posting.patient)},
        {"url": own + "method", "valueCode": posting.method.value},
        {"url": own + "provider", "valueString": posting.provider},
        {"url": own + "paid-at", "valueInstant": moment_text(posting.paid_at)},
    ]
    if posting.visit is not None:
        extensions.append(
            {"url": own + "visit", "valueReference": reference("Encounter", posting.visit)}
        )
    recipient: Resource = {
        "identifier": {"system": config.system("facility"), "value": config.facility.code}
    }
    if config.recipient:
        recipient = {"reference": config.recipient}
    resource: Resource = {
        "resourceType": "PaymentNotice",
        "identifier": [{"use": "official", "system": config.system("request_key"), "value": key}],
        "status": "active",
        "created": moment_text(now),
        "payment": {
            "identifier": {
                "system": config.system("transaction"),
                "value": posting.provider_reference,
            }
        },
        "paymentDate": moment_text(posting.paid_at)[:10],
        "recipient": recipient,
        "amount": vnd(posting.amount_vnd),
        "paymentStatus": {"coding": [{"system": _PAYMENT_STATUS, "code": "paid"}]},
        "extension": extensions,
    }
    if posting.invoice is not None:
        resource["request"] = reference("Invoice", posting.invoice)
    return resource


def receipt(untrusted: Resource, status: InvoiceStatus | None) -> PaymentReceipt:
    return PaymentReceipt(
        ref=id_of(untrusted),
        invoice=reference_to("Invoice", untrusted.get("request")),
        invoice_status=status,
        amount_vnd=vnd_of(untrusted.get("amount")),
        posted_at=moment_of(untrusted.get("created"), place="created"),
    )


def receipt_resource(config: FhirConfig, item: PaymentReceipt) -> Resource:
    resource: Resource = {
        "resourceType": "PaymentNotice",
        "id": item.ref,
        "identifier": [],
        "status": "active",
        "created": moment_text(item.posted_at),
        "payment": {"display": "-"},
        "recipient": {
            "identifier": {"system": config.system("facility"), "value": config.facility.code}
        },
        "amount": vnd(item.amount_vnd),
    }
    if item.invoice is not None:
        resource["request"] = reference("Invoice", item.invoice)
    return resource


# --- electronic invoices


def einvoice(config: FhirConfig, untrusted: Resource, bill: Ref) -> EInvoice:
    """Raises BrokenReply for one without number or address."""
    attachment = next(
        (object_of(c.get("attachment")) for c in objects(untrusted.get("content"))), {}
    )
    url = text_of(attachment.get("url"), place="url")
    number = text_of(object_of(untrusted.get("masterIdentifier")).get("value"))
    if not number or not url.startswith("https://"):
        raise BrokenReply("an electronic invoice without number or address")
    return EInvoice(
        ref=id_of(untrusted),
        invoice=bill,
        number=number,
        url=url,
        lookup_code=identifier(untrusted, (config.system("lookup"),)) or "",
        issued_at=moment_of(untrusted.get("date"), place="date"),
    )


def einvoice_resource(config: FhirConfig, item: EInvoice) -> Resource:
    return {
        "resourceType": "DocumentReference",
        "id": item.ref,
        "masterIdentifier": {"system": config.system("einvoice"), "value": item.number},
        "identifier": [{"system": config.system("lookup"), "value": item.lookup_code}],
        "status": "current",
        "date": moment_text(item.issued_at),
        "content": [{"attachment": {"url": item.url, "title": "Hóa đơn điện tử"}}],
        "context": {"related": [reference("Invoice", item.invoice)]},
    }


def bill_of(untrusted: Resource) -> Ref | None:
    related = objects(object_of(untrusted.get("context")).get("related"))
    return next((ref for i in related if (ref := reference_to("Invoice", i)) is not None), None)


# --- inside


def _charge(config: FhirConfig, untrusted: Resource) -> Charge:
    amounts = {"base": 0, "surcharge": 0, "deduction": 0, "discount": 0, "tax": 0}
    for component in objects(untrusted.get("priceComponent")):
        kind = text_of(component.get("type"))
        if kind == "informational":
            continue
        if kind not in amounts:
            raise BrokenReply("an unknown kind of price")
        amounts[kind] += abs(vnd_of(component.get("amount")))
    concept = untrusted.get("chargeItemCodeableConcept")
    quantity = extension(untrusted, config.extensions.own + "quantity")
    count = object_of(quantity).get("valueInteger")
    codes = [code for _, code in codes_of(concept)]
    return Charge(
        code=codes[0] if codes else "",
        name_vi=concept_text(concept)
        or text_of(object_of(untrusted.get("chargeItemReference")).get("display")),
        quantity=count if isinstance(count, int) and count > 0 else 1,
        amount_vnd=amounts["base"] + amounts["surcharge"] + amounts["tax"],
        insurance_vnd=amounts["deduction"],
        discount_vnd=amounts["discount"],
    )


def _components(charge: Charge) -> list[Resource]:
    components: list[Resource] = [{"type": "base", "amount": vnd(charge.amount_vnd)}]
    if charge.insurance_vnd:
        components.append(
            {
                "type": "deduction",
                "code": {"text": "BHYT chi trả"},
                "amount": vnd(-charge.insurance_vnd),
            }
        )
    if charge.discount_vnd:
        components.append(
            {"type": "discount", "code": {"text": "Giảm"}, "amount": vnd(-charge.discount_vnd)}
        )
    return components
