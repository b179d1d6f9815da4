"""Every night yesterday is laid beside what each bank and wallet itself says of it."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select

from backend.events import Event
from backend.logging import log
from backend.services.reconcile_payments import reconcile_list
from backend.services.remote_party import NoAnswer
from backend.services.resources import Resources
from backend.storage.reconciliation_tables import Reconciliation
from payments.errors import PaymentError

ACTOR = "job:reconcile_payments"
FROM_HOUR = 2
"""Banks close their day after midnight."""


def reconcile_payments(resources: Resources) -> list[str]:
    """Names of the providers whose list of yesterday was laid down now; each once.

    Raises StorageUnavailable.
    """
    now = resources.database.clock().astimezone(resources.catalogue.get().zone)
    if now.hour < FROM_HOUR:
        return []
    yesterday = now.date() - timedelta(days=1)
    done = []
    for name, provider in resources.providers.items():
        if not provider.features().lists_credits or _is_done(resources, name, yesterday):
            continue
        try:
            reconcile_list(resources, name, yesterday, actor=ACTOR)
        except (NoAnswer, PaymentError) as error:
            log(Event.JOB_FAILED, error=error, job="reconcile_payments", provider=name)
            continue
        done.append(name)
    return done


def _is_done(resources: Resources, provider: str, day: date) -> bool:
    with resources.database.read() as connection:
        found = connection.scalar(
            select(Reconciliation.id).where(
                Reconciliation.facility_id == resources.database.facility_id,
                Reconciliation.provider == provider,
                Reconciliation.source == "list",
                Reconciliation.first_day == day,
            )
        )
    return found is not None
