"""Where codes end in a stream of characters."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devices.scanners.framing import MAX_PAYLOAD_BYTES, SILENCE_S, Framer


def feed_all(framer: Framer, pieces: list[bytes]) -> list[bytes]:
    return [code for piece in pieces for code in framer.feed(piece, 0.0)]


def test_codes_end_at_cr_lf_or_both() -> None:
    assert Framer().feed(b"one\rtwo\nthree\r\n\r\nfour", 0.0) == [b"one", b"two", b"three"]


def test_silence_ends_a_code_and_only_silence() -> None:
    framer = Framer()
    assert framer.feed(b"079085", 10.0) == []
    assert framer.end_if_silent(10.0 + SILENCE_S / 2) == []
    assert framer.feed(b"000000", 10.0 + SILENCE_S / 2) == []
    assert framer.end_if_silent(10.0 + SILENCE_S) == []
    assert framer.end_if_silent(10.01 + 1.5 * SILENCE_S) == [b"079085000000"]
    assert framer.end_if_silent(20.0) == []


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    assert Framer().feed(b"\x00\xff\xfe|\x80\r", 0.0) == [b"\x00\xff\xfe|\x80"]


def test_a_megabyte_becomes_one_code_that_is_one_byte_too_long() -> None:
    framer = Framer()
    (code,) = feed_all(framer, [b"x" * 1000] * 1000 + [b"\r"])
    assert code == b"x" * (MAX_PAYLOAD_BYTES + 1)
    assert framer.feed(b"next\r", 0.0) == [b"next"]


def test_the_same_code_twice_without_an_end_stays_one_for_the_reader_to_refuse() -> None:
    assert Framer().feed(b"AB|CDAB|CD\r", 0.0) == [b"AB|CDAB|CD"]


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=8))
def test_how_the_stream_is_cut_does_not_matter(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert feed_all(Framer(), pieces) == feed_all(Framer(), [data])
