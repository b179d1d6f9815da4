"""Tells alerts over every channel that is set up: within seconds, once, and once on return.

What has to be told was written in the transaction that found the trouble. Channels do not wait
for each other, and no transaction is open while the other side thinks. While one is down its
notices are kept; it is tried again after longer and longer pauses, up to half an hour, and what
nobody could be told for three days is given up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from backend.alerts_file import Channel
from backend.domain.alert_channels import GATHER_S
from backend.events import Event
from backend.logging import log
from backend.services.name_alerts import name_alert_subjects
from backend.services.resources import Resources
from backend.services.send_alerts import ALTOGETHER_S, NotTold, send_message
from backend.services.write_alert_message import LANGUAGES, AlertMessage, write_message
from backend.storage.alert_notices import (
    Batch,
    claim_batch,
    has_something_to_tell,
    settle_failed,
    settle_sent,
    split_notices,
)

LEASE_S = 2 * ALTOGETHER_S
MOST_IN_A_TURN = 20


@dataclass(frozen=True, kw_only=True)
class TellingPace:
    """Tests have less time: every span is `speed` times shorter."""

    speed: float = 1.0

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=LEASE_S / self.speed)

    @property
    def gather(self) -> timedelta:
        return timedelta(seconds=GATHER_S / self.speed)


def tell_alerts(resources: Resources, *, over: Sequence[Channel] | None = None) -> int:
    """How many messages went out, one channel after the other; `over` these only.

    Each has a job of its own in a worker: nobody is told later because another side is slow.
    Raises StorageUnavailable.
    """
    database, channels = resources.database, resources.config.alert_channels
    mine = channels if over is None else over
    with database.read() as connection:
        if not has_something_to_tell(
            connection,
            [channel.name for channel in mine],
            configured=[channel.name for channel in channels],
            facility_id=database.facility_id,
            now=database.clock(),
        ):
            return 0
    zone = resources.catalogue.get().zone
    with database.write() as unit:
        split_notices(unit, channels, zone=zone)
    pace = TellingPace(speed=resources.config.speed)
    return sum(_tell_over(resources, channel, pace) for channel in mine)


def _tell_over(resources: Resources, channel: Channel, pace: TellingPace) -> int:
    for count in range(MOST_IN_A_TURN):
        with resources.database.write() as unit:
            batch = claim_batch(unit, channel.name, lease=pace.lease, gather=pace.gather)
        if batch is None or not _tell(resources, channel, batch, pace):
            return count
    return MOST_IN_A_TURN


def _tell(resources: Resources, channel: Channel, batch: Batch, pace: TellingPace) -> bool:
    database = resources.database
    message = _write(resources, batch)
    try:
        note = send_message(
            channel, message, now=database.clock(), altogether_s=ALTOGETHER_S / pace.speed
        )
    except NotTold as error:
        log(Event.ALERT_NOT_TOLD, channel=channel.name, message=batch.id, code=error.code)
        with database.write() as unit:
            settle_failed(
                unit,
                batch,
                error=error.code,
                uncertain=error.uncertain,
                chance=random.random(),  # noqa: S311  # spreads load
                speed=pace.speed,
            )
        return False
    with database.write() as unit:
        settle_sent(unit, batch, note=note)
    log(Event.ALERT_TOLD, channel=channel.name, message=batch.id, alerts=len(batch.alerts))
    return True


def _write(resources: Resources, batch: Batch) -> AlertMessage:
    database, catalogue = resources.database, resources.catalogue.get()
    subjects = [alert.subject for alert in batch.alerts]
    with database.read() as connection:
        names = {
            language: name_alert_subjects(
                connection, subjects, facility_id=database.facility_id, language=language
            )
            for language in LANGUAGES
        }
    return write_message(batch, facility=catalogue.facility_name, names=names, zone=catalogue.zone)
