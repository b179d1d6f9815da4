"""The session with the gateway: one for all threads, taken anew only when it has to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from his_adapter.errors import LoginFailed, Unavailable

MARGIN_S = 60.0
LONGEST_S = 600.0
SHORTEST_S = 30.0
"""A clock that goes wrong must not make every question log in first."""
REFUSED_PAUSE_S = 60.0
"""After a refused password nobody tries again at once: accounts get locked."""

_MILLISECONDS_FROM = 100_000_000_000
_MOMENTS_FROM = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Token:
    access: str = field(repr=False)
    identity: str = field(repr=False)
    good_for_s: float


class TokenSource:
    """`login` takes a time limit in seconds and gives a fresh token or raises a HisError."""

    def __init__(
        self, login: Callable[[float], Token], *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._login = login
        self._ticks = ticks
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._ends_at = 0.0
        self._refused_until = 0.0

    def get(self, *, timeout_s: float) -> Token:
        """The present token; whoever comes while one is being taken waits for that one.

        Raises LoginFailed, Unavailable, and what else `login` raises.
        """
        give_up_at = self._ticks() + timeout_s
        if not self._lock.acquire(timeout=max(0.0, timeout_s)):
            raise Unavailable("the insurer has not let us in yet")
        try:
            now = self._ticks()
            if self._token is not None and now < self._ends_at:
                return self._token
            if now < self._refused_until:
                raise LoginFailed("the insurer refused our account a moment ago")
            try:
                token = self._login(give_up_at - now)
            except LoginFailed:
                self._refused_until = self._ticks() + REFUSED_PAUSE_S
                raise
            self._token, self._ends_at = token, self._ticks() + token.good_for_s
            return token
        finally:
            self._lock.release()

    def drop(self, token: Token) -> None:
        """Forgets a token that was refused, unless somebody has taken a newer one meanwhile."""
        with self._lock:
            if self._token is token:
                self._token = None


def good_for_s(untrusted_expiry: object, *, now: datetime) -> float:
    """Seconds a token may be used: to a minute before its end, ten minutes at most.

    The end comes as UTC text, with or without zone, as a number of seconds, or as a moment in
    (milli)seconds since 1970. What cannot be read is trusted for half the longest time: a
    refusal costs one more login, no more.
    """
    left_s = _seconds_left(untrusted_expiry, now)
    if left_s is None:
        return LONGEST_S / 2
    return min(max(left_s - MARGIN_S, SHORTEST_S), LONGEST_S)


def _seconds_left(untrusted_expiry: object, now: datetime) -> float | None:
    if isinstance(untrusted_expiry, bool):
        return None
    if isinstance(untrusted_expiry, str) and len(untrusted_expiry) <= 40:
        text = untrusted_expiry.strip()
        if not (text.isascii() and text.replace(".", "", 1).isdigit()):
            return _seconds_until(text, now)
        untrusted_expiry = float(text)
    if not isinstance(untrusted_expiry, int | float) or not 0 <= untrusted_expiry < 1e15:
        return None
    if untrusted_expiry < _MOMENTS_FROM:
        return float(untrusted_expiry)
    if untrusted_expiry >= _MILLISECONDS_FROM:
        untrusted_expiry = untrusted_expiry / 1000
    return float(untrusted_expiry) - now.timestamp()


def _seconds_until(text: str, now: datetime) -> float | None:
    for pattern in (None, "%d/%m/%Y %H:%M:%S"):
        try:
            moment = (
                datetime.fromisoformat(text)
                if pattern is None
                else datetime.strptime(text, pattern).replace(tzinfo=UTC)
            )
        except ValueError:
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - now).total_seconds()
    return None
