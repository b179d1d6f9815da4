from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.identity import ParseResult, check_typed_number, describe, keep_number, parse
from backend.domain.identity.codes import ErrorCode, Kind, WarningCode
from backend.domain.identity.hospital_codes import HospitalCode
from tests.factories import identity_payloads as payloads
from tests.unit.backend.domain.identity.facts import facts
from tests.unit.backend.domain.identity.vectors import VECTORS, Vector

TODAY = date(2025, 6, 15)
TOKEN = "tk0123456789abcdefghjkmnpq"


def read(payload: bytes | str, *, lenient: bool = False) -> ParseResult:
    return parse(payload, today=TODAY, lenient=lenient)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
@pytest.mark.parametrize("as_bytes", [True, False])
def test_vector(vector: Vector, as_bytes: bool) -> None:
    result = read(vector.payload.encode() if as_bytes else vector.payload)

    assert result.kind == vector.kind
    assert result.error == vector.error
    assert result.warnings == vector.warnings
    assert (result.identity and facts(result.identity)) == vector.facts


def test_there_are_vectors_of_every_group() -> None:
    assert len({vector.name for vector in VECTORS}) == 52


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", ErrorCode.EMPTY),
        (b" \r\n\0 ", ErrorCode.EMPTY),
        (b"]Q1", ErrorCode.EMPTY),
        (b"9" * 4097, ErrorCode.TOO_LONG),
        ("ễ" * 1366, ErrorCode.TOO_LONG),  # 4,098 bytes in 1,366 characters
        (b"\xff" * 4097, ErrorCode.TOO_LONG),  # size before charset
        (b"9" * 4096, ErrorCode.UNKNOWN_QR),
        (b"001190000000||V\xe3|02011990|N\xfa||15062021", ErrorCode.CHARSET_GARBLED),
        ("lone \ud800 half", ErrorCode.CHARSET_GARBLED),
        ("079085000000|\u202e|Nguyễn", ErrorCode.CHARSET_GARBLED),
        ("079085\ufeff000000", ErrorCode.CHARSET_GARBLED),
        ("Nguy\ufffdn", ErrorCode.CHARSET_LOSSY),
        ("Nguy?n|\x07", ErrorCode.CHARSET_LOSSY),  # charset before control characters
        ("079085\x00000000", ErrorCode.CONTROL_CHARS),
        ("079085000000||Nguyễn\nVăn", ErrorCode.CONTROL_CHARS),
        ("https://example.invalid/\x1b[2J", ErrorCode.CONTROL_CHARS),
        ("HTTPS://EXAMPLE.INVALID/a?b=c", ErrorCode.QR_IS_URL),
        ("http://example.invalid/find?so=1", ErrorCode.QR_IS_URL),
        ("<script>alert(1)</script>", ErrorCode.UNKNOWN_QR),
        ("079-085-000", ErrorCode.UNKNOWN_QR),
        ("|", ErrorCode.ID_LENGTH),
        ("0790850000000||Nguyễn Văn Thử", ErrorCode.ID_LENGTH),
        ("０79085000000|", ErrorCode.CHARSET_GARBLED),
    ],
)
def test_refused(payload: bytes | str, error: ErrorCode) -> None:
    result = read(payload)

    assert result == ParseResult(kind=Kind.UNKNOWN, error=error)


def test_card_without_issue_date_passes_when_lenient() -> None:
    payload = payloads.cccd2021().rsplit(b"|", 1)[0]

    assert read(payload).error is ErrorCode.FIELD_COUNT
    lenient = read(payload, lenient=True)
    assert lenient.error is None
    assert lenient.warnings == {WarningCode.ISSUE_DATE_MISSING}
    assert read(payload.rsplit(b"|", 1)[0], lenient=True).error is ErrorCode.FIELD_COUNT


@pytest.mark.parametrize("code", [TOKEN, f"https://hospital.example/t/{TOKEN}"])
def test_own_ticket_is_known_before_the_url_test(code: str) -> None:
    result = read(code)

    assert (result.kind, result.error, result.identity) == (Kind.TICKET, None, None)
    assert result.reference == TOKEN


def test_hospital_codes_are_data() -> None:
    mine = (HospitalCode(kind=Kind.MRN, pattern=r"([0-9]{10})"),)

    assert read("7900000000").kind is Kind.AMBIGUOUS
    result = parse("7900000000", today=TODAY, patterns=mine)
    assert (result.kind, result.reference) == (Kind.MRN, "7900000000")


def test_ambiguous_digits_can_be_looked_up() -> None:
    result = read("79 0000 0000")

    assert (result.kind, result.identity) == (Kind.AMBIGUOUS, None)
    assert result.reference == "7900000000"


def test_nothing_personal_in_repr() -> None:
    shown = "".join(repr(read(vector.payload)) for vector in VECTORS)
    shown += repr([read(vector.payload).identity for vector in VECTORS])

    for secret in ("079085000000", "7900000000", "Nguyễn", "1985"):
        assert secret not in shown


@pytest.mark.parametrize(
    "piece", [b"|", b"]Q1", b"a?", b"<<", b"P<VNM<", b"http://a/t/", b"DN4|", b"0", "ễ".encode()]
)
def test_a_megabyte_is_refused_before_it_is_read(piece: bytes) -> None:
    flood = piece * (1_000_000 // len(piece))
    started = time.process_time()

    assert read(flood).error is ErrorCode.TOO_LONG
    assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    "piece", [b"|", b"]Q1", b"a?", b"<<", b"P<VNM<", b"http://a/t/", b"DN4|", b" ", b"0", b"a/"]
)
@pytest.mark.parametrize("head", [b"", b"079085000000|", b"7900000000|", b"http://a/", b"P<VNM"])
def test_the_longest_payload_is_read_at_once(head: bytes, piece: bytes) -> None:
    payload = (head + piece * 4096)[:4096]
    started = time.process_time()

    read(payload)
    assert time.process_time() - started < 1


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_payload_is_answered(payload: bytes | str) -> None:
    result = read(payload)

    assert (result.error is None) != (result.identity is None and result.reference is None)


bars = st.lists(
    st.sampled_from(["079085000000", "7900000000", "DN4797900000000", "", "-", "$", "Nữ", "1"])
    | st.from_regex(r"[0-9/]{1,10}", fullmatch=True)
    | st.text(alphabet="0123456789abcdefâđ$-? <", max_size=12),
    max_size=20,
).map("|".join)


@given(bars, st.booleans())
def test_any_row_of_fields_is_answered(payload: str, lenient: bool) -> None:
    result = read(payload, lenient=lenient)

    assert (result.error is None) != (result.identity is None and result.reference is None)
    assert describe(payload.encode())[0] == result.kind


@given(st.text(max_size=60))
def test_typed_text_gives_numbers_only(text: str) -> None:
    allowed = {Kind.ID12, Kind.CMND9, Kind.AMBIGUOUS, Kind.BHYT15, Kind.UNKNOWN}

    assert check_typed_number(text, patterns=()).kind in allowed | {Kind.TICKET}


@pytest.mark.parametrize(
    ("text", "kind", "error"),
    [
        ("079 085 000 000", Kind.ID12, None),
        ("020000000", Kind.CMND9, None),
        ("dn4797900000000", Kind.BHYT15, None),
        ("7900000000", Kind.AMBIGUOUS, None),
        ("BN00012345", Kind.MRN, None),
        ("07908500000", Kind.UNKNOWN, ErrorCode.ID_LENGTH),
        ("0790850000000", Kind.UNKNOWN, ErrorCode.ID_LENGTH),
        ("07908500000A", Kind.ID12, ErrorCode.ID_CHARSET),
        ("DN6797900000000", Kind.BHYT15, ErrorCode.BHYT_LEVEL),
        ("DNA797900000000", Kind.BHYT15, ErrorCode.BHYT_NUMBER),
        ("079085000000||Nguyễn Văn Thử", Kind.UNKNOWN, ErrorCode.ID_CHARSET),
        ("  ", Kind.UNKNOWN, ErrorCode.EMPTY),
    ],
)
def test_typed_number(text: str, kind: Kind, error: ErrorCode | None) -> None:
    result = check_typed_number(text)

    assert (result.kind, result.error) == (kind, error)


def test_a_lossy_read_keeps_the_number_only() -> None:
    payload = b"079085000000|020000000|Nguy?n V?n Th?|05091985|Nam|?|12082021"

    assert read(payload).error is ErrorCode.CHARSET_LOSSY
    kept = keep_number(payload)
    assert kept.kind is Kind.ID12
    assert kept.identity is not None
    assert facts(kept.identity) == {"id_number": "079085000000"}
    assert keep_number(b"\xff\xfe|").error is not None


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_describe_names_the_same_kind(vector: Vector) -> None:
    assert describe(vector.payload.encode()) == (vector.kind, vector.payload)


def test_describe_survives_bytes_that_are_no_text() -> None:
    assert describe(b"\xff") == (Kind.UNKNOWN, "\ufffd")
