from __future__ import annotations

import backend.domain.visit
import backend.storage.crypto
from backend.errors import BackendError


def all_errors(base: type[BackendError] = BackendError) -> list[type[BackendError]]:
    return [base, *(each for child in base.__subclasses__() for each in all_errors(child))]


def test_codes_are_stable_words_and_nobody_shares_one() -> None:
    assert backend.domain.visit
    assert backend.storage.crypto
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes))
    assert all(code.replace("_", "").isalpha() and code.islower() for code in codes)


def test_only_what_may_pass_is_retryable() -> None:
    assert all(error.status in {429, 503} for error in all_errors() if error.retryable)
