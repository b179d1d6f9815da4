"""What careless servers were seen to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Careless:
    """Each is off: a faithful server."""

    ignore_if_match: bool = False
    ignore_date_filters: bool = False
    forget_unknown_parameters: bool = False
    """Searches that name one of our keys find nothing."""
    html_with_200: bool = False
    lose_conditional_create: bool = False
    """If-None-Exist is not honoured."""
    another_patient: bool = False
    """Answers about a patient hold a record of somebody else."""
