"""The table as XML: the sample of the fact sheet, and whatever strangers send."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from backend.domain.checkin_table.row import CardFacts
from backend.domain.checkin_table.rules import Circumstances, check_document
from backend.domain.checkin_table.standard import get_standard, standard_on
from backend.domain.checkin_table.xml import (
    MAX_BYTES,
    NotACheckinTable,
    parse_checkin,
    read_rows,
    write_checkin,
)
from his_adapter.models import BirthDate, Gender
from tests.factories.checkin import ARRIVED, ZONE, make_row

STANDARD = standard_on(date(2026, 10, 12))
# The sample of the fact sheet (bhyt.md 5.5), as one line per field.
SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB>
<MA_LK>99001-261012-000017</MA_LK><STT>1</STT><MA_BN>BN00012345</MA_BN>
<HO_TEN>NGUYỄN VĂN MẪU</HO_TEN><SO_CCCD>099090000001</SO_CCCD>
<NGAY_SINH>199003050000</NGAY_SINH><GIOI_TINH>1</GIOI_TINH>
<MA_THE_BHYT>DN4990000000001</MA_THE_BHYT><MA_DKBD>99001</MA_DKBD>
<GT_THE_TU>20260101</GT_THE_TU><GT_THE_DEN>20261231</GT_THE_DEN>
<MA_DOITUONG_KCB>1.1</MA_DOITUONG_KCB><NGAY_VAO>202610120712</NGAY_VAO>
<NGAY_VAO_NOI_TRU/><LY_DO_VNT/><MA_LY_DO_VNT/><MA_LOAI_KCB>01</MA_LOAI_KCB>
<MA_CSKCB>99001</MA_CSKCB><MA_DICH_VU>99.9001</MA_DICH_VU>
<TEN_DICH_VU>Khám Nội (mã giả)</TEN_DICH_VU><MA_THUOC/><TEN_THUOC/><MA_VAT_TU/><TEN_VAT_TU/>
<NGAY_YL>202610120712</NGAY_YL><DU_PHONG/>
</TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB><CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>
"""


def canonical(document: bytes) -> bytes:
    parser = etree.XMLParser(remove_blank_text=True)
    return etree.tostring(etree.fromstring(document, parser), method="c14n")


def test_it_is_the_sample_of_the_fact_sheet() -> None:
    ours = write_checkin([make_row()], STANDARD, zone=ZONE)
    assert canonical(ours) == canonical(SAMPLE.encode())


def test_rows_are_numbered_and_read_back() -> None:
    rows = [make_row(record_code=f"99001-261012-00001{n}") for n in range(3)]
    root = parse_checkin(write_checkin(rows, STANDARD, zone=ZONE), STANDARD)
    assert [row["STT"] for row in read_rows(root, STANDARD)] == ["1", "2", "3"]


def test_no_rows_no_table() -> None:
    with pytest.raises(ValueError, match="rows"):
        write_checkin([], STANDARD, zone=ZONE)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a/>",
        b"<CHI_TIEU_TRANG_THAI_KCB>",
        b"\x00\xff",
        b"x" * (MAX_BYTES + 1),
        b'<!DOCTYPE d [<!ENTITY e "x">]><CHI_TIEU_TRANG_THAI_KCB>&e;</CHI_TIEU_TRANG_THAI_KCB>',
    ],
)
def test_another_document_is_refused(document: bytes) -> None:
    with pytest.raises(NotACheckinTable):
        parse_checkin(document, STANDARD)


@given(st.binary(max_size=300))
def test_anything_is_refused_or_read(document: bytes) -> None:
    try:
        parse_checkin(document, STANDARD)
    except NotACheckinTable:
        return


names = st.text(min_size=1, max_size=60).filter(lambda text: bool(text.strip()))
birth_dates = st.dates(min_value=date(1900, 1, 1), max_value=date(2026, 10, 11)).flatmap(
    lambda day: st.sampled_from(
        [
            BirthDate(year=day.year),
            BirthDate(year=day.year, month=day.month),
            BirthDate(year=day.year, month=day.month, day=day.day),
        ]
    )
)


@given(
    name=names,
    birth_date=birth_dates,
    gender=st.sampled_from(Gender),
    insured=st.booleans(),
    category=st.sampled_from(["1.1", "1.3", "1.12", "3.6", "10"]),
    service=names,
)
def test_what_we_write_is_valid(
    *, name: str, birth_date: BirthDate, gender: Gender, insured: bool, category: str, service: str
) -> None:
    row = make_row(birth_date=birth_date, gender=gender)
    card: CardFacts | None = row.card if insured else None
    row = make_row(
        full_name=f"Nguyễn {name}",
        birth_date=birth_date,
        gender=gender,
        card=card,
        patient_category=category if insured else "9",
        first_cost=type(row.first_cost)(
            kind=row.first_cost.kind, code="99.9001", name=f"Khám {service}"
        ),
    )
    document = write_checkin([row], STANDARD, zone=ZONE)
    verdict = check_document(
        document,
        get_standard("qd1931"),
        Circumstances(facility_code="99001", now=ARRIVED + timedelta(minutes=1), zone=ZONE),
    )
    assert verdict.findings == ()
