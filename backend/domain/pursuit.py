"""When a provider is asked again what became of an order whose callback did not come. Pure.

5, 10, 20, 40 and 60 s after the QR was shown, then every 30 s until it ends; 2, 10 and 60 minutes
after its end, and once more at the end of the day. Then only a statement tells.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST_S = (5, 10, 20, 40, 60)
EVERY_S = 30
AFTER_END_MIN = (2, 10, 60)
END_OF_DAY = time(23, 30)
PUSHED_FIRST_S = 20
"""A provider that pushes is trusted for so long before it is asked."""


def find_next_query(
    *, created_at: datetime, expires_at: datetime, now: datetime, zone: ZoneInfo
) -> datetime | None:
    """The first moment after `now` at which the provider is asked; None: not any more."""
    moments = [created_at + timedelta(seconds=seconds) for seconds in FIRST_S]
    last = moments[-1]
    steps = int((now - last).total_seconds() // EVERY_S) + 1
    moments.append(last + timedelta(seconds=EVERY_S * max(steps, 1)))
    live = [moment for moment in moments if now < moment < expires_at]
    if live:
        return min(live)
    local = created_at.astimezone(zone)
    ends = [expires_at, *(expires_at + timedelta(minutes=minutes) for minutes in AFTER_END_MIN)]
    ends.append(datetime.combine(local.date(), END_OF_DAY, zone))
    return min((moment for moment in ends if moment > now), default=None)
