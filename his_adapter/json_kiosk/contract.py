"""The contract as data: calls, addresses, what is signed, codes. Spoken both ways.

The adapter sends these calls, the emulator and `backend.web.partner_kiosk` answer them. What the
published description leaves open is closed here once, for all three:

| Open in the description                  | Closed as                                              |
|------------------------------------------|--------------------------------------------------------|
| what is signed of /bhyt, /dangky-kcb     | /bhyt: all parameters; writes: SHA-256 of the body     |
| one registration sent twice              | MA_YEU_CAU in the body names it; /yeu-cau finds it     |
| 999 says no more than "failed"           | LOI {LOAI, TRUONG, THAM_CHIEU} beside the message      |
| STT_LK is a number, numbers have letters | SO_HIEN_THI is the number as it is called              |

Whoever knows the published fields only is understood as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MERCHANT_HEADER = "x-merchant-id"
TIMESTAMP_HEADER = "x-timestamp"
SIGNATURE_HEADER = "x-sign"

BODY = "(sha256 of the body)"
"""Among the signed fields: 64 hex digits of the bytes of the body."""

KEY_FIELD = "MA_YEU_CAU"
PAGE_PARAMETER = "page"
TIMESTAMP_TOLERANCE_S = 300


class ReplyCode(StrEnum):
    OK = "000"
    NOT_FOUND = "404"
    FAIL = "999"


class Call(StrEnum):
    """Published calls first, then those a vendor may have besides (`Extension`)."""

    EXAM_TYPES = "exam_types"
    DEPARTMENTS = "departments"
    SERVICES = "services"
    AVAILABILITY = "availability"
    WINDOWS = "windows"
    PATIENT = "patient"
    COVERAGE = "coverage"
    REGISTER = "register"

    FIND_BY_KEY = "find_by_key"
    CREATE_PATIENT = "create_patient"
    UPDATE_PATIENT = "update_patient"
    SEARCH_PATIENTS = "search_patients"
    ROOMS = "rooms"
    PRACTITIONERS = "practitioners"
    SESSIONS = "sessions"
    CLOSED_DAYS = "closed_days"
    BOOK = "book"
    CHANGE_BOOKING = "change_booking"
    BOOKINGS = "bookings"
    CANCEL_REGISTRATION = "cancel_registration"
    REGISTRATIONS = "registrations"
    ORDERS = "orders"
    REPORTS = "reports"
    ACCOUNT = "account"
    POST_PAYMENT = "post_payment"


class Extension(StrEnum):
    """What a vendor has beyond the published contract, by groups that make sense together."""

    KEYS = "keys"
    """Every write takes MA_YEU_CAU, and /yeu-cau finds what it left."""
    PATIENTS = "patients"
    SEARCH = "search"
    CATALOGUE = "catalogue"
    BOOKINGS = "bookings"
    VISITS = "visits"
    ORDERS = "orders"
    RESULTS = "results"
    ACCOUNT = "account"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """`signed` are parameter names, after merchant and timestamp, in this order."""

    method: str
    path: str
    signed: tuple[str, ...] = ()
    extension: Extension | None = None

    @property
    def writes(self) -> bool:
        return self.method != "GET"


_WINDOW = ("THOI_GIAN_BAT_DAU", "THOI_GIAN_KET_THUC")

ENDPOINTS: dict[Call, Endpoint] = {
    Call.EXAM_TYPES: Endpoint(method="GET", path="/loai-kham"),
    Call.DEPARTMENTS: Endpoint(method="GET", path="/khoa"),
    Call.SERVICES: Endpoint(method="GET", path="/dichvu", signed=("MA_KHOA",)),
    Call.AVAILABILITY: Endpoint(
        method="GET", path="/khoa/dichvu-cotontai", signed=("MA_KHOA", *_WINDOW)
    ),
    Call.WINDOWS: Endpoint(method="GET", path="/dichvu-lichkham", signed=("MA_DICH_VU", *_WINDOW)),
    Call.PATIENT: Endpoint(method="GET", path="/benhnhan", signed=("SO_GTTT", "LOAI_GTTT")),
    Call.COVERAGE: Endpoint(
        method="GET",
        path="/bhyt",
        signed=("SO_GTTT", "LOAI_GTTT", "HO_TEN", "NGAY_SINH", "GIOI_TINH"),
    ),
    Call.REGISTER: Endpoint(method="POST", path="/dangky-kcb", signed=(BODY,)),
    Call.FIND_BY_KEY: Endpoint(
        method="GET", path="/yeu-cau", signed=(KEY_FIELD,), extension=Extension.KEYS
    ),
    Call.CREATE_PATIENT: Endpoint(
        method="POST", path="/benhnhan", signed=(BODY,), extension=Extension.PATIENTS
    ),
    Call.UPDATE_PATIENT: Endpoint(
        method="PUT", path="/benhnhan", signed=(BODY,), extension=Extension.PATIENTS
    ),
    Call.SEARCH_PATIENTS: Endpoint(
        method="GET",
        path="/benhnhan/tim-kiem",
        signed=("HO_TEN", "NGAY_SINH"),
        extension=Extension.SEARCH,
    ),
    Call.ROOMS: Endpoint(method="GET", path="/phong", extension=Extension.CATALOGUE),
    Call.PRACTITIONERS: Endpoint(method="GET", path="/bac-si", extension=Extension.CATALOGUE),
    Call.SESSIONS: Endpoint(method="GET", path="/buoi-kham", extension=Extension.CATALOGUE),
    Call.CLOSED_DAYS: Endpoint(
        method="GET",
        path="/ngay-nghi",
        signed=("TU_NGAY", "DEN_NGAY"),
        extension=Extension.CATALOGUE,
    ),
    Call.BOOK: Endpoint(
        method="POST", path="/lich-hen", signed=(BODY,), extension=Extension.BOOKINGS
    ),
    Call.CHANGE_BOOKING: Endpoint(
        method="PUT", path="/lich-hen", signed=(BODY,), extension=Extension.BOOKINGS
    ),
    Call.BOOKINGS: Endpoint(
        method="GET", path="/lich-hen", signed=("ID_BN", *_WINDOW), extension=Extension.BOOKINGS
    ),
    Call.CANCEL_REGISTRATION: Endpoint(
        method="POST", path="/dangky-kcb/huy", signed=(BODY,), extension=Extension.VISITS
    ),
    Call.REGISTRATIONS: Endpoint(
        method="GET", path="/dangky-kcb", signed=("ID_BN", "TU_NGAY"), extension=Extension.VISITS
    ),
    Call.ORDERS: Endpoint(
        method="GET", path="/chi-dinh", signed=("ID_BN", "TU_NGAY"), extension=Extension.ORDERS
    ),
    Call.REPORTS: Endpoint(
        method="GET", path="/ket-qua", signed=("ID_BN", "TU_NGAY"), extension=Extension.RESULTS
    ),
    Call.ACCOUNT: Endpoint(
        method="GET", path="/vien-phi", signed=("ID_BN", "ID_LK"), extension=Extension.ACCOUNT
    ),
    Call.POST_PAYMENT: Endpoint(
        method="POST", path="/vien-phi/gach-no", signed=(BODY,), extension=Extension.ACCOUNT
    ),
}


class Document(StrEnum):
    """LOAI_GTTT: the description names CCCD only, as an example."""

    ID12 = "CCCD"
    CMND9 = "CMND"
    PASSPORT = "HC"
    BHYT15 = "BHYT"
    BHXH10 = "BHXH"
    MRN = "MA_BN"
    APPOINTMENT = "LICH_HEN"


class Written(StrEnum):
    """LOAI in the answer of /yeu-cau."""

    PATIENT = "BENH_NHAN"
    BOOKING = "LICH_HEN"
    REGISTRATION = "DANG_KY"
    PAYMENT = "THANH_TOAN"


GENDER_MALE, GENDER_FEMALE, GENDER_UNKNOWN = 1, 2, 3
"""GIOI_TINH everywhere, except for the reply of /bhyt:"""
COVERAGE_REPLY_FEMALE, COVERAGE_REPLY_MALE = 0, 1
