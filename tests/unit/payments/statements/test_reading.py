"""What a statement says, row by row; and what is refused, and what stands in doubt."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import starmap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from payments.models import Money
from payments.statements import (
    RowNote,
    RowReason,
    Statement,
    StatementLine,
    StatementRefused,
    read_statement,
)
from payments.statements.layouts import get_layout
from payments.statements.tables import MAX_BYTES
from payments.statements.writing import write_statement
from tests.unit.payments.statements.factories import ACCOUNT, at, credit_line, debit_line

DAYS = (date(2026, 2, 16), date(2026, 2, 17))
LINES = (
    credit_line(),
    debit_line(),
    credit_line(1_500_000, reference="FT26047000000003", memo='TU26AB7K9M đóng tạm ứng, ạ; "x"'),
    credit_line(1, reference="FT26047000000004", memo="=1+1", when="2026-02-17T23:59:59"),
)  # fmt: skip


def read(content: bytes | str, layout: Any = "auto", account: str = ACCOUNT) -> Statement:
    data = content.encode() if isinstance(content, str) else content
    return read_statement(data, layout=layout, provider="bank", account=account)


def table(*rows: str, above: str = "") -> str:
    headings = "Ngày giao dịch;Ghi nợ;Ghi có;Số dư;Nội dung;Số tham chiếu"
    return "\n".join([above, headings, *rows])


def moves(statement: Statement) -> list[tuple[int, int]]:
    return [(line.row, line.signed_vnd) for line in statement.lines]


def in_doubt(statement: Statement) -> tuple[RowNote, ...]:
    return statement.refused + statement.unpaid + statement.doubts


def sheet(*rows: list[Any]) -> bytes:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


# --- files as they are given out ---------------------------------------------------------------


@pytest.mark.parametrize("layout", ["bidv", "hdbank", "generic"])
@pytest.mark.parametrize("asked", ["by name", "auto"])
@pytest.mark.parametrize(
    "form",
    [
        {"xlsx": True},
        *(
            {"separator": separator, "encoding": encoding}
            for separator in (",", ";", "\t", "|")
            for encoding in ("utf-8-sig", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1258")
        ),
    ],
)
def test_every_line_in_every_form(layout: str, asked: str, form: dict[str, Any]) -> None:
    content = write_statement(
        LINES, layout=layout, account=ACCOUNT, opening=Money(1_000), days=DAYS, **form
    )
    statement = read(content, layout if asked == "by name" else "auto")

    assert statement.layout == layout
    assert (statement.first_day, statement.last_day) == DAYS
    assert [line.movement for line in statement.lines] == [line.movement for line in LINES]
    assert statement.lines[-1].balance == Money(1_801_001)
    assert in_doubt(statement) == ()
    assert read(content, layout) == statement


def test_bidv_as_printed_without_references() -> None:
    """Headings and forms of values of files that BIDV's customers downloaded in 2022 and later."""
    text = """
BIDV - CN TEST
Số tài khoản/Account No: 1200000000001
Số tài khoản cũ/Old account: 999999999999
STT (No),Ngày giao dịch (Trans.Date),Ngày hiệu lực (Efd.Date),Mã giao dịch (Trans.Code),Phát sinh nợ (Debit amount),Phát sinh có (Credit amount),Số dư (Balance),Số chứng từ (SEQ No.),Mã GDV (Teller ID),Mã CN (Branch),Diễn giải (Txn. Description)
Số dư đầu kỳ,,,,,,0.00,,,,
1,16/02/2022 18:13:32,16/02/2022,1491,0.00,"1,068,000.00","1,068,000.00",20733638,990CTLNH4,145,"REM TKThe000,tai ACB.NOP TIEN"
2,25/02/2022 23:59:59,25/02/2022,160,0.00,59.00,"1,068,059.00",306,DD4400,145,BIDV Tra lai KKH
Trang 1/2,,,,,,,,,,
STT (No),Ngày giao dịch (Trans.Date),Ngày hiệu lực (Efd.Date),Mã giao dịch (Trans.Code),Phát sinh nợ (Debit amount),Phát sinh có (Credit amount),Số dư (Balance),Số chứng từ (SEQ No.),Mã GDV (Teller ID),Mã CN (Branch),Diễn giải (Txn. Description)
3,29/03/2022 17:06:58,29/03/2022,0812,"110,000.00",0.00,"958,059.00",306,DD4400,145,REM PHI
,,,,,,,,,,DICH VU THANG 2
Tổng phát sinh,,,,"110,000.00","1,068,059.00",,,,,
Số dư cuối kỳ,,,,,,"958,059.00",,,,
"""
    statement = read(text)

    assert statement.layout == "bidv"
    assert [line.signed_vnd for line in statement.lines] == [1_068_000, 59, -110_000]
    assert statement.lines[2].movement.memo == "REM PHI DICH VU THANG 2"
    assert (statement.first_day, statement.last_day) == (date(2022, 2, 16), date(2022, 3, 29))
    assert in_doubt(statement) == ()
    ids = {line.movement.transaction_id for line in statement.lines}
    assert len(ids) == 3
    assert all(len(name) == 25 and name.startswith("L") for name in ids)
    assert statement.lines[0].movement.bank_reference == ""
    assert not any(line.named for line in statement.lines)


def test_bidv_with_the_day_it_takes_effect_only() -> None:
    statement = read(
        sheet(
            ["BÁO CÁO CHI TIẾT SỐ DƯ TÀI KHOẢN"],
            ["BIDV"],
            ["NGÀY HIỆU LỰC/DATE", "GHI NỢ/DEBIT", "GHI CÓ/CREDIT", "SỐ DƯ/BALANCE", "MÔ TẢ/DESCRIPTION"],
            [datetime(2026, 2, 16), None, 350000, 350000, "VP26AB7K9M"],
            ["17/02/2026", "50,000 VND", "", "300,000", "hoàn tiền"],
        )
    )  # fmt: skip
    assert statement.layout == "bidv"
    assert moves(statement) == [(4, 350_000), (5, -50_000)]
    assert not any(line.time_known for line in statement.lines)


@pytest.mark.parametrize(
    ("headings", "row"),
    [
        (
            "STT,Mã đơn hàng,Mã giao dịch MoMo,Thời gian thanh toán,Số tiền,Phí,Số tiền thực nhận,Trạng thái,Nội dung",
            "1,VP3A7K9MX-1,2588659987,16/02/2026 08:05:09,350.000,7.700,342.300,Thành công,vien phi",
        ),
        (
            "Mã GD VNPAY,vnp_TxnRef,Ngày tạo,Ngày thanh toán,Số tiền thanh toán,Phí,Trạng thái giao dịch",
            "2588659987,VP3A7K9MX-1,20260216080000,20260216080509,350000,7700,Giao dịch thành công",
        ),
        (
            "app_trans_id,zp_trans_id,transaction time,amount,fee,status",
            "260216_VP3A7K9MX-1,2588659987,2026-02-16T08:05:09,350000,7700,success",
        ),
    ],
)
def test_lists_of_wallets(headings: str, row: str) -> None:
    failed = row.replace("2588659987", "2588659988")
    for word in ("Giao dịch thành công", "Thành công", "success"):
        failed = failed.replace(word, "Thất bại")
    statement = read(f"{headings}\n{row}\n{failed}")

    (line,) = statement.lines
    assert line.credit is not None
    assert line.credit.amount == Money(350_000)
    assert line.credit.transaction_id == "2588659987"
    assert line.credit.order_key == "VP3A7K9MX-1"
    assert line.credit.paid_at == at("2026-02-16T08:05:09")
    assert line.fee == Money(7_700)
    assert statement.unpaid == (RowNote(row=3, reason=RowReason.UNPAID),)
    assert statement.refused == ()


def test_refunds_in_a_list_of_a_wallet() -> None:
    text = (
        "Ngày;Loại giao dịch;Mã giao dịch;Số tiền\n"
        "16/02/2026;Thanh toán;A1;350000\n"
        "16/02/2026;Hoàn tiền;A2;50000\n"
        "16/02/2026;Thanh toán QR;A3;-1000\n"
        "16/02/2026;Khuyến mại;A4;5\n"
    )
    statement = read(text)
    assert moves(statement) == [(2, 350_000), (3, -50_000), (4, -1_000)]
    assert statement.refused == (RowNote(row=5, reason=RowReason.DIRECTION),)


def test_headings_on_two_rows() -> None:
    text = (
        "Ngày;Phát sinh;;Số dư;Diễn giải\n"
        ";Nợ;Có;;\n"
        "16/02/2026;0;350.000;350.000;a\n"
        "16/02/2026;50.000;0;300.000;b\n"
    )
    assert moves(read(text)) == [(3, 350_000), (4, -50_000)]


def test_headings_in_capitals_without_marks_and_with_blanks() -> None:
    text = "  NGAY GIAO DICH ; SO TIEN GHI NO;SO TIEN GHI CO ;NOI DUNG\n16/02/2026;;1.000;x\n"
    assert moves(read(text)) == [(2, 1_000)]


def test_headings_of_a_hospital_of_its_own() -> None:
    text = "Lúc;Tiền về quỹ;Ghi chú\n16/02/2026 08:05;350.000;VP26AB7K9M\n"
    with pytest.raises(StatementRefused):
        read(text)
    layout = get_layout("generic").extended(
        {"date": ["Lúc"], "credit": ["Tiền về quỹ"], "memo": ["Ghi chú"]}
    )
    assert moves(read(text, layout)) == [(2, 350_000)]
    with pytest.raises(StatementRefused):
        layout.extended({"colour": ["Màu"]})


def test_the_newest_line_may_come_first() -> None:
    text = table(
        "17/02/2026;;200;500;c;R3", "16/02/2026;100;;300;b;R2", "16/02/2026;;400;400;a;R1",
        "Số dư đầu kỳ;;;0;;", "Số dư cuối kỳ;;;500;;",
    )  # fmt: skip
    assert read(text).doubts == ()


def test_a_formula_counts_as_what_it_had_come_to() -> None:
    content = sheet(["Ngày", "Tiền vào", "Nội dung"], [date(2026, 2, 16), "=100+1", "x"])
    # Nobody has computed it: no amount can be read.
    assert read(content).refused == (RowNote(row=2, reason=RowReason.AMOUNT),)

    parts = zipfile.ZipFile(io.BytesIO(content))
    computed = io.BytesIO()
    with zipfile.ZipFile(computed, "w") as package:
        for part in parts.infolist():
            data = parts.read(part)
            if part.filename.endswith("sheet1.xml"):
                data = data.replace(b"<v></v>", b"<v>101</v>").replace(b"<v />", b"<v>101</v>")
            package.writestr(part.filename, data)
    assert moves(read(computed.getvalue())) == [(2, 101)]


def test_a_workbook_in_which_only_the_second_sheet_is_a_table() -> None:
    workbook = Workbook()
    workbook.active.append(["Bìa"])  # type: ignore[union-attr]
    second = workbook.create_sheet("Chi tiết")
    second.append(["Ngày", "Tiền vào", "Nội dung"])
    second.append([date(2026, 2, 16), 5, "x"])
    content = io.BytesIO()
    workbook.save(content)
    assert moves(read(content.getvalue())) == [(2, 5)]

    third = workbook.create_sheet("Tiếp")
    third.append(["Ngày", "Tiền vào", "Nội dung"])
    third.append([date(2026, 2, 16), 6, "y"])
    content = io.BytesIO()
    workbook.save(content)
    with pytest.raises(StatementRefused, match="several sheets"):
        read(content.getvalue())


# --- rows in doubt -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("31/02/2026;;5;;x;R1", RowReason.DATE),
        (";;5;;x;R1", RowReason.DATE),
        ("Cong ty A;;5;;x;R1", RowReason.DATE),
        ("16/02/2026;;;;x;R1", RowReason.AMOUNT),
        ("16/02/2026;0;0;;x;R1", RowReason.AMOUNT),
        ("16/02/2026;5;5;;x;R1", RowReason.AMOUNT),
        ("16/02/2026;;5.5;;x;R1", RowReason.AMOUNT),
        ("16/02/2026;;năm;;x;R1", RowReason.AMOUNT),
        ("16/02/2026;;5;abc;x;R1", RowReason.AMOUNT),
        ("16/02/2026;-5;;;x;R1", RowReason.DIRECTION),
        ("16/02/2026;;1;;x;R0", RowReason.REPEATED),
        ("16/02/2026;;2;;y;R0", RowReason.REPEATED),
    ],
)
def test_a_row_that_cannot_be_read_is_listed(row: str, reason: RowReason) -> None:
    statement = read(table("16/02/2026;;1;;x;R0", row, "16/02/2026;;7;;z;R9"))

    assert moves(statement) == [(3, 1), (5, 7)]
    assert statement.refused == (RowNote(row=4, reason=reason),)


def test_the_same_number_may_come_and_leave() -> None:
    statement = read(table("16/02/2026;;9;;x;R0", "16/02/2026;9;;;x;R0", "16/02/2026;;-3;;x;R7"))
    assert moves(statement) == [(3, 9), (4, -9), (5, -3)]


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("Loại tiền", "USD", RowReason.CURRENCY),
        ("Số tài khoản", "9999999", RowReason.ACCOUNT),
        ("Trạng thái", "Đang xử lý", RowReason.STATUS),
        ("Trạng thái", "", RowReason.STATUS),
    ],
)
def test_a_row_of_another_kind_is_listed(column: str, cell: str, reason: RowReason) -> None:
    text = f"Ngày;Tiền vào;Nội dung;{column}\n16/02/2026;5;x;{cell}\n"
    statement = read(text)
    assert statement.lines == ()
    assert statement.refused == (RowNote(row=2, reason=reason),)


def test_a_line_that_was_taken_out_is_found_by_the_balance() -> None:
    whole = table(
        "Số dư đầu kỳ;;;1.000;;", "16/02/2026;;200;1.200;a;R1", "16/02/2026;;300;1.500;b;R2",
        "16/02/2026;100;;1.400;c;R3", "Số dư cuối kỳ;;;1.400;;",
    )  # fmt: skip
    assert read(whole).doubts == ()

    def without(text: str) -> list[int]:
        doubts = read("\n".join(row for row in whole.splitlines() if text not in row)).doubts
        assert {note.reason for note in doubts} <= {RowReason.BALANCE}
        return [note.row for note in doubts]

    assert without("R2") == [5]
    assert without("R1") == [4]
    assert without("R3") == [6]
    assert without("dư đầu") == []


def test_totals_are_compared_with_the_lines() -> None:
    rows = ["16/02/2026;;200;;a;R1", "Cộng trang;;200;;;", "16/02/2026;7;300;;b;R2"]
    rows[2] = "16/02/2026;;300;;b;R2"
    assert read(table(*rows, "Cộng trang;;300;;;", "Tổng cộng;0;500;;;")).doubts == ()
    assert read(table(*rows, "Tổng cộng;0;501;;;")).doubts == (
        RowNote(row=6, reason=RowReason.TOTAL),
    )


def test_a_company_is_no_total() -> None:
    statement = read(table("x;;5;;Cong ty ABC chuyen tien;R1"))
    assert statement.refused == (RowNote(row=3, reason=RowReason.DATE),)


def test_lines_alike_keep_their_names_in_every_file() -> None:
    one = table("16/02/2026;;5;;x;", "16/02/2026;;5;;x;", "17/02/2026;;5;;x;")
    two = table("16/02/2026;;5;;x;", "16/02/2026;;5;;x;", above="Sao kê")
    first = [line.movement.transaction_id for line in read(one).lines]
    second = [line.movement.transaction_id for line in read(two).lines]
    assert len(set(first)) == 3
    assert second == first[:2]


def test_words_above_and_below_are_no_rows() -> None:
    text = table(
        "16/02/2026;;5;5;x;R1", "Người lập;;;;Kế toán trưởng;", ";;;;;", "(Ký tên);;;;;",
        above="BỆNH VIỆN DEMO;;\nSố tài khoản: 1200 0000 00001;;\nTừ ngày 01/02/2026 đến ngày 28/02/2026",
    )  # fmt: skip
    statement = read(text)
    assert moves(statement) == [(5, 5)]
    assert (statement.first_day, statement.last_day) == (date(2026, 2, 1), date(2026, 2, 28))
    assert in_doubt(statement) == ()


def test_a_day_without_money() -> None:
    statement = read(table())
    assert (statement.lines, statement.first_day, statement.last_day) == ((), None, None)


def test_times_are_those_of_vietnam() -> None:
    (line,) = read(table("16/02/2026 23:30:00;;5;;x;R1")).lines
    assert line.movement.paid_at.astimezone(UTC) == datetime(2026, 2, 16, 16, 30, tzinfo=UTC)


def test_times_are_written_as_in_vietnam() -> None:
    line = credit_line(when="2026-02-16T23:30:00")
    assert line.credit is not None
    in_utc = replace(line.credit, paid_at=line.credit.paid_at.astimezone(UTC))
    content = write_statement(
        [replace(line, credit=in_utc)], layout="bidv", account=ACCOUNT, opening=Money(0)
    )
    assert read(content).credits == (line.credit,)


def test_nothing_of_a_payer_is_shown_by_accident() -> None:
    line = read(write_statement(LINES[:1], layout="bidv", account=ACCOUNT, opening=Money(0))).lines[
        0
    ]
    assert "NGUYEN" not in repr(line)
    assert "vien phi" not in repr(line)


# --- files that are refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "statement-headings"),
        (b"hello", "statement-headings"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "statement-not-a-table"),
        (b"<html><table><tr><td>Ng\xc3\xa0y</td></tr></table>", "statement-not-a-table"),
        (b"PK\x03\x04 no package", "statement-not-a-table"),
        (b"\x00\x01\x02\x03" * 100, "statement-headings"),
        (b"\xff\xfe\x00", "statement-not-a-table"),
        (b'a;"' + b"x" * 200_000, "statement-not-a-table"),
        (b"0" * (MAX_BYTES + 1), "statement-too-large"),
        ("Ngày;Nội dung\n16/02/2026;x".encode(), "statement-headings"),
        ("Ngày;Tiền vào\n16/02/2026;5".encode(), "statement-headings"),
    ],
)
def test_what_is_no_statement(content: bytes, code: str) -> None:
    with pytest.raises(StatementRefused) as refused:
        read(content)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "rows",
    [
        ('16/02/2026;;1;;"a;R1', "16/02/2026;;2;;b;R2"),
        ('16/02/2026;;1;;"a;R1', '16/02/2026;;2;;b";R2'),
        ('16/02/2026;;1;;"a;R1', "16/02/2026;;2;;b;R2", '16/02/2026;;3;;"c;R3'),
        ('16/02/2026;;1;;"a" b;R1',),
    ],
)
def test_rows_are_not_lost_in_a_quotation_mark_left_open(rows: tuple[str, ...]) -> None:
    with pytest.raises(StatementRefused) as refused:
        read(table(*rows))
    assert refused.value.code == "statement-not-a-table"


def test_quotation_marks_that_are_written_well() -> None:
    rows = (
        '16/02/2026;;1;;"a ""b""; c";R1',
        '"16/02/2026";"";"2";"";"d\ne";"R2"',
        '16/02/2026;;3;;f"g;R3',
    )
    assert [line.movement.memo for line in read(table(*rows)).lines] == ['a "b"; c', "d e", 'f"g']


def test_a_statement_of_another_account() -> None:
    content = write_statement(LINES, layout="bidv", account="1200000000002", opening=Money(0))
    with pytest.raises(StatementRefused) as refused:
        read(content)
    assert refused.value.code == "statement-other-account"


def test_an_unknown_layout() -> None:
    with pytest.raises(StatementRefused, match="there are auto, bidv, hdbank, generic"):
        read(b"", "vcb")


def test_more_rows_than_a_statement_has() -> None:
    text = table(*(f"16/02/2026;;1;;x;{number}" for number in range(200_001)))
    with pytest.raises(StatementRefused) as refused:
        read(text)
    assert refused.value.code == "statement-too-large"


def packed(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return content.getvalue()


def test_a_zip_bomb_is_not_unpacked() -> None:
    with pytest.raises(StatementRefused) as refused:
        read(packed({"xl/worksheets/sheet1.xml": bytes(301_000_000)}))
    assert refused.value.code == "statement-too-large"
    with pytest.raises(StatementRefused) as refused:
        read(packed({f"part{number}": b"" for number in range(1_001)}))
    assert refused.value.code == "statement-too-large"


def test_a_workbook_whose_sheet_is_lost_is_refused() -> None:
    """The library would leave the sheet out and go on."""
    content = sheet(["Ngày", "Tiền vào", "Nội dung"], [date(2026, 2, 16), 5, "x"])
    source = zipfile.ZipFile(io.BytesIO(content))
    parts = {name: source.read(name) for name in source.namelist()}
    book = parts["xl/workbook.xml"]
    for lost in (b'r:id="rId99"', b""):
        damaged = packed(parts | {"xl/workbook.xml": book.replace(b'r:id="rId1"', lost)})
        with pytest.raises(StatementRefused):
            read(damaged)


def test_what_banks_forget_is_no_damage() -> None:
    content = sheet(["Ngày", "Tiền vào", "Nội dung"], [date(2026, 2, 16), 5, "x"])
    source = zipfile.ZipFile(io.BytesIO(content))
    parts = {name: source.read(name) for name in source.namelist()}
    styles = parts["xl/styles.xml"]
    start, end = styles.index(b"<cellStyles"), styles.index(b"</cellStyles>") + 13
    parts["xl/styles.xml"] = styles[:start] + styles[end:]
    assert moves(read(packed(parts))) == [(2, 5)]


def test_more_sheets_than_a_statement_has() -> None:
    workbook = Workbook()
    for number in range(21):
        workbook.create_sheet(f"S{number}")
    content = io.BytesIO()
    workbook.save(content)
    with pytest.raises(StatementRefused, match="more sheets"):
        read(content.getvalue())


def test_a_zip_of_something_else() -> None:
    with pytest.raises(StatementRefused) as refused:
        read(packed({"word/document.xml": b"<a/>"}))
    assert refused.value.code == "statement-not-a-table"


# --- anything ----------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_are_a_statement_or_refused(content: bytes) -> None:
    for start in (b"", b"PK\x03\x04", "Ngày;Tiền vào;Nội dung\n".encode()):
        with suppress(StatementRefused):
            read(start + content)


WORKBOOK = write_statement(LINES, layout="bidv", account=ACCOUNT, opening=Money(0), xlsx=True)


@given(st.integers(0, len(WORKBOOK) - 1), st.integers(0, 255))
def test_a_damaged_workbook_gives_the_same_lines_or_is_refused(place: int, byte: int) -> None:
    damaged = WORKBOOK[:place] + bytes([byte]) + WORKBOOK[place + 1 :]
    with suppress(StatementRefused):
        statement = read(damaged)
        assert [line.signed_vnd for line in statement.lines] == [line.signed_vnd for line in LINES]


cells = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30
) | st.sampled_from(["16/02/2026", "350.000", "-1", "Tổng cộng", "Số dư đầu kỳ", "0", "x"])


@given(st.lists(st.lists(cells, min_size=6, max_size=6), max_size=8))
def test_every_row_with_money_is_told_of(rows: list[list[str]]) -> None:
    kept = [[cell.replace(";", "").replace('"', "") for cell in row] for row in rows]
    statement = read(table(*(";".join(row) for row in kept)))
    told = {line.row for line in statement.lines} | {note.row for note in statement.refused}
    for number, row in enumerate(kept, start=3):
        if row[0].strip() == "16/02/2026" and row[2].strip() == "350.000" and number not in told:
            pytest.fail(f"row {number} is lost: {row}")


amounts = st.integers(1, 10**10)


@given(
    st.lists(
        st.tuples(amounts, st.booleans(), st.text(st.sampled_from("ABC đ=;\"'\n"))), max_size=8
    ),
    st.sampled_from(["bidv", "hdbank", "generic"]),
    st.booleans(),
)
def test_what_is_written_is_read_alike(
    facts: list[tuple[int, bool, str]], layout: str, xlsx: bool
) -> None:
    def line(number: int, fact: tuple[int, bool, str]) -> StatementLine:
        make = credit_line if fact[1] else debit_line
        return make(fact[0], reference=f"R{number}", memo=f"M{fact[2]}")

    lines = list(starmap(line, enumerate(facts)))
    content = write_statement(
        lines, layout=layout, account=ACCOUNT, opening=Money(0), days=DAYS, xlsx=xlsx
    )
    statement = read(content, layout)
    assert [line.signed_vnd for line in statement.lines] == [line.signed_vnd for line in lines]
    assert [line.movement.memo for line in statement.lines] == [
        " ".join(line.movement.memo.split()) for line in lines
    ]
    assert in_doubt(statement) == ()
