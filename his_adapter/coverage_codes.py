"""What the result codes of the insurer's card look-up (`maKetQua`) mean for a check-in.

The list annexed to official letter CV 1923/BHXH-CNTT, as data; 500, 501 and 999 are seen in
practice. Which codes block is a decision of the hospital: `outcome_of` takes another table.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from his_adapter.models import CoverageOutcome

OUTCOMES: Mapping[str, CoverageOutcome] = MappingProxyType(
    {
        "000": CoverageOutcome.OK,
        "001": CoverageOutcome.OK_DESK_NOTE,  # army
        "002": CoverageOutcome.OK_DESK_NOTE,  # police
        "003": CoverageOutcome.USE_NEW,  # old card ended, new one issued
        "004": CoverageOutcome.OK,  # old card still valid, new one issued
        "010": CoverageOutcome.NONE,  # expired
        "050": CoverageOutcome.NONE,  # not found
        "051": CoverageOutcome.MISMATCH,  # card number wrong
        "052": CoverageOutcome.MISMATCH,  # province in it wrong
        "053": CoverageOutcome.MISMATCH,  # benefit level in it wrong
        "054": CoverageOutcome.CONFIG_ERROR,  # our staff member is not registered
        "055": CoverageOutcome.CONFIG_ERROR,  # our staff member's name differs
        "060": CoverageOutcome.MISMATCH,  # name
        "061": CoverageOutcome.MISMATCH,  # name, initials right
        "070": CoverageOutcome.MISMATCH,  # birth date
        "100": CoverageOutcome.LATER,
        "101": CoverageOutcome.LATER,
        "110": CoverageOutcome.NONE,  # withdrawn
        "120": CoverageOutcome.NONE,  # reported as stopped
        "121": CoverageOutcome.NONE,
        "122": CoverageOutcome.NONE,
        "123": CoverageOutcome.NONE,
        "124": CoverageOutcome.NONE,
        "130": CoverageOutcome.NONE,  # a child whose card was not shown
        "205": CoverageOutcome.CONFIG_ERROR,  # we sent a wrong format
        "401": CoverageOutcome.CONFIG_ERROR,  # our login
        "500": CoverageOutcome.LATER,
        "501": CoverageOutcome.LATER,  # token, after one new login
        "999": CoverageOutcome.LATER,
    }
)


def outcome_of(
    untrusted_code: str, outcomes: Mapping[str, CoverageOutcome] = OUTCOMES
) -> CoverageOutcome:
    """An unknown code is `later`: the desk decides, nobody is refused."""
    return outcomes.get(untrusted_code, CoverageOutcome.LATER)
