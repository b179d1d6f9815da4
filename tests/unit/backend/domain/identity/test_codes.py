from __future__ import annotations

from backend.domain.identity.codes import ErrorCode, Kind, Refused, WarningCode

PUBLISHED = """
    cccd2021 can_cuoc2024 bhyt mrz id12 cmnd9 bhyt15 ambiguous ticket mrn appointment unknown

    E_QR_IS_URL E_QR_IS_PAYMENT E_QR_LEGACY_COVID E_UNKNOWN_QR E_FIELD_COUNT E_DOUBLE_SCAN
    E_CHARSET_GARBLED E_CHARSET_LOSSY E_ID_LENGTH E_ID_CHARSET E_DOB_INVALID E_DOB_FUTURE
    E_ISSUE_BEFORE_BIRTH E_HEX_ODD_LENGTH E_HEX_INVALID E_TRUNCATED E_BHYT_NUMBER E_BHYT_LEVEL
    E_BHYT_SEX E_MRZ_CHECK_DIGIT E_EMPTY E_TOO_LONG E_CONTROL_CHARS

    W_ID_PROVINCE_UNKNOWN W_ID_SEX_MISMATCH W_ID_YEAR_MISMATCH W_ISSUE_DATE_MISSING
    W_IME_REPAIRED W_HEX_UTF16 W_FIELDS_MISSING W_BHYT_GROUP_UNKNOWN W_BHYT_EXPIRED
    W_BHYT_NOT_YET_VALID
"""


def test_published_words_do_not_change() -> None:
    """Outside tools, screens and logs rely on them."""
    assert {str(word) for words in (Kind, ErrorCode, WarningCode) for word in words} == {
        *PUBLISHED.split()
    }


def test_a_refusal_says_its_code_and_nothing_else() -> None:
    assert str(Refused(ErrorCode.ID_LENGTH)) == "E_ID_LENGTH"
