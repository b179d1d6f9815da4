from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_ui.slip_code import SIGNS, find_slip_code, is_slip_code
from payments.match_codes import is_match_code, new_match_code


@given(st.text(alphabet=SIGNS, min_size=8, max_size=10))
def test_a_code_here_is_a_code_of_the_server(text: str) -> None:
    assert is_slip_code(text) == is_match_code(text)


@given(st.integers(min_value=0, max_value=8), st.sampled_from(SIGNS))
def test_one_wrong_sign_is_always_seen(at: int, sign: str) -> None:
    code = new_match_code("BM")
    wrong = code[:at] + sign + code[at + 1 :]
    assert is_slip_code(wrong) == (wrong == code)


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (b"BM7K2P4QS", "BM7K2P4QS"),
        (b"BM7K2P4QS\r\n", "BM7K2P4QS"),
        (b"bm7k2p4qs", None),
        (b"BM7K2P4Q0", None),
        (b"079085000", None),
        (b"", None),
        (b"\xff\xfe", None),
        (b"BM7K2P4QS" * 1000, None),
    ],
)
def test_a_scanned_code_is_that_and_nothing_else(payload: bytes, found: str | None) -> None:
    assert find_slip_code(payload) == found
