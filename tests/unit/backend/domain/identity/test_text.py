from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity.codes import ErrorCode, Refused
from backend.domain.identity.text import check_charset, normalise, read_text

noise = st.lists(
    st.sampled_from(["\ufeff", "\0", "\r", "\n", " ", "]Q1", "]C0", "｜", "ầ", "a\u0300"])
)


@given(st.tuples(noise.map("".join), st.text(), noise.map("".join)).map("".join))
def test_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normalise(text)

    assert normalise(once) == once


def test_size_limit_is_in_bytes() -> None:
    assert len(read_text("ễ" * 1365 + "x")) == 1366  # 4,096 bytes
    for too_long in ("ễ" * 1365 + "xx", b"x" * 4097):
        with pytest.raises(Refused) as refusal:
            read_text(too_long)
        assert refusal.value.code is ErrorCode.TOO_LONG


def test_padding_and_scanner_prefix_go() -> None:
    assert read_text("\ufeff ]Q3\0079｜Hoa\u0300\r\n\0".encode()) == "\079｜Hoà".strip(
        "\0"
    ).replace("｜", "|")


@pytest.mark.parametrize(
    "text", ["Ŏ ŭ č ĕ ĭ ñ Ð ð", "H’Mẫu", "79 – 001", "ế", "e\u0302\u0301", "]Q9"]
)
def test_letters_of_the_country_pass(text: str) -> None:
    check_charset(text)


@pytest.mark.parametrize(
    "text", ["Nguyá»…n", "觼", "\u0091", "Hà\u00a0Nội", "\u200b", "🙂", "\u202e"]
)
def test_foreign_letters_do_not(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_charset(text)
    assert refusal.value.code is ErrorCode.CHARSET_GARBLED


@pytest.mark.parametrize(
    ("text", "is_lossy"),
    [("Nguy?n", True), ("Th??nh", True), ("a\ufffd", True), ("Th?", False), ("5?6", False)],
)
def test_lost_letters(text: str, is_lossy: bool) -> None:
    if not is_lossy:
        check_charset(text)
        return
    with pytest.raises(Refused) as refusal:
        check_charset(text)
    assert refusal.value.code is ErrorCode.CHARSET_LOSSY
