"""Code lists that come with the register, and those its owner adds in the catalogue.

Provinces are the 34 of 1 July 2025 (Quyết định 19/2025/QĐ-TTg); which province an older code of a
card number belongs to is not told here. Wards, ethnic groups, occupations and nationalities are
kept only when the catalogue brings them: 3,321 wards change too often to be shipped in code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from his_adapter.errors import NotFound
from his_adapter.models import Code

_PROVINCES = (
    ("01", "Hà Nội"),
    ("04", "Cao Bằng"),
    ("08", "Tuyên Quang"),
    ("11", "Điện Biên"),
    ("12", "Lai Châu"),
    ("14", "Sơn La"),
    ("15", "Lào Cai"),
    ("19", "Thái Nguyên"),
    ("20", "Lạng Sơn"),
    ("22", "Quảng Ninh"),
    ("24", "Bắc Ninh"),
    ("25", "Phú Thọ"),
    ("31", "Hải Phòng"),
    ("33", "Hưng Yên"),
    ("37", "Ninh Bình"),
    ("38", "Thanh Hóa"),
    ("40", "Nghệ An"),
    ("42", "Hà Tĩnh"),
    ("44", "Quảng Trị"),
    ("46", "Huế"),
    ("48", "Đà Nẵng"),
    ("51", "Quảng Ngãi"),
    ("52", "Gia Lai"),
    ("56", "Khánh Hòa"),
    ("66", "Đắk Lắk"),
    ("68", "Lâm Đồng"),
    ("75", "Đồng Nai"),
    ("79", "Thành phố Hồ Chí Minh"),
    ("80", "Tây Ninh"),
    ("82", "Đồng Tháp"),
    ("86", "Vĩnh Long"),
    ("91", "An Giang"),
    ("92", "Cần Thơ"),
    ("96", "Cà Mau"),
)
PROVINCES = tuple(Code(code=code, display=name) for code, name in _PROVINCES)


def find_codes(
    lists: Mapping[str, Sequence[Code]], system: str, parent: str | None
) -> Sequence[Code]:
    """By code; below `parent`, or all. Raises NotFound for a list nobody keeps."""
    known = {"province": PROVINCES, **lists}
    if system not in known:
        raise NotFound("no such code list")
    found = [code for code in known[system] if parent in {None, code.parent}]
    return sorted(found, key=lambda code: code.code)
