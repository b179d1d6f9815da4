"""What an adapter starts from: a gateway that can do nothing yet, and says so.

An adapter overrides what its HIS can do. Whatever it leaves raises NotSupported, and is absent
from `overridden_features`, from which `capabilities` may be made.
"""

from __future__ import annotations

from typing import Any

from his_adapter.errors import NotSupported
from his_adapter.models import Feature


class PartialGateway:
    """Each method of the port that stands for a feature; none of them works.

    Arguments are of any shape here, so that an override is checked against the port alone.
    """

    def find_patients(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.FIND_PATIENTS)

    def read_patient(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.READ_PATIENT)

    def create_patient(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.CREATE_PATIENT)

    def update_patient(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.UPDATE_PATIENT)

    def merge_patients(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.MERGE_PATIENTS)

    def submit_history(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.SUBMIT_HISTORY)

    def check_coverage(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.CHECK_COVERAGE)

    def list_departments(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_DEPARTMENTS)

    def list_rooms(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_ROOMS)

    def list_services(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_SERVICES)

    def list_practitioners(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_PRACTITIONERS)

    def list_sessions(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_SESSIONS)

    def list_closed_days(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_CLOSED_DAYS)

    def find_slots(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.FIND_SLOTS)

    def book_appointment(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.BOOK_APPOINTMENT)

    def change_appointment(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.CHANGE_APPOINTMENT)

    def find_appointments(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.FIND_APPOINTMENTS)

    def check_in(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.CHECK_IN)

    def cancel_visit(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.CANCEL_VISIT)

    def list_visits(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_VISITS)

    def queue_status(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.QUEUE_STATUS)

    def list_orders(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_ORDERS)

    def list_reports(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_REPORTS)

    def read_report_part(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.READ_REPORT_PART)

    def read_account(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.READ_ACCOUNT)

    def post_payment(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.POST_PAYMENT)

    def einvoice(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.EINVOICE)

    def record_consent(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.RECORD_CONSENT)

    def list_codes(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.LIST_CODES)

    def changes(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.CHANGES)

    def find_by_key(self, *_: Any, **__: Any) -> Any:
        raise NotSupported(Feature.FIND_BY_KEY)


def overridden_features(gateway: type[PartialGateway]) -> frozenset[Feature]:
    """The features whose methods this adapter has of its own."""
    return frozenset(
        feature
        for feature in Feature
        if getattr(gateway, feature.value) is not getattr(PartialGateway, feature.value)
    )
