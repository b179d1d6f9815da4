"""The closed list of log events of devices.

Logged with the name of the device and a cause; never with anything read from a person's card.
A device that goes away is logged once, and once on its return.
"""

from __future__ import annotations

from enum import StrEnum


class DeviceEvent(StrEnum):
    SCANNER_LOST = "scanner_lost"
    """The scanner cannot be opened or went away."""
    SCANNER_RETURNED = "scanner_returned"
    """The scanner reads (again)."""
    SCAN_DROPPED = "scan_dropped"
    """A reading was thrown away: too long, or nobody fetched the earlier ones."""
