"""Letters for numbers that kiosks give without their server, and which of them are left. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

FIRST_LETTERS = "ZYWQ"
"""No hospital's own series begins with one of these and a second letter."""
SECOND_LETTERS = "ACDEGHKLMPQSTVXZ"
"""Without letters that look or sound like another in the same pair of loudspeakers."""
MAX_NUMBERS_AT_ONCE = 50
LAST_NUMBER = 9_999


def list_letters() -> Iterator[str]:
    """All letters there are, in the order they are given away."""
    for first in FIRST_LETTERS:
        for second in SECOND_LETTERS:
            yield first + second


def find_free_letter(taken: Collection[str]) -> str | None:
    return next((letter for letter in list_letters() if letter not in taken), None)
