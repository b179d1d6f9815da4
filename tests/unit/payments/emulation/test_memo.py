from __future__ import annotations

import random

import pytest

from payments.emulation.memo import rewrite_memo, strip_accents
from payments.match_codes import find_match_codes, new_match_code

CODE = new_match_code("VP")


@pytest.mark.parametrize(
    ("style", "memo", "arrives"),
    [
        ("", "Viện phí: a-1", "Viện phí: a-1"),
        ("upper", "vp1 đóng", "VP1 ĐÓNG"),
        ("strip_accents", "Đóng viện phí", "Dong vien phi"),
        ("cut(4)", "ABCDEF", "ABCD"),
        ("cut:4", "ABCDEF", "ABCD"),
        ("punct_removed", "VP-12.3_4 x", "VP1234 x"),
        ("strip_accents+upper+cut(3)", "đó-ng", "DO-"),
    ],
)
def test_each_style_does_what_it_says(style: str, memo: str, arrives: str) -> None:
    assert rewrite_memo(memo, style, random.Random(1)) == arrives


@pytest.mark.parametrize("style", ["prefix", "suffix", "noise", "prefix+suffix+lower"])
def test_text_of_a_bank_leaves_the_code_to_be_found(style: str) -> None:
    for seed in range(200):
        memo = rewrite_memo(CODE, style, random.Random(seed))
        assert CODE in find_match_codes(memo, "VP")


def test_a_replaced_memo_holds_nothing_of_it() -> None:
    assert CODE not in rewrite_memo(CODE, "replaced", random.Random(1))


def test_the_same_seed_gives_the_same_text() -> None:
    one, other = (rewrite_memo(CODE, "noise", random.Random(5)) for _ in range(2))
    assert one == other


def test_a_style_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="style"):
        rewrite_memo("A", "rot13", random.Random(1))


def test_accents_go_and_letters_stay() -> None:
    assert strip_accents("Nguyễn Đức Ấn ưỡ") == "Nguyen Duc An uo"
