"""An invented area medical centre: what it offers, as tables.

Names of the place and of everybody in it are made up; 99 is the number of no province.
"""

from __future__ import annotations

from datetime import time
from enum import StrEnum

from his_adapter.builtin.catalogue import Catalogue, SlotRule
from his_adapter.builtin.names import search_key
from his_adapter.models import (
    Code,
    Department,
    Facility,
    Gender,
    OpeningSession,
    Post,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceKind,
)

FACILITY = Facility(
    code="99001",
    name_vi="Trung tâm Y tế khu vực Thạch Lũng",
    name_en="Thach Lung Area Medical Centre",
    hotline="1900 0000",
)
OTHER_FACILITY = Facility(
    code="99002",
    name_vi="Bệnh viện Đa khoa Suối Mây",
    name_en="Suoi May General Hospital",
    hotline="1900 0001",
)
TIMEZONE = "Asia/Ho_Chi_Minh"


class Hours(StrEnum):
    """`always` so that a demonstration works in the evening and on Sunday."""

    ALWAYS = "always"
    OFFICE = "office"


# ref, code, Vietnamese, English
_DEPARTMENTS = (
    ("kkb", "KKB", "Khoa Khám bệnh", "Outpatient department"),
    ("noi", "NOI", "Khoa Nội tổng hợp", "Internal medicine"),
    ("tim", "TIM", "Khoa Tim mạch", "Cardiology"),
    ("nt", "NT", "Khoa Nội tiết", "Endocrinology"),
    ("ngoai", "NGO", "Khoa Ngoại tổng hợp", "Surgery"),
    ("nhi", "NHI", "Khoa Nhi", "Paediatrics"),
    ("san", "SAN", "Khoa Phụ sản", "Obstetrics and gynaecology"),
    ("mat", "MAT", "Khoa Mắt", "Eye clinic"),
    ("tmh", "TMH", "Khoa Tai Mũi Họng", "Ear, nose and throat"),
    ("rhm", "RHM", "Khoa Răng Hàm Mặt", "Dental clinic"),
    ("dl", "DL", "Khoa Da liễu", "Dermatology"),
    ("yhct", "YH", "Khoa Y học cổ truyền", "Traditional medicine"),
    ("phcn", "PH", "Khoa Phục hồi chức năng", "Rehabilitation"),
    ("tt", "TT", "Phòng khám Sức khỏe tâm thần", "Mental health clinic"),
    ("tv", "TV", "Phòng Tư vấn và điều trị ngoại trú", "Counselling and treatment clinic"),
    ("xn", "XN", "Khoa Xét nghiệm", "Laboratory"),
    ("cdha", "HA", "Khoa Chẩn đoán hình ảnh", "Imaging"),
    ("duoc", "DUO", "Khoa Dược", "Pharmacy"),
    ("tc", "TC", "Phòng Tài chính", "Cashier's office"),
)

_A1, _A2, _A3, _B1, _B2 = "A1", "A2", "A3", "B1", "B2"

# code (its lower case is the ref), department, Vietnamese, English, building and floor, landmarks
_ROOMS = (
    ("Q1", "kkb", "Quầy tiếp đón 1", "Reception 1", _A1, "đối diện cửa chính", "facing the main door"),
    ("Q2", "kkb", "Quầy tiếp đón 2", "Reception 2", _A1, "đối diện cửa chính", "facing the main door"),
    ("Q3", "kkb", "Quầy tiếp đón 3", "Reception 3", _A1, "cạnh ghế chờ", "next to the seats"),
    ("101", "noi", "Phòng khám Nội 1", "Internal medicine 1", _A1, "cạnh quầy thuốc", "next to the pharmacy"),
    ("102", "noi", "Phòng khám Nội 2", "Internal medicine 2", _A1, "cạnh quầy thuốc", "next to the pharmacy"),
    ("103", "noi", "Phòng khám Nội 3", "Internal medicine 3", _A1, "đối diện cầu thang", "facing the stairs"),
    ("104", "ngoai", "Phòng khám Ngoại", "Surgery", _A1, "cạnh phòng cấp cứu", "next to emergency"),
    ("105", "kkb", "Phòng khám sức khỏe", "Health checks", _A1, "cuối hành lang trái", "end of the left corridor"),
    ("106", "kkb", "Phòng khám bệnh mạn tính", "Chronic illness clinic", _A1, "cuối hành lang phải", "end of the right corridor"),
    ("201", "tim", "Phòng khám Tim mạch 1", "Cardiology 1", _A2, "cạnh thang máy", "next to the lift"),
    ("202", "tim", "Phòng khám Tim mạch 2", "Cardiology 2", _A2, "cạnh thang máy", "next to the lift"),
    ("203", "nt", "Phòng khám Nội tiết", "Endocrinology", _A2, "đối diện thang máy", "facing the lift"),
    ("204", "mat", "Phòng khám Mắt", "Eye clinic", _A2, "cuối hành lang phải", "end of the right corridor"),
    ("205", "tmh", "Phòng khám Tai Mũi Họng", "Ear, nose and throat", _A2, "cuối hành lang trái", "end of the left corridor"),
    ("206", "rhm", "Phòng khám Răng Hàm Mặt", "Dental clinic", _A2, "cạnh nhà vệ sinh", "next to the toilets"),
    ("207", "dl", "Phòng khám Da liễu", "Dermatology", _A2, "cạnh cầu thang", "next to the stairs"),
    ("301", "yhct", "Phòng khám Y học cổ truyền", "Traditional medicine", _A3, "cạnh thang máy", "next to the lift"),
    ("302", "phcn", "Phòng Phục hồi chức năng", "Rehabilitation", _A3, "đối diện thang máy", "facing the lift"),
    ("303", "tt", "Phòng 303", "Room 303", _A3, "cuối hành lang phải", "end of the right corridor"),
    ("304", "tv", "Phòng 304", "Room 304", _A3, "cuối hành lang trái", "end of the left corridor"),
    ("B101", "nhi", "Phòng khám Nhi 1", "Paediatrics 1", _B1, "cạnh góc chơi trẻ em", "next to the play corner"),
    ("B102", "nhi", "Phòng khám Nhi 2", "Paediatrics 2", _B1, "cạnh góc chơi trẻ em", "next to the play corner"),
    ("B103", "san", "Phòng khám Phụ khoa", "Gynaecology", _B1, "cạnh cầu thang", "next to the stairs"),
    ("B104", "san", "Phòng khám Thai", "Antenatal care", _B1, "đối diện cầu thang", "facing the stairs"),
    ("B201", "xn", "Phòng lấy máu", "Blood samples", _B2, "cạnh thang máy", "next to the lift"),
    ("B202", "cdha", "Phòng X-quang", "X-ray", _B2, "cuối hành lang phải", "end of the right corridor"),
    ("B203", "cdha", "Phòng Siêu âm 1", "Ultrasound 1", _B2, "cạnh phòng X-quang", "next to X-ray"),
    ("B204", "cdha", "Phòng Siêu âm 2", "Ultrasound 2", _B2, "cạnh phòng X-quang", "next to X-ray"),
    ("T1", "tc", "Quầy thu phí 1", "Cashier 1", _A1, "bên trái cửa chính", "left of the main door"),
    ("T2", "tc", "Quầy thu phí 2", "Cashier 2", _A1, "bên trái cửa chính", "left of the main door"),
    ("X1", "duoc", "Quầy thuốc bảo hiểm", "Insurance pharmacy", _A1, "bên phải cửa chính", "right of the main door"),
    ("X2", "duoc", "Nhà thuốc", "Pharmacy shop", _A1, "cạnh cổng ra", "next to the exit"),
)  # fmt: skip


def _service(
    ref: str,
    code: str,
    names: tuple[str, str],
    department: str,
    rooms: tuple[str, ...],
    *,
    kind: ServiceKind = ServiceKind.EXAMINATION,
    price_vnd: int = 45_000,
    insurance_price_vnd: int | None = 39_800,
    minutes: int | None = 8,
    free: bool = False,
    pooled: bool = False,
    bookable: bool = False,
    gender: Gender | None = None,
    ages: tuple[int | None, int | None] = (None, None),
    sensitive: bool = False,
    letter: str | None = None,
    visit_kinds: tuple[str, ...] = (),
) -> Service:
    return Service(
        ref=Ref(ref),
        code=code,
        name_vi=names[0],
        name_en=names[1],
        kind=kind,
        department=Ref(department),
        rooms=tuple(Ref(room.lower()) for room in rooms),
        price_vnd=0 if free else price_vnd,
        insurance_price_vnd=None if free else insurance_price_vnd,
        pooled=pooled,
        by_doctor=bookable,
        by_hour=bookable,
        minutes=minutes,
        gender=gender,
        age_min_years=ages[0],
        age_max_years=ages[1],
        sensitive=sensitive,
        series_letter=letter,
        visit_kinds=visit_kinds,
    )


_CARE = ("new", "follow_up")

SERVICES = (
    _service("reception", "TD", ("Tiếp đón", "Reception"), "kkb", ("Q1", "Q2", "Q3"),
             kind=ServiceKind.RECEPTION, minutes=3, pooled=True, free=True),
    _service("internal", "NOI", ("Khám Nội tổng hợp", "Internal medicine"), "noi",
             ("101", "102", "103"), visit_kinds=_CARE, bookable=True),
    _service("surgery", "NGO", ("Khám Ngoại tổng hợp", "Surgery"), "ngoai", ("104",),
             visit_kinds=_CARE, bookable=True),
    _service("health-check", "SK", ("Khám sức khỏe", "Health check"), "kkb", ("105",),
             price_vnd=160_000, insurance_price_vnd=None, minutes=15, ages=(18, None),
             visit_kinds=("health_check",)),
    _service("chronic", "MT", ("Khám bệnh mạn tính", "Chronic illness"), "kkb", ("106",),
             minutes=6, visit_kinds=("follow_up",), bookable=True),
    _service("cardiology", "TIM", ("Khám Tim mạch", "Cardiology"), "tim", ("201", "202"),
             minutes=10, ages=(16, None), visit_kinds=_CARE, bookable=True),
    _service("endocrine", "NT", ("Khám Nội tiết", "Endocrinology"), "nt", ("203",),
             minutes=10, ages=(16, None), visit_kinds=_CARE, bookable=True),
    _service("eye", "MAT", ("Khám Mắt", "Eye clinic"), "mat", ("204",),
             visit_kinds=_CARE, bookable=True),
    _service("ent", "TMH", ("Khám Tai Mũi Họng", "Ear, nose and throat"), "tmh", ("205",),
             visit_kinds=_CARE, bookable=True),
    _service("dental", "RHM", ("Khám Răng Hàm Mặt", "Dental clinic"), "rhm", ("206",),
             minutes=15, visit_kinds=_CARE, bookable=True),
    _service("skin", "DL", ("Khám Da liễu", "Dermatology"), "dl", ("207",),
             sensitive=True, visit_kinds=_CARE, bookable=True),
    _service("traditional", "YH", ("Khám Y học cổ truyền", "Traditional medicine"), "yhct",
             ("301",), minutes=12, visit_kinds=_CARE, bookable=True),
    _service("rehabilitation", "PH", ("Khám Phục hồi chức năng", "Rehabilitation"), "phcn",
             ("302",), minutes=20, visit_kinds=_CARE),
    _service("mental", "TT", ("Khám chuyên khoa phòng 303", "Specialist, room 303"), "tt",
             ("303",), minutes=20, sensitive=True, visit_kinds=_CARE, bookable=True),
    _service("counselling", "TV", ("Tư vấn phòng 304", "Counselling, room 304"), "tv", ("304",),
             minutes=None, sensitive=True, visit_kinds=_CARE, free=True),
    _service("children", "NHI", ("Khám Nhi", "Paediatrics"), "nhi", ("B101", "B102"),
             ages=(None, 15), visit_kinds=_CARE, bookable=True),
    _service("gynaecology", "PK", ("Khám Phụ khoa", "Gynaecology"), "san", ("B103",),
             gender=Gender.FEMALE, minutes=12, sensitive=True, visit_kinds=_CARE, bookable=True),
    _service("antenatal", "TH", ("Khám Thai", "Antenatal care"), "san", ("B104",),
             gender=Gender.FEMALE, ages=(12, 55), minutes=12, visit_kinds=_CARE, bookable=True),
    _service("blood", "XN", ("Lấy máu xét nghiệm", "Blood samples"), "xn", ("B201",),
             kind=ServiceKind.LABORATORY, minutes=4, free=True),
    _service("x-ray", "XQ", ("Chụp X-quang", "X-ray"), "cdha", ("B202",),
             kind=ServiceKind.IMAGING, price_vnd=70_000, insurance_price_vnd=58_600, minutes=6),
    _service("ultrasound", "SA", ("Siêu âm", "Ultrasound"), "cdha", ("B203", "B204"),
             kind=ServiceKind.IMAGING, price_vnd=65_000, insurance_price_vnd=58_600, pooled=True),
    _service("cashier", "TC", ("Thu phí", "Cashier"), "tc", ("T1", "T2"),
             kind=ServiceKind.CASHIER, minutes=3, pooled=True, letter="T", free=True),
    _service("pharmacy", "NX", ("Nhận thuốc bảo hiểm", "Insurance pharmacy"), "duoc", ("X1",),
             kind=ServiceKind.PHARMACY, minutes=3, letter="X", visit_kinds=("medicine",), free=True),
)  # fmt: skip

# Services a doctor offers, room, people taken per session (0: no limit), title and name.
_DOCTORS = (
    ("internal", "101", 0, "BSCKII.", "Nguyễn Hữu Phước"),
    ("internal", "101", 0, "BS.", "Trần Thị Thu Hà"),
    ("internal", "102", 0, "BSCKI.", "Lê Quang Vinh"),
    ("internal", "102", 0, "BS.", "Phạm Ngọc Ánh"),
    ("internal", "103", 0, "ThS.BS.", "Hoàng Minh Tuấn"),
    ("internal", "103", 0, "BS.", "Vũ Thị Kim Oanh"),
    ("surgery", "104", 0, "BSCKII.", "Đặng Văn Khoa"),
    ("surgery", "104", 0, "BSCKI.", "Bùi Đức Thịnh"),
    ("surgery", "104", 0, "BS.", "Ngô Thanh Sơn"),
    ("health-check", "105", 0, "BSCKI.", "Đỗ Thị Minh Nguyệt"),
    ("health-check", "105", 0, "BS.", "Hồ Trọng Nghĩa"),
    ("chronic", "106", 0, "BSCKI.", "Dương Thị Bích Liên"),
    ("chronic", "106", 0, "BS.", "Lý Quốc Bảo"),
    ("cardiology", "201", 40, "TS.BS.", "Phan Đình Long"),
    ("cardiology", "201", 60, "ThS.BS.", "Võ Thị Mỹ Duyên"),
    ("cardiology", "202", 60, "BSCKII.", "Trương Công Hiếu"),
    ("cardiology", "202", 60, "BS.", "Nguyễn Thùy Linh"),
    ("endocrine", "203", 60, "BSCKII.", "Huỳnh Thị Ngọc Mai"),
    ("endocrine", "203", 60, "BS.", "Đinh Xuân Trường"),
    ("eye", "204", 60, "BSCKI.", "Mai Thị Hồng Nhung"),
    ("eye", "204", 60, "BS.", "Cao Tiến Dũng"),
    ("eye", "204", 60, "BS.", "Nông Thị Hiền"),
    ("ent", "205", 60, "BSCKI.", "Đoàn Văn Hậu"),
    ("ent", "205", 60, "ThS.BS.", "Lương Thị Tuyết"),
    ("dental", "206", 40, "BSCKI.", "Trịnh Hoài Nam"),
    ("dental", "206", 40, "BS.", "Tạ Thị Quỳnh Anh"),
    ("dental", "206", 40, "BS.", "Quách Văn Thành"),
    ("skin", "207", 60, "BSCKI.", "Đào Thị Phương Thảo"),
    ("skin", "207", 60, "BS.", "Lâm Chí Cường"),
    ("traditional", "301", 0, "BSCKII.", "Hà Văn Thuận"),
    ("traditional", "301", 0, "BS.", "Triệu Thị Mơ"),
    ("traditional", "301", 0, "BS.", "Tô Vĩnh Phúc"),
    ("rehabilitation", "302", 0, "BSCKI.", "Châu Thị Cẩm Tú"),
    ("rehabilitation", "302", 0, "BS.", "Lò Văn Pánh"),
    ("mental", "303", 30, "BSCKI.", "Thái Thị Diễm"),
    ("mental", "303", 30, "BS.", "Kiều Anh Khôi"),
    ("counselling", "304", 0, "BS.", "Phùng Thị Thơm"),
    ("children", "B101", 0, "BSCKII.", "Nguyễn Thị Xuân Hương"),
    ("children", "B101", 0, "BS.", "Trần Gia Huy"),
    ("children", "B102", 0, "BSCKI.", "Lê Thị Hạnh"),
    ("children", "B102", 0, "BS.", "Thạch Sô Phia"),
    ("gynaecology", "B103", 50, "BSCKII.", "Phạm Thị Thanh Tâm"),
    ("gynaecology", "B103", 50, "BS.", "Vương Thị Loan"),
    ("antenatal", "B104", 50, "ThS.BS.", "Bùi Thị Ngọc Trâm"),
    ("antenatal", "B104", 50, "BS.", "H'Len Niê"),
    ("ultrasound", "B203", 0, "BSCKI.", "Nguyễn Văn Toàn"),
    ("ultrasound", "B204", 0, "BS.", "Hoàng Thị Yến"),
)

_HOURS = {
    Hours.ALWAYS: (
        ("morning", time(0), time(12), range(7)),
        ("afternoon", time(12), time(23, 59), range(7)),
    ),
    Hours.OFFICE: (
        ("morning", time(7), time(11, 30), range(6)),
        ("afternoon", time(13, 30), time(17), range(5)),
    ),
}

_ROOM_LIMITS = {"303": 40, "304": 40, "105": 80}
"""People a room takes in a session, where the head of the department set a limit."""

BOOKING_DAYS_AHEAD = 7
_SLOT_MINUTES = 30
_SLOT_PLACES = 3


# Codes of the ward level since 1 July 2025 have five digits; 99 begins none of them.
_WARDS = (
    ("99001", "Xã Thạch Lũng"),
    ("99002", "Xã Suối Mây"),
    ("99003", "Phường Đồi Chè"),
    ("99004", "Xã Khe Đá"),
)
_ETHNICITIES = (("01", "Kinh"), ("02", "Tày"), ("03", "Thái"), ("05", "Khơ-me"), ("06", "Mường"))


def demo_catalogue(hours: Hours) -> Catalogue:
    return Catalogue(
        facility=FACILITY,
        timezone=TIMEZONE,
        departments=tuple(
            Department(ref=Ref(ref), code=code, name_vi=name_vi, name_en=name_en)
            for ref, code, name_vi, name_en in _DEPARTMENTS
        ),
        rooms=tuple(
            Room(
                ref=Ref(code.lower()),
                code=code,
                name_vi=name_vi,
                name_en=name_en,
                department=Ref(department),
                floor=place[1],
                landmark_vi=f"nhà {place[0]}, {landmark_vi}",
                landmark_en=f"building {place[0]}, {landmark_en}",
            )
            for code, department, name_vi, name_en, place, landmark_vi, landmark_en in _ROOMS
        ),
        services=SERVICES,
        practitioners=tuple(
            Practitioner(
                ref=Ref("dr-" + search_key(name).replace(" ", "-")),
                title=title,
                name=name,
                posts=(Post(service=Ref(service), room=Ref(room.lower())),),
                session_limit=limit or None,
            )
            for service, room, limit, title, name in _DOCTORS
        ),
        sessions=tuple(
            OpeningSession(
                ref=Ref(f"{code.lower()}-{weekday}-{name}"),
                room=Ref(code.lower()),
                weekday=weekday,
                name=name,
                opens_at=opens_at,
                closes_at=closes_at,
                limit=_ROOM_LIMITS.get(code),
            )
            for code, *_ in _ROOMS
            for name, opens_at, closes_at, weekdays in _HOURS[hours]
            for weekday in weekdays
        ),
        slot_rules=tuple(
            SlotRule(
                service=service.ref,
                minutes=_SLOT_MINUTES,
                capacity=_SLOT_PLACES,
                days_ahead=BOOKING_DAYS_AHEAD,
            )
            for service in SERVICES
            if service.by_hour
        ),
        codes={
            "ward": tuple(Code(code=code, display=name, parent="25") for code, name in _WARDS),
            "ethnicity": tuple(Code(code=code, display=name) for code, name in _ETHNICITIES),
        },
    )
