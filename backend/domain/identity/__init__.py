"""Who stands at the kiosk: payloads of cards and papers read into identities.

Pure code. Nothing here proves a person: a QR code is not signed and counts as typed data.
"""

from __future__ import annotations

from backend.domain.identity.codes import ErrorCode, Kind, WarningCode
from backend.domain.identity.models import BirthDate, Gender, Identity, ParseResult
from backend.domain.identity.parser import check_typed_number, describe, keep_number, parse

__all__ = [
    "BirthDate",
    "ErrorCode",
    "Gender",
    "Identity",
    "Kind",
    "ParseResult",
    "WarningCode",
    "check_typed_number",
    "describe",
    "keep_number",
    "parse",
]
