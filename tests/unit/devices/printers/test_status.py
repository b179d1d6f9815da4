from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.models import PrinterCause, PrinterState, PrinterStatus
from devices.printers.status import decode_status, is_status_byte, read_replies

WELL = {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}


@pytest.mark.parametrize(
    ("answers", "state", "cause"),
    [
        ({}, PrinterState.READY, None),
        ({4: 0x1E}, PrinterState.PAPER_NEAR_END, None),
        ({4: 0x7E}, PrinterState.PAPER_END, None),
        ({4: 0x72, 2: 0x32, 1: 0x1A}, PrinterState.PAPER_END, None),
        ({2: 0x32}, PrinterState.PAPER_END, None),
        ({2: 0x16, 4: 0x7E, 1: 0x1A}, PrinterState.COVER_OPEN, None),
        ({3: 0x1A, 2: 0x52}, PrinterState.ERROR, PrinterCause.CUTTER),
        ({3: 0x32}, PrinterState.ERROR, PrinterCause.UNRECOVERABLE),
        ({3: 0x52}, PrinterState.ERROR, PrinterCause.RECOVERABLE),
        ({2: 0x52}, PrinterState.ERROR, None),
        ({1: 0x1A}, PrinterState.OFFLINE, None),
        ({2: 0x1A}, PrinterState.OFFLINE, None),
    ],
)
def test_answers_tell_the_state(
    answers: dict[int, int], state: PrinterState, cause: PrinterCause | None
) -> None:
    assert decode_status(WELL | answers) == PrinterStatus(state=state, cause=cause)


@pytest.mark.parametrize(
    ("state", "can_print"),
    [(state, state in {"ready", "paper_near_end"}) for state in PrinterState],
)
def test_only_a_printer_with_paper_prints(state: PrinterState, can_print: bool) -> None:
    assert PrinterStatus(state=state).can_print is can_print


def test_proofs_and_answers_are_told_apart_though_the_id_looks_like_an_answer() -> None:
    replies = read_replies(b"\x12\x37\x222rvz\x00\x16")
    assert replies.status_bytes == b"\x12\x16"
    assert replies.proofs == (b"2rvz",)
    assert replies.rest == b""


def test_noise_is_dropped() -> None:
    replies = read_replies(b"\x00\xff\x10abc\x37\x37x\x12\x37\x22abcdZ")
    assert replies.proofs == ()
    assert b"\x12" in replies.status_bytes
    assert all(map(is_status_byte, replies.status_bytes))


@given(st.lists(st.sampled_from([b"\x12", b"\x1a", b"\x37\x22ab2v\x00", b"\xff"])), st.data())
def test_pieces_of_any_length_say_the_same(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    at = data.draw(st.integers(0, len(stream)))
    whole = read_replies(stream)
    first = read_replies(stream[:at])
    second = read_replies(first.rest + stream[at:])
    assert first.status_bytes + second.status_bytes == whole.status_bytes
    assert first.proofs + second.proofs == whole.proofs
    assert len(first.rest) < 7


@given(st.binary(max_size=60))
def test_any_bytes_are_read(noise: bytes) -> None:
    replies = read_replies(noise)
    assert len(replies.rest) < 7
    assert all(map(is_status_byte, replies.status_bytes))
