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
    REGISTER_MIGRATED = "his_register_migrated"
    """The builtin register was brought to the present layout."""
    DEMO_SEEDED = "his_demo_seeded"
    """The demo hospital was filled, or its dates were moved to today."""
    FAULT_PLAYED = "his_demo_fault_played"
    """The demo hospital failed on purpose."""
