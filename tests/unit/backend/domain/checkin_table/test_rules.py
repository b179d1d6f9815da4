"""Each bad sample of the fact sheet (bhyt.md 5.7) is refused with its rule."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from backend.domain.checkin_table.row import CardFacts
from backend.domain.checkin_table.rules import (
    Circumstances,
    Severity,
    Verdict,
    check_document,
    sent_key,
)
from backend.domain.checkin_table.xml import parse_checkin, read_rows, write_checkin
from tests.factories.checkin import ARRIVED, ZONE, make_row
from tests.unit.backend.domain.checkin_table.test_xml import STANDARD

NOW = ARRIVED + timedelta(minutes=3)
GOOD = write_checkin([make_row()], STANDARD, zone=ZONE).decode()
HERE = Circumstances(facility_code="99001", now=NOW, zone=ZONE)

# The bad row of the fact sheet, with its expected answer.
BAD_ROW = """<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB>
<MA_LK>99001-261012-000018</MA_LK><STT>1</STT><MA_BN>BN00012346</MA_BN><HO_TEN>LÊ THỊ THỬ</HO_TEN>
<SO_CCCD>09930800002</SO_CCCD><NGAY_SINH>01/01/2008</NGAY_SINH><GIOI_TINH>0</GIOI_TINH>
<MA_THE_BHYT/><MA_DKBD/><GT_THE_TU/><GT_THE_DEN/><MA_DOITUONG_KCB>1.1</MA_DOITUONG_KCB>
<NGAY_VAO>202610120715</NGAY_VAO><NGAY_VAO_NOI_TRU>202610111000</NGAY_VAO_NOI_TRU><LY_DO_VNT/>
<MA_LY_DO_VNT/><MA_LOAI_KCB>1</MA_LOAI_KCB><MA_CSKCB>99001</MA_CSKCB><MA_DICH_VU/><TEN_DICH_VU/>
<MA_THUOC/><TEN_THUOC/><MA_VAT_TU/><TEN_VAT_TU/><NGAY_YL>202610120715</NGAY_YL><DU_PHONG/>
</TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB><CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>"""


def change(**values: str) -> str:
    """The good document with the text of some fields replaced."""
    document = GOOD
    for name, value in values.items():
        document, done = re.subn(
            rf"<{name}(/>|>[^<]*</{name}>)", f"<{name}>{value}</{name}>", document
        )
        assert done == 1, name
    return document


def judge(document: str, circumstances: Circumstances = HERE) -> Verdict:
    return check_document(document.encode(), STANDARD, circumstances)


def found(document: str, severity: Severity = Severity.ERROR) -> list[tuple[str, str]]:
    return [(f.rule, f.field) for f in judge(document).findings if f.severity is severity]


def test_the_good_sample_may_leave() -> None:
    verdict = judge(GOOD)
    assert verdict.findings == ()
    assert verdict.valid
    assert verdict.may_leave


def test_the_bad_row_of_the_fact_sheet() -> None:
    assert found(BAD_ROW) == [
        ("CI-01", "SO_CCCD"),
        ("CI-01", "NGAY_SINH"),
        ("CI-01", "GIOI_TINH"),
        ("CI-01", "MA_LOAI_KCB"),
        ("CI-03", "MA_DICH_VU"),
        ("CI-05", "NGAY_VAO_NOI_TRU"),
        ("CI-05", "LY_DO_VNT"),
        ("CI-10", "MA_DOITUONG_KCB"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIOI_TINH", "0"),
        ("NGAY_SINH", "05/03/1990"),
        ("MA_LOAI_KCB", "1"),
        ("NGAY_VAO", "202613120712"),
        ("MA_THE_BHYT", "DN499000000000"),
        ("SO_CCCD", "09909000001"),
        ("MA_DOITUONG_KCB", "1.133"),
        ("HO_TEN", ""),
        ("STT", "0"),
    ],
)
def test_ci_01_shape(name: str, value: str) -> None:
    assert ("CI-01", name) in found(change(**{name: value}))


def test_ci_02_fields_in_their_order() -> None:
    moved = GOOD.replace("      <NGAY_YL>202610120712</NGAY_YL>\n", "").replace(
        "<MA_DICH_VU>", "<NGAY_YL>202610120712</NGAY_YL><MA_DICH_VU>"
    )
    assert ("CI-02", "NGAY_YL") in found(moved)
    doubled = GOOD.replace("<DU_PHONG/>", "<DU_PHONG/><DU_PHONG/>")
    assert ("CI-02", "DU_PHONG") in found(doubled)


def test_ci_03_a_first_cost() -> None:
    assert found(change(MA_DICH_VU="", TEN_DICH_VU="")) == [("CI-03", "MA_DICH_VU")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"TEN_DICH_VU": ""}, "TEN_DICH_VU"),
        ({"TEN_THUOC": "Thuốc giả"}, "MA_THUOC"),
        ({"MA_VAT_TU": "N01"}, "TEN_VAT_TU"),
    ],
)
def test_ci_04_code_with_name(changes: dict[str, str], field: str) -> None:
    assert found(change(**changes)) == [("CI-04", field)]


def test_ci_05_admission() -> None:
    early = change(NGAY_VAO_NOI_TRU="202610111000", LY_DO_VNT="Theo dõi")
    assert found(early) == [("CI-05", "NGAY_VAO_NOI_TRU")]
    assert found(change(NGAY_VAO_NOI_TRU="202610121000")) == [("CI-05", "LY_DO_VNT")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NGAY_VAO", "202602301000"),
        ("NGAY_SINH", "199002300000"),
        ("GT_THE_TU", "20260230"),
    ],
)
def test_ci_06_days_that_exist(name: str, value: str) -> None:
    assert ("CI-06", name) in found(change(**{name: value}))


@pytest.mark.parametrize("value", ["199000000000", "199003000000"])
def test_ci_06_a_birth_date_may_be_known_in_part(value: str) -> None:
    assert found(change(NGAY_SINH=value)) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"NGAY_SINH": "202701010000"}, "NGAY_SINH"),
        ({"NGAY_SINH": "187501010000"}, "NGAY_SINH"),
        ({"NGAY_VAO": "202610120730", "NGAY_YL": "202610120730"}, "NGAY_VAO"),
    ],
)
def test_ci_07_order_of_times(changes: dict[str, str], field: str) -> None:
    assert found(change(**changes)) == [("CI-07", field)]


@pytest.mark.parametrize("value", ["202610120711", "202610120740"])
def test_ci_08_time_of_the_order(value: str) -> None:
    document = change(NGAY_YL=value)
    assert found(document) == []
    assert found(document, Severity.WARN) == [("CI-08", "NGAY_YL")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"GT_THE_DEN": "20261011"}, "GT_THE_DEN"),
        ({"GT_THE_TU": "20261013"}, "GT_THE_TU"),
        ({"MA_DKBD": ""}, "MA_DKBD"),
        ({"GT_THE_TU": ""}, "GT_THE_TU"),
    ],
)
def test_ci_09_a_card_in_force(changes: dict[str, str], field: str) -> None:
    assert found(change(**changes), Severity.WARN) == [("CI-09", field)]


def test_ci_09_a_card_without_end_is_in_force() -> None:
    assert judge(change(GT_THE_DEN="")).findings == ()


def test_ci_10_no_card_no_group() -> None:
    bare = {"MA_THE_BHYT": "", "MA_DKBD": "", "GT_THE_TU": "", "GT_THE_DEN": ""}
    assert found(change(**bare)) == [("CI-10", "MA_DOITUONG_KCB")]
    assert found(change(**bare, MA_DOITUONG_KCB="9")) == []
    assert found(change(**(bare | {"MA_DKBD": "99001", "MA_DOITUONG_KCB": "9"}))) == [
        ("CI-10", "MA_DKBD")
    ]


def test_ci_11_a_card_that_is_not_used() -> None:
    assert found(change(MA_DOITUONG_KCB="9"), Severity.WARN) == [("CI-11", "MA_THE_BHYT")]


def test_ci_12_codes_of_the_lists_in_force() -> None:
    assert found(change(MA_DOITUONG_KCB="1.8")) == [("CI-12", "MA_DOITUONG_KCB")]
    early = {"NGAY_VAO": "202607310712", "NGAY_YL": "202607310712"}
    assert found(change(**early, MA_LOAI_KCB="16")) == [("CI-12", "MA_LOAI_KCB")]
    assert found(change(MA_LOAI_KCB="16")) == []


def test_ci_13_only_for_the_own_facility() -> None:
    assert found(change(MA_CSKCB="99002")) == [("CI-13", "MA_CSKCB")]


def test_ci_14_an_emergency_does_not_leave() -> None:
    verdict = judge(change(MA_DOITUONG_KCB="2"))
    assert verdict.valid
    assert not verdict.may_leave
    assert [(f.rule, f.severity) for f in verdict.findings] == [("CI-14", Severity.SKIP)]


def test_ci_15_nothing_twice() -> None:
    (row,) = read_rows(parse_checkin(GOOD.encode(), STANDARD), STANDARD)
    again = Circumstances(
        facility_code="99001", now=NOW, zone=ZONE, sent_before=frozenset({sent_key(row)})
    )
    assert not judge(GOOD, again).may_leave
    twice = write_checkin([make_row(), make_row()], STANDARD, zone=ZONE).decode()
    assert [(f.rule, f.row) for f in judge(twice).findings] == [("CI-15", 2)]


def test_ci_16_text_that_is_not_tidy() -> None:
    untidy = change(TEN_DICH_VU=" Kha\u0301m Nội ")
    assert found(untidy, Severity.FIX) == [("CI-16", "TEN_DICH_VU")]
    assert found(untidy) == []


def test_findings_name_the_row() -> None:
    rows = [make_row(), make_row(record_code="99001-261012-000099", patient_category="1.8")]
    document = write_checkin(rows, STANDARD, zone=ZONE).decode()
    assert [(f.rule, f.row) for f in judge(document).findings] == [("CI-12", 2)]


def test_a_shape_fault_of_a_later_row_names_it() -> None:
    rows = [
        make_row(),
        make_row(
            record_code="99001-261012-000099",
            card=CardFacts(number="DN4", facility_code="99001", valid_from=None, valid_to=None),
        ),
    ]
    document = write_checkin(rows, STANDARD, zone=ZONE).decode()
    assert ("CI-01", 2) in {(f.rule, f.row) for f in judge(document).findings}
