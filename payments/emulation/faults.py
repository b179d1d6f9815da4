"""Switches that make a provider behave as badly as real ones do on some days."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from payments.emulation.memo import parse_style

ALWAYS = 1_000_000_000
"""For a switch that counts down: until it is turned off."""
_STALE = timedelta(hours=1)
_MAX_SLOW_MS = 120_000


@dataclass(kw_only=True)
class Faults:
    """Plain values, read and set at any time. Those that count go down by themselves.

    Every emulator has those on callbacks and on its own replies; those on orders and refunds
    where it has such. `set_from` takes what comes over `/_emu`.
    """

    # --- callbacks
    drop_webhook: int = 0
    """So many callbacks never leave, repeats included."""
    duplicate: int = 0
    """Each callback comes so many times more."""
    reorder: bool = False
    """Callbacks come in pairs, the second one first."""
    bad_signature: int = 0
    """So many callbacks (sendings) are signed wrongly."""
    stale_timestamp: int = 0
    """So many callbacks (sendings) are signed as of an hour ago."""
    clock_skew: float = 0.0
    """The provider's clock is so many seconds ahead (negative: behind) where it writes the time."""

    # --- replies of the provider
    slow: int = 0
    """Milliseconds before each reply, in real time."""
    http_500: int = 0
    """So many requests are answered 500, and nothing is done."""
    lose_reply: int = 0
    """So many requests are done, and the connection closes without an answer."""
    html: int = 0
    """So many requests are done and answered by a page of HTML, status 200."""
    truncated: int = 0
    """So many replies end in the middle."""
    oversized: int = 0
    """So many replies are 10 MB long."""

    # --- orders and refunds
    pay_after_expiry: bool = False
    """An order takes money after its end."""
    fail: int = 0
    """So many payments end without money; where the provider tells of such, it does."""
    refund_pending: bool = False
    """Refunds stay in progress until this is turned off."""
    partial_refund: int = 0
    """Refunds give back so many đồng only, whatever was asked."""
    memo_style: str = ""
    """`payments.emulation.memo`."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Whether this one is hit; counts it down."""
        with self._lock:
            left = int(getattr(self, name))
            if left <= 0:
                return False
            if left < ALWAYS:
                setattr(self, name, left - 1)
            return True

    def set_from(self, name: str, arguments: Mapping[str, Any]) -> None:
        """The one argument may have any name, `{"n": 2}`, `{"ms": 300}`; none at all turns the
        switch on, `{"on": false}` off. Raises ValueError.
        """
        if name not in SWITCHES:
            raise ValueError(f"no switch {name[:30]!r}")
        if len(arguments) > 1:
            raise ValueError("a switch takes one value")
        value: Any = next(iter(arguments.values()), True)
        kind = type(getattr(self, name))
        if kind is str:
            value = "" if value is False else str(value)
            parse_style(value)
        else:
            value = kind(_read_number(value, name))
        setattr(self, name, value)

    def reset(self) -> None:
        for name, default in _DEFAULTS.items():
            setattr(self, name, default)

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SWITCHES}

    # --- what emulators use where they sign

    def signing_time(self, now: datetime) -> datetime:
        """The time a provider writes into what it signs now."""
        stale = _STALE if self.take("stale_timestamp") else timedelta()
        return now + timedelta(seconds=self.clock_skew) - stale

    def spoil(self, signature: str) -> str:
        """The signature, or one that is wrong in its last character."""
        if not signature or not self.take("bad_signature"):
            return signature
        body = signature.rstrip("=")
        last = "1" if body[-1] == "0" else "0"
        return body[:-1] + last + signature[len(body) :]


SWITCHES = tuple(each.name for each in fields(Faults))
_DEFAULTS = {each.name: each.default for each in fields(Faults)}
_ON = {"slow": 1_000, "clock_skew": 600, "duplicate": 1, "partial_refund": 1_000}
"""What turning a switch on without a number means; else: always."""


def _read_number(value: Any, name: str) -> float:
    words = {"true": True, "on": True, "false": False, "off": False, "": True}
    if isinstance(value, str):
        value = words.get(value.lower(), value)
    if isinstance(value, bool):
        value = _ON.get(name, ALWAYS) if value else 0
    number = float(value)  # raises ValueError for other words
    if not abs(number) <= ALWAYS or (name != "clock_skew" and number < 0):
        raise ValueError("out of range")
    if name == "slow" and number > _MAX_SLOW_MS:
        raise ValueError(f"at most {_MAX_SLOW_MS} ms")
    return number
