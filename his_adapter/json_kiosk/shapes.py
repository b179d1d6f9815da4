"""Our models as JSON objects with Vietnamese field names, by tables read in both directions.

`Shape(Model, fields…)` dumps a model to a JSON object and loads one from an untrusted object. What
does not fit raises BrokenReply, which names the field and never its value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from his_adapter.errors import BrokenReply
from his_adapter.models import (
    Account,
    Appointment,
    AppointmentStatus,
    BirthDate,
    Charge,
    ClosedDay,
    Department,
    Gender,
    Invoice,
    InvoiceStatus,
    MatchGrade,
    OpeningSession,
    Order,
    OrderStatus,
    PatientMatch,
    PaymentReceipt,
    Post,
    Practitioner,
    Ref,
    Report,
    ReportKind,
    ReportStatus,
    Room,
    Service,
    ServiceKind,
    Slot,
)

MAX_TEXT = 4_000
MAX_ITEMS = 2_000

Item = TypeVar("Item")
JsonObject = dict[str, Any]

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
"""The description writes local times without a zone; there is one in Việt Nam."""


# --- values ----------------------------------------------------------------------------------------


def read_text(untrusted: object) -> str:
    """NFC. Numbers are taken as texts: identifiers come as either.

    Raises ValueError or TypeError, as all that read a value here.
    """
    if isinstance(untrusted, bool) or not isinstance(untrusted, str | int):
        raise TypeError("not a text")
    if len(str(untrusted)) > MAX_TEXT:
        raise ValueError("too long")
    return unicodedata.normalize("NFC", str(untrusted))


def read_integer(untrusted: object) -> int:
    """Numbers in quotes and `200000.0` are common; fractions are refused. Raises ValueError."""
    if isinstance(untrusted, bool) or not isinstance(untrusted, int | float | str):
        raise TypeError("not a number")
    if isinstance(untrusted, str) and len(untrusted) > 18:
        raise ValueError("too long")
    number = float(untrusted) if isinstance(untrusted, float) else int(untrusted)
    if number != int(number) or abs(number) >= 10**15:
        raise ValueError("not a whole number")
    return int(number)


def read_flag(untrusted: object) -> bool:
    if untrusted in (0, 1, False, True, "0", "1"):
        return untrusted in (1, "1")
    raise ValueError("neither yes nor no")


def read_moment(untrusted: object) -> datetime:
    """`yyyy-MM-dd HH:mm:ss`, local; seconds may be missing. Raises ValueError."""
    moment = datetime.fromisoformat(read_text(untrusted))
    return moment.replace(tzinfo=ZONE) if moment.tzinfo is None else moment.astimezone(ZONE)


def write_moment(moment: datetime) -> str:
    return moment.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def read_day(untrusted: object) -> date:
    """A date, also one with a time behind it. Raises ValueError."""
    return date.fromisoformat(read_text(untrusted)[:10])


def read_time(untrusted: object) -> time:
    return time.fromisoformat(read_text(untrusted))


# --- fields and shapes -----------------------------------------------------------------------------

_MISSING = object()


@dataclass(frozen=True)
class Field:
    """`name` in JSON, `attribute` of the model, and how values cross; a `default` may be absent."""

    name: str
    attribute: str
    read: Callable[[Any], Any] = read_text
    write: Callable[[Any], Any] = lambda value: value
    default: Any = _MISSING

    def load(self, untrusted: Mapping[str, Any]) -> Any:
        value = untrusted.get(self.name)
        if value is None or (value == "" and self.default is not _MISSING):
            if self.default is _MISSING:
                raise BrokenReply(f"{self.name} is missing")
            return self.default
        try:
            return self.read(value)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise BrokenReply(f"{self.name} cannot be read") from error

    def dump(self, item: object) -> Any:
        value = getattr(item, self.attribute)
        return None if value is None else self.write(value)


class Shape(Generic[Item]):
    def __init__(self, model: Callable[..., Item], *fields: Field) -> None:
        self._model = model
        self._fields = fields

    def dump(self, item: Item) -> JsonObject:
        return {field.name: field.dump(item) for field in self._fields}

    def load(self, untrusted: object, **more: Any) -> Item:
        """Raises BrokenReply."""
        document = as_object(untrusted)
        values = {field.attribute: field.load(document) for field in self._fields}
        try:
            return self._model(**(values | more))
        except ValueError as error:
            raise BrokenReply("the parts of a record do not fit together") from error

    def load_all(self, untrusted: object) -> list[Item]:
        return [self.load(each) for each in as_list(untrusted)]


def as_object(untrusted: object) -> JsonObject:
    if not isinstance(untrusted, dict):
        raise BrokenReply("an object was promised")
    return untrusted


def as_list(untrusted: object) -> list[Any]:
    """Null is an empty list, as several vendors write it."""
    if untrusted is None:
        return []
    if not isinstance(untrusted, list) or len(untrusted) > MAX_ITEMS:
        raise BrokenReply("a list was promised")
    return untrusted


def _ref(name: str, attribute: str, **options: Any) -> Field:
    return Field(name, attribute, lambda value: Ref(read_text(value)), **options)


def _whole(name: str, attribute: str, **options: Any) -> Field:
    return Field(name, attribute, read_integer, **options)


def _flag(name: str, attribute: str, **options: Any) -> Field:
    return Field(name, attribute, read_flag, int, **options)


def _moment(name: str, attribute: str, **options: Any) -> Field:
    return Field(name, attribute, read_moment, write_moment, **options)


def _day(name: str, attribute: str, **options: Any) -> Field:
    return Field(name, attribute, read_day, date.isoformat, **options)


def _time(name: str, attribute: str) -> Field:
    return Field(name, attribute, read_time, lambda value: value.strftime("%H:%M:%S"))


def _coded(name: str, attribute: str, codes: Mapping[Any, Any], **options: Any) -> Field:
    """`codes` maps ours to theirs."""
    back = {str(theirs): ours for ours, theirs in codes.items()}
    return Field(
        name, attribute, lambda value: back[read_text(value)], codes.__getitem__, **options
    )


def _same(name: str, attribute: str, codes: type[Enum], **options: Any) -> Field:
    """A word of ours, as it is."""
    return _coded(name, attribute, {code: code.value for code in codes}, **options)


def _refs(untrusted: object) -> tuple[Ref, ...]:
    return tuple(Ref(read_text(each)) for each in as_list(untrusted))


def _texts(untrusted: object) -> tuple[str, ...]:
    return tuple(read_text(each) for each in as_list(untrusted))


GENDERS = {Gender.MALE: 1, Gender.FEMALE: 2}
"""Of those whom a service is for."""

DEPARTMENT = Shape(
    Department,
    _ref("ID_KHOA", "ref"),
    Field("MA_KHOA", "code"),
    Field("TEN_KHOA", "name_vi"),
    Field("TEN_KHOA_EN", "name_en", default=""),
)

SERVICE = Shape(
    Service,
    _ref("ID_DICH_VU", "ref"),
    Field("MA_DICH_VU", "code"),
    Field("TEN_DICH_VU", "name_vi"),
    _ref("ID_KHOA", "department", default=Ref("")),
    _whole("DON_GIA_DICH_VU", "price_vnd", default=0),
    _whole("DON_GIA_BHYT", "insurance_price_vnd", default=None),
    # From here on: beyond the description.
    Field("TEN_DICH_VU_EN", "name_en", default=""),
    _same("LOAI_DICH_VU", "kind", ServiceKind, default=ServiceKind.EXAMINATION),
    Field("CAC_PHONG", "rooms", _refs, list, default=()),
    _flag("XEP_HANG_CHUNG", "pooled", default=False),
    _flag("CHON_BAC_SI", "by_doctor", default=False),
    _flag("CHON_GIO", "by_hour", default=False),
    _whole("SO_PHUT", "minutes", default=None),
    _coded("CHI_GIOI_TINH", "gender", GENDERS, default=None),
    _whole("TUOI_TU", "age_min_years", default=None),
    _whole("TUOI_DEN", "age_max_years", default=None),
    _flag("NHAY_CAM", "sensitive", default=False),
    Field("CHU_CAI_STT", "series_letter", default=None),
    Field("LOAI_LUOT_KHAM", "visit_kinds", _texts, list, default=()),
)

PUBLISHED_SERVICE_FIELDS = (
    "MA_KHOA",
    "ID_DICH_VU",
    "MA_DICH_VU",
    "TEN_DICH_VU",
    "ID_LOAI_KHAM",
    "DON_GIA_DICH_VU",
    "DON_GIA_BHYT",
    "DON_GIA_THU_THEM",
)

ROOM = Shape(
    Room,
    _ref("ID_PHONG", "ref"),
    Field("MA_PHONG", "code"),
    Field("TEN_PHONG", "name_vi"),
    Field("TEN_PHONG_EN", "name_en", default=""),
    _ref("ID_KHOA", "department", default=None),
    Field("TANG", "floor", default=""),
    Field("CHI_DAN", "landmark_vi", default=""),
    Field("CHI_DAN_EN", "landmark_en", default=""),
)

POST = Shape(Post, _ref("ID_DICH_VU", "service"), _ref("ID_PHONG", "room", default=None))

PRACTITIONER = Shape(
    Practitioner,
    _ref("ID_BAC_SI", "ref"),
    Field("HOC_VI", "title", default=""),
    Field("HO_TEN", "name"),
    Field(
        "NOI_KHAM",
        "posts",
        lambda value: tuple(POST.load_all(value)),
        lambda posts: [POST.dump(post) for post in posts],
        default=(),
    ),
    _whole("SL_TOI_DA", "session_limit", default=None),
)

SESSION = Shape(
    OpeningSession,
    _ref("ID_BUOI", "ref"),
    _ref("ID_PHONG", "room"),
    _whole("THU", "weekday"),
    Field("TEN_BUOI", "name"),
    _time("TU_GIO", "opens_at"),
    _time("DEN_GIO", "closes_at"),
    _whole("SL_TOI_DA", "limit", default=None),
)

CLOSED_DAY = Shape(
    ClosedDay,
    _day("NGAY", "day"),
    _ref("ID_PHONG", "room", default=None),
    Field("LY_DO", "reason_vi", default=""),
)

MATCH = Shape(
    PatientMatch,
    _ref("ID_BN", "ref"),
    _same("MUC_KHOP", "grade", MatchGrade),
    Field("HO_TEN_CHE", "masked_name"),
    _whole("NAM_SINH", "birth_year", default=None),
)

BOOKING = Shape(
    Appointment,
    _ref("ID_LICH_HEN", "ref"),
    Field("PHIEN_BAN", "version"),
    _ref("ID_BN", "patient"),
    _same("TRANG_THAI", "status", AppointmentStatus),
    Field("MA_LICH_HEN", "code"),
    _ref("ID_DICH_VU", "service", default=None),
    _ref("ID_BAC_SI", "practitioner", default=None),
    _ref("ID_PHONG", "room", default=None),
    _ref("ID_KHUNG_THOI_GIAN", "slot", default=None),
    _moment("THOI_GIAN_TU", "start"),
    _moment("THOI_GIAN_DEN", "end"),
    Field("MA_CSKCB", "facility_code"),
    Field("TEN_CSKCB", "facility_name", default=""),
)

ORDER = Shape(
    Order,
    _ref("ID_CHI_DINH", "ref"),
    Field("PHIEN_BAN", "version", default=""),
    _ref("ID_BN", "patient"),
    _ref("ID_LK", "visit", default=None),
    _ref("ID_DICH_VU", "service", default=None),
    _same("LOAI_DICH_VU", "kind", ServiceKind),
    Field("MA_CHI_DINH", "code"),
    Field("TEN_CHI_DINH", "name_vi"),
    Field("TEN_CHI_DINH_EN", "name_en", default=""),
    _same("TRANG_THAI", "status", OrderStatus),
    _ref("ID_PHONG", "room", default=None),
    Field("CHUAN_BI", "preparation_vi", default=""),
    Field("CHUAN_BI_EN", "preparation_en", default=""),
    Field("SO_PHIM", "accession", default=None),
    _moment("NGAY_CHI_DINH", "ordered_at"),
)

REPORT = Shape(
    Report,
    _ref("ID_KET_QUA", "ref"),
    Field("PHIEN_BAN", "version", default=""),
    _ref("ID_BN", "patient"),
    _ref("ID_CHI_DINH", "order", default=None),
    _ref("ID_LK", "visit", default=None),
    _same("LOAI", "kind", ReportKind),
    Field("TEN_KET_QUA", "title_vi"),
    _same("TRANG_THAI", "status", ReportStatus),
    _moment("NGAY_KET_QUA", "issued_at"),
    Field("DA_KY_SO", "signed", read_flag, int, default=None),
)

CHARGE = Shape(
    Charge,
    Field("MA_DICH_VU", "code"),
    Field("TEN_DICH_VU", "name_vi"),
    _whole("SO_LUONG", "quantity", default=1),
    _whole("THANH_TIEN", "amount_vnd"),
    _whole("BHYT_CHI_TRA", "insurance_vnd", default=0),
    _whole("MIEN_GIAM", "discount_vnd", default=0),
)

INVOICE = Shape(
    Invoice,
    _ref("ID_PHIEU_THU", "ref"),
    Field("PHIEN_BAN", "version", default=""),
    Field("MA_PHIEU_THU", "code"),
    _same("TRANG_THAI", "status", InvoiceStatus),
    Field("TEN_PHIEU_THU", "title_vi", default=""),
    _whole("TONG_TIEN", "total_vnd"),
    _whole("CON_PHAI_TRA", "due_vnd"),
    Field(
        "CHI_TIET",
        "charges",
        lambda value: tuple(CHARGE.load_all(value)),
        lambda charges: [CHARGE.dump(charge) for charge in charges],
        default=(),
    ),
    _moment("NGAY_LAP", "issued_at"),
)

ACCOUNT = Shape(
    Account,
    _ref("ID_BN", "patient"),
    _ref("ID_LK", "visit", default=None),
    Field(
        "PHIEU_THU",
        "invoices",
        lambda value: tuple(INVOICE.load_all(value)),
        lambda invoices: [INVOICE.dump(invoice) for invoice in invoices],
        default=(),
    ),
    _whole("TONG_CHI_PHI", "charged_vnd"),
    _whole("BHYT_CHI_TRA", "insurance_vnd", default=0),
    _whole("MIEN_GIAM", "discount_vnd", default=0),
    _whole("TAM_UNG", "advances_vnd", default=0),
    _whole("DA_TRA", "paid_vnd", default=0),
    _whole("CON_PHAI_TRA", "due_vnd"),
    _whole("CON_THUA", "credit_vnd", default=0),
    _moment("THOI_DIEM", "as_of"),
)

RECEIPT = Shape(
    PaymentReceipt,
    _ref("ID_BIEN_LAI", "ref"),
    _ref("ID_PHIEU_THU", "invoice", default=None),
    _same("TRANG_THAI", "invoice_status", InvoiceStatus, default=None),
    _whole("SO_TIEN", "amount_vnd"),
    _moment("THOI_GIAN", "posted_at"),
)


def load_window(untrusted: object, *, service: Ref) -> Slot:
    """One KHUNG_THOI_GIAN: a capacity with what is taken of it. Raises BrokenReply."""
    document = as_object(untrusted)
    day = Field("NGAY", "", read_day).load(document)
    start, end = (
        datetime.combine(day, Field(name, "", read_time).load(document), ZONE)
        for name in ("THOI_GIAN_TU", "THOI_GIAN_DEN")
    )
    capacity = _whole("SL_TOI_DA", "").load(document)
    taken = _whole("SL_HIEN_TAI", "", default=0).load(document)
    return Slot(
        ref=_ref("ID", "").load(document),
        service=service,
        practitioner=_ref("ID_BAC_SI", "", default=None).load(document),
        room=_ref("ID_PHONG", "", default=None).load(document),
        start=start,
        end=end,
        capacity=capacity,
        free=max(0, capacity - taken),
    )


def dump_window(slot: Slot, *, position: int) -> JsonObject:
    start, end = slot.start.astimezone(ZONE), slot.end.astimezone(ZONE)
    return {
        "ID": slot.ref,
        "THOI_GIAN_TU": f"{start:%H:%M}",
        "THOI_GIAN_DEN": f"{end:%H:%M}",
        "NGAY": f"{start:%Y-%m-%d}",
        "SL_TOI_DA": slot.capacity,
        "SL_HIEN_TAI": slot.capacity - slot.free,
        "THU_THU_SAP_XEP": position,
        "NHOM_KHUNG_GIO": "Sáng" if start.hour < 12 else "Chiều",
        "ID_BAC_SI": slot.practitioner,
        "ID_PHONG": slot.room,
    }


def read_birth_date(untrusted: object) -> BirthDate:
    """`yyyy-MM-dd`; the description's own example has a year alone. Raises ValueError."""
    return BirthDate.from_iso(read_text(untrusted).strip()[:10])


def dump_all(shape: Shape[Item], items: Sequence[Item]) -> list[JsonObject]:
    return [shape.dump(item) for item in items]
