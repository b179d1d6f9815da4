"""Argon2id hashes of passwords. The work is the same for a name nobody has."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.domain.passwords import MAX_CHARS, normalise_password

# A quarter of a second of thirty people signing in at once must fit a machine of 4 GB beside the
# database: 32 MiB each, well above the least that OWASP asks for (19 MiB, two rounds).
_hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(normalise_password(password))


def matches(password_hash: str | None, untrusted_password: str) -> bool:
    """False also for None, after as much work: time must not tell whether a name exists."""
    password = normalise_password(untrusted_password[: MAX_CHARS + 1])
    try:
        _hasher.verify(password_hash or _unused_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_new_hash(password_hash: str) -> bool:
    """True after the figures above were raised."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _unused_hash() -> str:
    return _hasher.hash("a password nobody has")
