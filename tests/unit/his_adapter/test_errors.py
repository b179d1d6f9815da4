from __future__ import annotations

from his_adapter import errors
from his_adapter.errors import HisError


def all_errors(base: type[HisError] = HisError) -> list[type[HisError]]:
    """Of the port: whoever uses it may tell some of them apart more finely for itself."""
    children = [each for each in base.__subclasses__() if each.__module__ == errors.__name__]
    return [base] + [found for child in children for found in all_errors(child)]


def test_codes_are_unique() -> None:
    codes = [error.code for error in all_errors()]
    assert len(codes) == len(set(codes))


def test_only_three_errors_may_be_tried_again() -> None:
    assert {error.__name__ for error in all_errors() if error.retryable} == {
        "Throttled",
        "Unavailable",
        "OutcomeUnknown",
    }


def test_the_tree_in_the_docstring_names_every_error() -> None:
    assert [e.__name__ for e in all_errors() if e.__name__ not in (errors.__doc__ or "")] == []
