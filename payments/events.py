"""The closed list of log events of payment providers.

Logged with the name of the provider and our own keys; never with a name, an account of a payer, a
memo or a secret. A provider that goes away is logged once, and once on its return.
"""

from __future__ import annotations

from enum import StrEnum


class PaymentEvent(StrEnum):
    PROVIDER_LOST = "payment_provider_lost"
    """The provider stopped answering."""
    PROVIDER_RETURNED = "payment_provider_returned"
    """The provider answers again."""
    PROVIDER_REFUSES_US = "payment_provider_refuses_us"
    """Key, account or contract is wrong there: a technician has to look."""
    EMULATOR_REQUEST = "payment_emulator_request"
    """A stand-in answered: path and status, nothing of what was asked."""
