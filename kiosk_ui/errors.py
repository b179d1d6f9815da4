"""Errors of the kiosk.

KioskError
├── NoOfflineNumber        the kiosk may not give a number by itself now
├── ConfigRefused          the settings cannot be used: start-up stops, exit status 2
└── GatewayError           a call to the server gave no usable answer
    ├── ServerAway         no connection, no answer in time, or a 5xx: the same call may work later
    ├── ServerRefused      a problem document: `problem_code` and `message_key` say which
    ├── CredentialRefused  401: the kiosk is not (or no longer) enrolled
    └── ReplyUnreadable    the answer has another shape than promised
"""

from __future__ import annotations

from typing import ClassVar


class KioskError(Exception):
    """Base of all. `code` is stable; `retryable`: the same call may work later."""

    code: ClassVar[str] = "kiosk_error"
    retryable: ClassVar[bool] = False


class ConfigRefused(KioskError):
    code = "config_refused"


class NoOfflineNumber(KioskError):
    code = "no_offline_number"


class GatewayError(KioskError):
    code = "gateway_error"


class ServerAway(GatewayError):
    """Whether the server did what it was asked is not known: repeat with the same key."""

    code = "server_away"
    retryable = True


class ServerRefused(GatewayError):
    """The server said no. Carries codes only, no text of the server."""

    code = "server_refused"

    def __init__(self, problem_code: str, message_key: str | None = None) -> None:
        super().__init__(problem_code)
        self.problem_code = problem_code
        self.message_key = message_key


class CredentialRefused(GatewayError):
    code = "credential_refused"


class ReplyUnreadable(GatewayError):
    code = "reply_unreadable"
