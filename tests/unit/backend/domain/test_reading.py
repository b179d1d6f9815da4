from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reading import (
    MAX_NUMBER,
    Language,
    Region,
    UnreadableCode,
    read_digits,
    read_letter,
    read_number,
    read_number_en,
    read_room_code,
    read_ticket_number,
)

TABLE = """
0 | không | không
4 | bốn | bốn
5 | năm | năm
10 | mười | mười
11 | mười một | mười một
14 | mười bốn | mười bốn
15 | mười lăm | mười lăm
20 | hai mươi | hai mươi
21 | hai mươi mốt | hai mươi mốt
24 | hai mươi tư | hai mươi bốn
25 | hai mươi lăm | hai mươi lăm
44 | bốn mươi tư | bốn mươi bốn
45 | bốn mươi lăm | bốn mươi lăm
51 | năm mươi mốt | năm mươi mốt
55 | năm mươi lăm | năm mươi lăm
91 | chín mươi mốt | chín mươi mốt
94 | chín mươi tư | chín mươi bốn
99 | chín mươi chín | chín mươi chín
100 | một trăm | một trăm
101 | một trăm linh một | một trăm lẻ một
104 | một trăm linh bốn | một trăm lẻ bốn
105 | một trăm linh năm | một trăm lẻ năm
110 | một trăm mười | một trăm mười
111 | một trăm mười một | một trăm mười một
115 | một trăm mười lăm | một trăm mười lăm
121 | một trăm hai mươi mốt | một trăm hai mươi mốt
124 | một trăm hai mươi tư | một trăm hai mươi bốn
205 | hai trăm linh năm | hai trăm lẻ năm
215 | hai trăm mười lăm | hai trăm mười lăm
444 | bốn trăm bốn mươi tư | bốn trăm bốn mươi bốn
505 | năm trăm linh năm | năm trăm lẻ năm
555 | năm trăm năm mươi lăm | năm trăm năm mươi lăm
900 | chín trăm | chín trăm
999 | chín trăm chín mươi chín | chín trăm chín mươi chín
1000 | một nghìn | một ngàn
1001 | một nghìn không trăm linh một | một ngàn không trăm lẻ một
1005 | một nghìn không trăm linh năm | một ngàn không trăm lẻ năm
1010 | một nghìn không trăm mười | một ngàn không trăm mười
1015 | một nghìn không trăm mười lăm | một ngàn không trăm mười lăm
1021 | một nghìn không trăm hai mươi mốt | một ngàn không trăm hai mươi mốt
1105 | một nghìn một trăm linh năm | một ngàn một trăm lẻ năm
1234 | một nghìn hai trăm ba mươi tư | một ngàn hai trăm ba mươi bốn
2026 | hai nghìn không trăm hai mươi sáu | hai ngàn không trăm hai mươi sáu
48500 | bốn mươi tám nghìn năm trăm | bốn mươi tám ngàn năm trăm
150000 | một trăm năm mươi nghìn | một trăm năm mươi ngàn
1005000 | một triệu không trăm linh năm nghìn | một triệu không trăm lẻ năm ngàn
32516497 | ba mươi hai triệu năm trăm mười sáu nghìn bốn trăm chín mươi bảy | ba mươi hai triệu năm trăm mười sáu ngàn bốn trăm chín mươi bảy
308250705 | ba trăm linh tám triệu hai trăm năm mươi nghìn bảy trăm linh năm | ba trăm lẻ tám triệu hai trăm năm mươi ngàn bảy trăm lẻ năm
500209037 | năm trăm triệu hai trăm linh chín nghìn không trăm ba mươi bảy | năm trăm triệu hai trăm lẻ chín ngàn không trăm ba mươi bảy
"""
ROWS = [tuple(cell.strip() for cell in row.split("|")) for row in TABLE.strip().splitlines()]
REGIONS = st.sampled_from(["bac", "nam"])


@pytest.mark.parametrize(("number", "north", "south"), ROWS)
def test_the_table(number: str, north: str, south: str) -> None:
    assert read_number(int(number)) == north
    assert read_number(int(number), "nam") == south


def value_of(words: str) -> int:
    """An independent ear: understands words by themselves, knows nothing of how they were made."""
    digits = "không một hai ba bốn năm sáu bảy tám chín"
    ones = {word: value for value, word in enumerate(digits.split())} | {
        "mốt": 1,
        "tư": 4,
        "lăm": 5,
    }
    scales = {"nghìn": 10**3, "ngàn": 10**3, "triệu": 10**6, "tỷ": 10**9}
    total = group = unit = 0
    for word in words.split():
        if word in ones:
            unit = ones[word]
        elif word == "mười":
            group += 10
        elif word == "mươi":
            group, unit = group + 10 * unit, 0
        elif word == "trăm":
            group, unit = group + 100 * unit, 0
        elif word in scales:
            total, group, unit = total + (group + unit) * scales[word], 0, 0
        else:
            assert word in {"linh", "lẻ"}
    return total + group + unit


@given(st.integers(0, 10**9), REGIONS)
def test_any_number_is_heard_as_itself(number: int, region: Region) -> None:
    assert value_of(read_number(number, region)) == number


@pytest.mark.parametrize("region", ["bac", "nam"])
def test_every_number_of_a_day_is_heard_as_itself_and_as_no_other(region: Region) -> None:
    read = [read_number(number, region) for number in range(10_000)]
    assert [value_of(words) for words in read] == list(range(10_000))
    assert len(set(read)) == len(read)


@given(st.integers(0, 10**9))
def test_north_and_south_use_their_own_words(number: int) -> None:
    assert not {"lẻ", "ngàn"} & set(read_number(number, "bac").split())
    assert not {"linh", "nghìn", "tư"} & set(read_number(number, "nam").split())


@given(st.integers(0, 10**9), REGIONS)
def test_no_short_forms_and_nothing_but_the_words(number: int, region: Region) -> None:
    words = read_number(number, region).split()
    assert all(word for word in words)
    for before, word in zip(["", *words], words, strict=False):
        if word in {"mốt", "tư"}:
            assert before == "mươi"
        if word == "lăm":
            assert before in {"mười", "mươi"}


def test_billions_and_the_end() -> None:
    assert read_number(10**9) == "một tỷ"
    assert value_of(read_number(MAX_NUMBER)) == MAX_NUMBER
    for number in (-1, MAX_NUMBER + 1):
        with pytest.raises(UnreadableCode):
            read_number(number)


@pytest.mark.parametrize(
    ("code", "language", "pieces"),
    [
        ("A007", "vi", ("a", "bảy")),
        ("A102", "vi", ("a", "một trăm linh hai")),
        ("H15", "vi", ("hát", "mười lăm")),
        ("R021", "vi", ("e-rờ", "hai mươi mốt")),
        ("T1", "vi", ("tê", "một")),
        ("U1005", "vi", ("u", "một nghìn không trăm linh năm")),
        ("X24", "vi", ("ích", "hai mươi tư")),
        ("đ3", "vi", ("đê", "ba")),
        ("AK12", "vi", ("a", "ca", "mười hai")),
        ("12", "vi", ("mười hai",)),
        ("A000", "vi", ("a", "không")),
        ("A105", "en", ("A", "one zero five")),
        ("A007", "en", ("A", "seven")),
        ("H42", "en", ("H", "forty two")),
        ("Đ20", "en", ("D", "twenty")),
    ],
)
def test_ticket_numbers(code: str, language: Language, pieces: tuple[str, ...]) -> None:
    assert read_ticket_number(code, language) == pieces


def test_leading_zeros_digit_by_digit_by_setting() -> None:
    assert read_ticket_number("A007", "vi", leading_zeros="digits") == ("a", "không không bảy")
    assert read_ticket_number("A007", "en", leading_zeros="digits") == ("A", "zero zero seven")
    assert read_ticket_number("A0", "vi", leading_zeros="digits") == ("a", "không")
    assert read_ticket_number("A107", "vi", leading_zeros="digits") == ("a", "một trăm linh bảy")


def test_the_south_reads_tickets_its_own_way() -> None:
    assert read_ticket_number("A104", "vi", region="nam") == ("a", "một trăm lẻ bốn")


@pytest.mark.parametrize(
    "code", ["", "A", "7A", "A-7", "ABCDE1", "A1234567890123", "A７", "A٣", "α7", "; rm", "A" * 999]
)
def test_what_is_no_ticket_number_is_refused(code: str) -> None:
    with pytest.raises(UnreadableCode):
        read_ticket_number(code, "vi")


@pytest.mark.parametrize(
    ("code", "vi", "en"),
    [
        ("102", ("một không hai",), ("one zero two",)),
        ("99", ("chín mươi chín",), ("ninety nine",)),
        ("12", ("mười hai",), ("twelve",)),
        ("B101", ("bê", "một không một"), ("B", "one zero one")),
        ("Q1", ("quy", "một"), ("Q", "one")),
        ("P.205-A", ("pê", "hai không năm", "a"), ("P", "two zero five", "A")),
        ("A", ("a",), ("A",)),
        ("DALIEU 12", ("mười hai",), ("twelve",)),
        ("HIV03", ("ba",), ("three",)),
    ],
)
def test_room_codes(code: str, vi: tuple[str, ...], en: tuple[str, ...]) -> None:
    assert read_room_code(code, "vi") == vi
    assert read_room_code(code, "en") == en


def test_rooms_as_cardinals_by_setting() -> None:
    assert read_room_code("102", "vi", rooms="cardinal") == ("một trăm linh hai",)
    assert read_room_code("B102", "vi", rooms="cardinal", region="nam") == (
        "bê",
        "một trăm lẻ hai",
    )


@pytest.mark.parametrize("code", ["", "   ", "---", "HIV", "Sản phụ khoa", "1" * 13, "9" * 25, "β"])
def test_codes_without_anything_to_read_are_refused(code: str) -> None:
    with pytest.raises(UnreadableCode):
        read_room_code(code, "vi", rooms="cardinal")


@given(st.text(max_size=40))
def test_any_code_is_read_or_refused(code: str) -> None:
    for language in ("vi", "en"):
        for read in (read_room_code, read_ticket_number):
            try:
                pieces = read(code, language)
            except UnreadableCode:
                continue
            assert pieces
            assert all(piece.replace(" ", "").replace("-", "").isalpha() for piece in pieces)


def test_every_letter_has_one_name_of_its_own() -> None:
    letters = "AĂÂBCDĐEÊFGHIJKLMNOÔƠPQRSTUƯVWXYZ"
    names = [read_letter(letter, "vi") for letter in letters]
    assert len(set(names)) == len(letters)
    assert read_letter("ộ", "vi") == "ô"
    assert [read_letter(letter, "en") for letter in "aĐưX"] == ["A", "D", "U", "X"]


@given(st.integers(0, 99))
def test_english_to_99(number: int) -> None:
    assert "zero" not in read_number_en(number) or number == 0
    assert read_digits("105", "en") == read_number_en(105) == "one zero five"
