"""The closed lists of the parser: kinds of payload, errors, warnings.

An error ends the reading and becomes a sentence on the screen; warnings go to the staff view.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a payload is; on an error, the class that was reached before it."""

    CCCD2021 = "cccd2021"
    CAN_CUOC2024 = "can_cuoc2024"
    BHYT = "bhyt"
    """Any QR of a health insurance card."""
    MRZ = "mrz"
    ID12 = "id12"
    CMND9 = "cmnd9"
    BHYT15 = "bhyt15"
    """A typed card number, not a QR."""
    AMBIGUOUS = "ambiguous"
    """Ten bare digits: a BHXH number or a number of this hospital."""
    TICKET = "ticket"
    MRN = "mrn"
    APPOINTMENT = "appointment"
    UNKNOWN = "unknown"


class ErrorCode(StrEnum):
    EMPTY = "E_EMPTY"
    TOO_LONG = "E_TOO_LONG"
    CHARSET_GARBLED = "E_CHARSET_GARBLED"
    CHARSET_LOSSY = "E_CHARSET_LOSSY"
    CONTROL_CHARS = "E_CONTROL_CHARS"
    QR_IS_URL = "E_QR_IS_URL"
    QR_IS_PAYMENT = "E_QR_IS_PAYMENT"
    QR_LEGACY_COVID = "E_QR_LEGACY_COVID"
    UNKNOWN_QR = "E_UNKNOWN_QR"
    FIELD_COUNT = "E_FIELD_COUNT"
    DOUBLE_SCAN = "E_DOUBLE_SCAN"
    TRUNCATED = "E_TRUNCATED"
    ID_LENGTH = "E_ID_LENGTH"
    ID_CHARSET = "E_ID_CHARSET"
    DOB_INVALID = "E_DOB_INVALID"
    DOB_FUTURE = "E_DOB_FUTURE"
    ISSUE_BEFORE_BIRTH = "E_ISSUE_BEFORE_BIRTH"
    HEX_ODD_LENGTH = "E_HEX_ODD_LENGTH"
    HEX_INVALID = "E_HEX_INVALID"
    BHYT_NUMBER = "E_BHYT_NUMBER"
    BHYT_LEVEL = "E_BHYT_LEVEL"
    BHYT_SEX = "E_BHYT_SEX"
    MRZ_CHECK_DIGIT = "E_MRZ_CHECK_DIGIT"


class WarningCode(StrEnum):
    ID_PROVINCE_UNKNOWN = "W_ID_PROVINCE_UNKNOWN"
    ID_SEX_MISMATCH = "W_ID_SEX_MISMATCH"
    ID_YEAR_MISMATCH = "W_ID_YEAR_MISMATCH"
    ISSUE_DATE_MISSING = "W_ISSUE_DATE_MISSING"
    IME_REPAIRED = "W_IME_REPAIRED"
    HEX_UTF16 = "W_HEX_UTF16"
    FIELDS_MISSING = "W_FIELDS_MISSING"
    """A field that this kind of card carries is absent or cannot be read."""
    BHYT_GROUP_UNKNOWN = "W_BHYT_GROUP_UNKNOWN"
    BHYT_EXPIRED = "W_BHYT_EXPIRED"
    BHYT_NOT_YET_VALID = "W_BHYT_NOT_YET_VALID"


class Refused(Exception):
    """Ends a reading inside this package; `parse` turns it into a result. Carries no payload."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.value)
        self.code = code
