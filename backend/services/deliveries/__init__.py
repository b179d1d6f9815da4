"""How each kind of outbox message is delivered: one module per kind, all of them listed here."""

from __future__ import annotations

from backend.services import queue_checkin
from backend.services.apply_transaction import POST_PAYMENT
from backend.services.deliveries import (
    cancel_visit,
    check_in,
    merge_patients,
    post_payment,
    release_number,
    send_checkin,
    submit_history,
    update_patient,
)
from backend.services.deliveries.message import Delivery

CHECK_IN, CANCEL_VISIT, MERGE_PATIENTS = "his.check_in", "his.cancel_visit", "his.merge_patients"
RELEASE_NUMBER, UPDATE_PATIENT = "his.release_number", "his.update_patient"
SUBMIT_HISTORY = "his.submit_history"

DELIVERIES: dict[str, Delivery] = {
    CHECK_IN: Delivery(deliver=check_in.deliver),
    # A check-in nobody knows the end of may have left a visit in the HIS: it is settled first.
    CANCEL_VISIT: Delivery(deliver=cancel_visit.deliver, waits_for=frozenset({CHECK_IN})),
    MERGE_PATIENTS: Delivery(deliver=merge_patients.deliver),
    RELEASE_NUMBER: Delivery(deliver=release_number.deliver),
    # Somebody new is created in the HIS by the check-in.
    UPDATE_PATIENT: Delivery(deliver=update_patient.deliver, waits_for=frozenset({CHECK_IN})),
    SUBMIT_HISTORY: Delivery(deliver=submit_history.deliver, waits_for=frozenset({CHECK_IN})),
    POST_PAYMENT: Delivery(deliver=post_payment.deliver),
    queue_checkin.KIND: Delivery(deliver=send_checkin.deliver, party=queue_checkin.PARTY),
}


def list_parties() -> list[str]:
    return sorted({delivery.party for delivery in DELIVERIES.values()})
