"""What strangers send, checked before it reaches the register."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from his_adapter.builtin.names import normal_form
from his_adapter.errors import InvalidData
from his_adapter.models import Identifier, IdentifierKind, WriteKey, is_write_key

MAX_LIMIT = 1000

MAX_NAME = 100
MAX_ADDRESS = 400
MAX_REASON = 400
MAX_PHONE = 20
MAX_REF = 120

_SHAPES = {
    IdentifierKind.ID12: r"[0-9]{12}",
    IdentifierKind.CMND9: r"[0-9]{9}",
    IdentifierKind.BHYT15: r"[A-Z]{2}[1-5][0-9]{12}",
    IdentifierKind.BHXH10: r"[0-9]{10}",
    IdentifierKind.PASSPORT: r"[A-Z0-9]{5,20}",
    IdentifierKind.MRN: r"BN[0-9]{6,10}",
    IdentifierKind.APPOINTMENT: r"(?:LH|HK)[0-9]{6,12}",
}
_PHONE = re.compile(r"\+?[0-9]{8,15}")


def checked_limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidData("limit", "Danh sách yêu cầu quá dài.")
    return limit


def checked_key(key: WriteKey) -> WriteKey:
    if not is_write_key(key):
        raise InvalidData("key", "Mã yêu cầu không hợp lệ.")
    return key


def checked_ref(untrusted_ref: str) -> str:
    """A reference is matched, never parsed: only its size and its characters are looked at."""
    if not untrusted_ref.isascii() or not 0 < len(untrusted_ref) <= MAX_REF:
        raise InvalidData("ref", "Mã tham chiếu không hợp lệ.")
    return untrusted_ref


def checked_text(field: str, untrusted_text: str, *, max_chars: int) -> str:
    """One line, NFC, single spaces, nothing invisible."""
    if len(untrusted_text) > 4 * max_chars:  # decomposed letters take up to four
        raise InvalidData(field, "Nội dung quá dài.")
    text = normal_form(untrusted_text)
    if len(text) > max_chars:
        raise InvalidData(field, "Nội dung quá dài.")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn"} for letter in text):
        raise InvalidData(field, "Nội dung có ký tự không hợp lệ.")
    return text


def checked_name(untrusted_name: str) -> str:
    name = checked_text("full_name", untrusted_name, max_chars=MAX_NAME)
    if not any(letter.isalpha() for letter in name):
        raise InvalidData("full_name", "Họ tên không được để trống.")
    return name


def checked_phone(untrusted_phone: str) -> str:
    phone = re.sub(r"[ .-]", "", untrusted_phone[: 2 * MAX_PHONE])
    if _PHONE.fullmatch(phone) is None:
        raise InvalidData("phone", "Số điện thoại không hợp lệ.")
    return phone


def checked_identifier(untrusted: Identifier) -> Identifier:
    if re.fullmatch(_SHAPES[untrusted.kind], untrusted.value) is None:
        raise InvalidData(f"identifiers.{untrusted.kind}", "Số giấy tờ không hợp lệ.")
    return untrusted


def checked_moment(field: str, moment: datetime) -> datetime:
    """In UTC, so that texts of it sort as times do."""
    if moment.tzinfo is None:
        raise InvalidData(field, "Thời gian thiếu múi giờ.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise InvalidData(field, "Thời gian không hợp lệ.") from error
