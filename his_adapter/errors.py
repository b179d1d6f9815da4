"""Everything a hospital information system can refuse or fail at, as one tree.

HisError
├── NotFound                  no record with that reference
├── MultipleMatches           several people carry the same identifier: a person must decide
├── VersionConflict           the record changed since it was read
├── SlotTaken                 the last place of the hour is gone
├── Duplicate                 the record is there already; `existing` names it
├── KeyReused                 this key was used for another write
├── InvalidData               `field` is wrong; `message_vi` can be shown to people
├── Forbidden · LoginFailed   the HIS does not let us
├── NotSupported              this HIS cannot do that (see `capabilities`)
├── Throttled · Unavailable   nothing was done: come again later
├── OutcomeUnknown            the write may or may not have been done: `find_by_key` tells
├── BrokenReply               the reply breaks the contract
└── GatewayMisconfigured      start-up stops: the settings of the adapter cannot be used
    └── UnknownGateway

`code` follows the issue types of FHIR R4 where there is one. Only Throttled, Unavailable and
OutcomeUnknown may be tried again, the last only after `find_by_key` found nothing. Forbidden,
LoginFailed, BrokenReply and GatewayMisconfigured say more of the HIS than of what was asked
(`of_party`): a wrong password, a page of a proxy. No text of an error carries a name, a number or
anything else of a person.
"""

from __future__ import annotations

from typing import ClassVar


class HisError(Exception):
    """Base of all. `code` is stable; `retryable` says whether the same call may work later."""

    code: ClassVar[str] = "exception"
    retryable: ClassVar[bool] = False
    of_party: ClassVar[bool] = False
    """Others are likely to meet it as well, and it ends when somebody puts the HIS right."""

    @property
    def message_key(self) -> str:
        """Key of the sentence shown to people."""
        return f"his.{self.code}"


class NotFound(HisError):
    code = "not-found"


class MultipleMatches(HisError):
    code = "multiple-matches"


class VersionConflict(HisError):
    code = "conflict"


class SlotTaken(HisError):
    code = "slot-taken"


class Duplicate(HisError):
    """`existing` is the reference of the record that is there already."""

    code = "duplicate"

    def __init__(self, message: str, *, existing: str) -> None:
        super().__init__(message)
        self.existing = existing


class KeyReused(HisError):
    code = "key-reused"


class InvalidData(HisError):
    """`message_vi` is one plain Vietnamese sentence without personal data."""

    code = "invalid"

    def __init__(self, field: str, message_vi: str) -> None:
        super().__init__(f"invalid {field}")
        self.field = field
        self.message_vi = message_vi


class Forbidden(HisError):
    code = "forbidden"
    of_party = True


class LoginFailed(HisError):
    code = "login"
    of_party = True


class NotSupported(HisError):
    code = "not-supported"


class Throttled(HisError):
    code = "throttled"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(HisError):
    """Down, too slow for a read, locked or full: nothing was written."""

    code = "transient"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(HisError):
    """The write with this `key` was sent, but no answer came."""

    code = "timeout"
    retryable = True

    def __init__(self, message: str, *, key: str) -> None:
        super().__init__(message)
        self.key = key


class BrokenReply(HisError):
    code = "broken-reply"
    of_party = True


class GatewayMisconfigured(HisError):
    code = "misconfigured"
    of_party = True


class UnknownGateway(GatewayMisconfigured):
    code = "unknown-gateway"
