from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapter.bhxh.config import BASE_SALARIES, Employee
from his_adapter.bhxh.mapping import (
    USABLE,
    VIETNAM,
    format_birth_date,
    read_birth_date,
    read_day,
    to_copayment,
    to_coverage,
    to_questions,
    to_receipt,
    to_stays,
)
from his_adapter.coverage_codes import OUTCOMES
from his_adapter.errors import InvalidData
from his_adapter.models import BirthDate, CoverageOutcome, CoverageQuery, Identifier
from tests.factories.bhxh import NOW, TODAY, query

_O = CoverageOutcome
GOOD = {
    "maKetQua": "000",
    "maThe": "DN4990000000001",
    "hoTen": "Nguyễn Văn Mẫu",
    "ngaySinh": "05/03/1990",
    "gioiTinh": "Nam",
    "maDKBD": "99001",
    "gtTheTu": "01/01/2026",
    "gtTheDen": "31/12/2026",
    "maSoBHXH": "0000000001",
}


def judge(answer: dict[str, Any], asked: CoverageQuery | None = None, **more: Any) -> Any:
    more = {"number": "099090000001", "on": TODAY, **more}
    return to_coverage(
        answer, asked or query(), own_codes=frozenset({"99001"}), checked_at=NOW, **more
    )


@pytest.mark.parametrize("code", sorted(OUTCOMES))
def test_every_code_of_the_letter(code: str) -> None:
    renewed = {"maTheMoi": "DN4990000000009", "gtTheTuMoi": "01/01/2026"} if code == "003" else {}
    assert judge(GOOD | renewed | {"maKetQua": code}).outcome is OUTCOMES[code]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, _O.OK),
        ({"gtTheDen": ""}, _O.OK),
        ({"gtTheDen": None}, _O.OK),
        ({"gtTheDen": "22/11/2026"}, _O.NONE),
        ({"gtTheDen": "23/11/2026"}, _O.OK),
        ({"gtTheTu": "24/11/2026"}, _O.NONE),
        ({"gtTheTu": "23/11/2026"}, _O.OK),
        ({"gtTheTu": None}, _O.LATER),
        ({"gtTheTu": "2026-01-01"}, _O.LATER),
        ({"gtTheTu": "30/02/2026"}, _O.LATER),
        ({"hoTen": None}, _O.LATER),
        ({"hoTen": "NGUYỄN  VĂN MẪU "}, _O.OK),
        ({"hoTen": "Nguyễn Văn Mẫu"}, _O.OK),  # decomposed
        ({"hoTen": "Nguyễn Văn Mau"}, _O.MISMATCH),
        ({"ngaySinh": "1990"}, _O.OK),
        ({"ngaySinh": "03/1990"}, _O.OK),
        ({"ngaySinh": "05031990"}, _O.OK),
        ({"ngaySinh": "06/03/1990"}, _O.MISMATCH),
        ({"gioiTinh": "Nữ"}, _O.OK),  # nobody said which sex was asked about
        ({"maThe": "QN5990000000001", "gtTheTu": None}, _O.OK_DESK_NOTE),
        ({"maThe": "QN5990000000001", "gtTheDen": "22/11/2026"}, _O.NONE),
        ({"maKetQua": 0}, _O.OK),
        ({"maKetQua": "777"}, _O.LATER),
        ({"maKetQua": None}, _O.LATER),
        ({"maKetQua": {"a": 1}}, _O.LATER),
        (
            {"gtTheDen": "31/10/2026", "maTheMoi": "HT3990000000001", "gtTheTuMoi": "01/11/2026"},
            _O.USE_NEW,
        ),
    ],
)
def test_good_news_needs_proof(changes: dict[str, Any], outcome: CoverageOutcome) -> None:
    coverage = judge(GOOD | changes)
    assert coverage.outcome is outcome
    assert (coverage.card_number is not None) == (outcome in USABLE)


def test_another_card_than_the_one_asked_about_is_somebody_elses() -> None:
    assert judge(GOOD, number="DN4990000000002").outcome is _O.MISMATCH
    assert judge(GOOD, number="0000000002").outcome is _O.MISMATCH
    assert judge(GOOD | {"maTheCu": "DN4990000000002"}, number="DN4990000000002").outcome is _O.OK


def test_a_hospital_may_treat_a_code_in_its_own_way() -> None:
    outcomes = {**OUTCOMES, "123": _O.LATER}
    assert judge(GOOD | {"maKetQua": "123"}, outcomes=outcomes).outcome is _O.LATER


def test_registered_elsewhere_and_five_years() -> None:
    coverage = judge(GOOD | {"maDKBD": "99002", "ngayDu5Nam": "01/01/2029"})
    assert coverage.registered_here is False
    assert coverage.five_years_on == date(2029, 1, 1)
    assert judge(GOOD | {"maDKBD": "?"}).registered_here is None


@pytest.mark.parametrize(
    ("iso", "text"), [("1990-03-05", "05/03/1990"), ("1990-03", "03/1990"), ("1990", "1990")]
)
def test_birth_dates_as_far_as_known(iso: str, text: str) -> None:
    birth_date = BirthDate.from_iso(iso)
    assert format_birth_date(birth_date) == text
    read = read_birth_date(text)
    assert read is not None
    assert read.isoformat() == iso


def test_the_personal_number_is_asked_first() -> None:
    from his_adapter.models import IdentifierKind as K

    asked = CoverageQuery(
        identifiers=(
            Identifier(kind=K.BHXH10, value="0000000001"),
            Identifier(kind=K.BHYT15, value="dn4990000000001"),
            Identifier(kind=K.CMND9, value="012345678"),
            Identifier(kind=K.ID12, value="099090000001"),
        ),
        full_name="  Nguyễn   Văn Mẫu ",
        birth_date=BirthDate(year=1990),
    )
    questions = to_questions(asked, Employee(full_name="A", cccd="099185000009"))
    assert [q.number for q in questions] == ["099090000001", "DN4990000000001", "0000000001"]
    assert questions[0].full_name == "Nguyễn Văn Mẫu"
    with pytest.raises(InvalidData):
        to_questions(query("12"), Employee(full_name="A", cccd="099185000009"))


def copaid(*rows: tuple[str, str], on: date = TODAY) -> Any:
    listed = [{"ngayRa": left, "tBNCCTLuyKe": total} for left, total in rows]
    return to_copayment({"DataCCT": listed}, on=on, base_salaries=BASE_SALARIES)


def test_totals_are_never_added_up() -> None:
    copayment = copaid(("05/09/2026", "1300000"), ("02/08/2026", "400000"))
    assert copayment.paid_vnd == 1_300_000
    assert copayment.as_of == date(2026, 9, 5)


@pytest.mark.parametrize(
    ("total", "exceeds"), [("15180000", False), ("15180000.01", True), ("15180001", True)]
)
def test_strictly_more_than_six_base_salaries(total: str, exceeds: bool) -> None:
    assert copaid(("05/09/2026", total)).exceeds_limit is exceeds


@pytest.mark.parametrize(("more", "exceeds"), [(1_124_444, False), (1_124_445, True)])
def test_a_year_in_which_the_salary_changed(more: int, exceeds: bool) -> None:
    copayment = copaid(("30/06/2026", "13000000"), ("05/09/2026", str(13_000_000 + more)))
    assert copayment.exceeds_limit is exceeds


def test_another_year_does_not_count() -> None:
    assert copaid(("05/09/2025", "99000000")).paid_vnd == 0


def test_history_without_illness() -> None:
    row = {"maCSKCB": "99002", "ngayVao": "202610050800", "ngayRa": "", "tenBenh": "Tăng huyết áp"}
    (stay,) = to_stays({"dsLichSuKCB2025": [row, None, {"maCSKCB": "x"}]})
    assert stay.arrived_at == datetime(2026, 10, 5, 8, 0, tzinfo=VIETNAM)
    assert stay.left_at is None


def test_received_is_not_accepted() -> None:
    receipt = to_receipt({"maKetQua": "202", "maGiaoDich": "GD-1", "thongDiep": "sai"})
    assert (receipt.received, receipt.code, receipt.transaction_id) == (False, "202", "GD-1")
    assert "sai" not in repr(receipt)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**20), max_value=10**20)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        ["000", "003", "01/01/2026", "31/12/2026", "202610050800", "DN4990000000001"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [*GOOD, "maTheMoi", "gtTheTuMoi", "gtTheDenMoi", "maDKBDMoi", "ngayDu5Nam", "dsLichSuKCB2025",
     "DataCCT", "MaKetQua", "maGiaoDich", "thoiGianTiepNhan", "thongDiep", "ngayRa", "maTheCu"]
)  # fmt: skip


@given(st.dictionaries(FIELDS, JSON, max_size=12))
def test_whatever_comes_is_an_outcome(answer: dict[str, Any]) -> None:
    for base in ({}, GOOD):
        coverage = judge({**base, **answer})
        if coverage.outcome in USABLE:
            assert answer.get("hoTen", base.get("hoTen"))
            assert coverage.valid_to is None or coverage.valid_to >= TODAY
        assert len(coverage.code) <= 8
    to_stays(answer)
    to_receipt(answer)
    copayment = to_copayment(answer, on=TODAY, base_salaries=BASE_SALARIES)
    assert copayment.paid_vnd >= 0


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["ngayRa", "tBNCCTLuyKe", "maCSKCB", "ngayVao"]), JSON)
    )
)
def test_whatever_rows_come(rows: list[dict[str, Any]]) -> None:
    to_copayment({"DataCCT": rows}, on=TODAY, base_salaries=BASE_SALARIES)
    to_stays({"dsLichSuKCB2025": rows})


@given(st.text(max_size=12) | JSON)
def test_days_are_days(untrusted: Any) -> None:
    assert read_day(untrusted) is None or isinstance(read_day(untrusted), date)
    read_birth_date(untrusted)
