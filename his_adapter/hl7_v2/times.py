"""Times as HL7 v2 writes them: `20261201070000+0700`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo

from his_adapter.errors import BrokenReply

_MOMENT = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})(?:([0-9]{2})(?:\.[0-9]{1,4})?)?)?"
    r"(?:([+-])([0-9]{2})([0-9]{2}))?"
)


def dump_time(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).strftime("%Y%m%d%H%M%S%z")


def read_time(untrusted: str, zone: tzinfo) -> datetime:
    """In `zone`, which is also meant without an offset. Raises BrokenReply."""
    match = _MOMENT.fullmatch(untrusted)
    if match is None:
        raise BrokenReply("no time")
    year, month, day, hour, minute, second, sign, hours, minutes = match.groups()
    told_zone = zone
    try:
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            told_zone = timezone(-offset if sign == "-" else offset)
        clock = (int(hour or 0), int(minute or 0), int(second or 0))
        moment = datetime(int(year), int(month), int(day), *clock, tzinfo=told_zone)
        return moment.astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise BrokenReply("no time") from error
