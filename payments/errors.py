"""Everything a provider of payments can refuse or fail at, as one tree.

PaymentError
├── Declined              the provider refuses this order; `reason` is its own code
├── NotSupported          this provider cannot do that (see `features`)
├── Throttled · Unavailable   nothing was done: come again later
├── OutcomeUnknown        it may have been done: the same key again, or `query`, tells
├── BrokenReply           the reply breaks the contract, or its signature is wrong
├── ProviderMisconfigured start-up stops: the settings cannot be used
│   └── UnknownProvider
└── CallbackRefused       a callback that changes nothing
    ├── BadSignature      not from the provider, or damaged on the way
    ├── StaleCallback     outside the window of time: a replay, or a clock that is wrong
    ├── MalformedCallback well signed, yet of another shape
    └── NotOurs           of another merchant, account or currency

Only Throttled, Unavailable and OutcomeUnknown may be tried again. No text of an error carries a
name, an account of a payer or a secret.
"""

from __future__ import annotations

from typing import ClassVar


class PaymentError(Exception):
    """Base of all. `code` is stable; `retryable` says whether the same call may work later."""

    code: ClassVar[str] = "payment"
    retryable: ClassVar[bool] = False

    @property
    def message_key(self) -> str:
        """Key of the sentence shown to people."""
        return f"payments.{self.code}"


class Declined(PaymentError):
    code = "declined"

    def __init__(self, reason: str) -> None:
        super().__init__(f"declined: {reason}")
        self.reason = reason


class NotSupported(PaymentError):
    code = "not-supported"


class Throttled(PaymentError):
    code = "throttled"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(PaymentError):
    """Not reached, or answered that it cannot now: nothing was done."""

    code = "unavailable"
    retryable = True


class OutcomeUnknown(PaymentError):
    """Sent, but no answer came."""

    code = "outcome-unknown"
    retryable = True


class BrokenReply(PaymentError):
    code = "broken-reply"


class ProviderMisconfigured(PaymentError):
    code = "misconfigured"


class UnknownProvider(ProviderMisconfigured):
    code = "unknown-provider"


class CallbackRefused(PaymentError):
    """Nothing is kept of it but a count. `context` is what the provider's answer must repeat."""

    code = "callback-refused"

    def __init__(self, message: str, *, context: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.context = context or {}


class BadSignature(CallbackRefused):
    code = "bad-signature"


class StaleCallback(CallbackRefused):
    code = "stale-callback"


class MalformedCallback(CallbackRefused):
    code = "malformed-callback"


class NotOurs(CallbackRefused):
    code = "not-ours"
