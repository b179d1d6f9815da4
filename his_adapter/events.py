"""The closed list of log events of HIS adapters.

Logged with the name of the adapter, our own keys and the refs of the HIS; never with a name, a
number or a card of a person. A HIS that goes away is logged once, and once on its return.
"""

from __future__ import annotations

from enum import StrEnum


class HisEvent(StrEnum):
    HIS_LOST = "his_lost"
    """The HIS stopped answering."""
    HIS_RETURNED = "his_returned"
    """The HIS answers again."""
    FEED_REFUSED = "his_feed_refused"
    """A message that the HIS sent by itself cannot be used: a technician has to look."""
    REGISTER_MIGRATED = "his_register_migrated"
    """The builtin register was brought to the present layout."""
    DEMO_SEEDED = "his_demo_seeded"
    """The demo hospital was filled, or its dates were moved to today."""
    FAULT_PLAYED = "his_demo_fault_played"
    """The demo hospital failed on purpose."""
    INSURER_LOST = "insurer_lost"
    """The insurer stopped answering."""
    INSURER_RETURNED = "insurer_returned"
    """The insurer answers again."""
    INSURER_REFUSES_US = "insurer_refuses_us"
    """Our account, employee or request is wrong there: a technician has to look."""
    INSURER_CODE_UNKNOWN = "insurer_code_unknown"
    """The insurer answered with a result code that is not on our list."""
    EMULATOR_REQUEST = "emulator_request"
    """A stand-in answered: path and status, nothing of what was asked."""
