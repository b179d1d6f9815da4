"""What members of staff may be. A person has one role or several; without one nothing is open."""

from __future__ import annotations

from enum import StrEnum


class StaffRole(StrEnum):
    RECEPTION = "reception"
    ROOM_CALLER = "room_caller"
    HEAD = "head"
    """Head of the examination department."""
    CASHIER = "cashier"
    ACCOUNTANT = "accountant"
    """Of the finance office: approves refunds, closes days, signs what was reconciled."""
    CONTENT_EDITOR = "content_editor"
    IT = "it"
    QUALITY = "quality"
    AUDITOR = "auditor"


ADMIN_ROLES = frozenset({StaffRole.IT})
"""Roles that change the system itself: shorter sessions, always a second factor."""
