"""What the other side can do wrong, and what becomes of a question and of a write then."""

from __future__ import annotations

import ipaddress
import logging
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    SlotTaken,
    Unavailable,
)
from his_adapter.events import HisEvent
from his_adapter.hl7_v2.gateway import Hl7Gateway
from his_adapter.hl7_v2.messages import Message, Segment, decode
from his_adapter.models import (
    HealthState,
    Identifier,
    IdentifierKind,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientQuery,
    Ref,
    WriteKey,
)
from tests.unit.his_adapter.hl7_v2.conftest import Connect
from tests.unit.his_adapter.hl7_v2.peer import answer, framed, tag_of

KEY = WriteKey("hostile-000001")
PERSON = PatientDraft(full_name="Nguyễn Thị Đặng Ỷ")
PID = "PID|1||BN000123^^^99001^MR||Nguyễn^Ỷ^Thị Đặng^^^^L||19900228|F"


def write(gateway: Hl7Gateway) -> Patient:
    return gateway.create_patient(PERSON, key=KEY)


def found(asked: Message, *lines: str, hits: int = 1) -> bytes:
    return answer(asked, "AA", f"QAK|{tag_of(asked)}|OK||{hits}", *lines)


def made(asked: Message) -> bytes:
    if asked.kind == "QBP^Q22":
        return found(asked, PID)
    return answer(asked, "AA", PID)


BROKEN = {
    "the answer to another message": lambda asked: answer(asked, control_id="K1-000001"),
    "an answer to nothing": lambda asked: answer(asked, control_id=""),
    "HTML": lambda asked: b"HTTP/1.1 200 OK\r\n\r\n<html>503</html>",
    "framed HTML": lambda asked: framed(b"<html>503</html>\r"),
    "no frame": lambda asked: answer(asked)[1:-2] * 50,
    "half a message": lambda asked: framed(answer(asked)[1:-6]),
    "Latin-1": lambda asked: answer(asked, "AA", "NTE|1||Hà").decode().encode("latin-1"),
    "11 MB": lambda asked: framed(b"MSH" + b"x" * 11_000_000),
    "11 MB without an end": lambda asked: b"\x0b" + b"x" * 11_000_000,
    "an acknowledgement of no kind": lambda asked: answer(asked, "OK"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_is_none(connect: Connect, name: str) -> None:
    respond = BROKEN[name]
    peer, gateway = connect(respond)
    with pytest.raises((BrokenReply, Unavailable)):
        gateway.read_patient(Ref("BN000123"))
    with pytest.raises(OutcomeUnknown) as caught:
        write(gateway)
    assert caught.value.key == KEY
    peer.respond = made
    assert write(gateway).ref == "BN000123"


@pytest.mark.parametrize("reply", [None, b""])
def test_no_answer_at_all(connect: Connect, reply: bytes | None) -> None:
    peer, gateway = connect(lambda _: reply)
    with pytest.raises(Unavailable):
        gateway.read_patient(Ref("BN000123"))
    with pytest.raises(OutcomeUnknown):
        write(gateway)
    assert len(peer.asked) == 2  # nothing is sent twice
    assert gateway.health().state is HealthState.DOWN


def test_nobody_there(connect: Connect) -> None:
    peer, gateway = connect(made)
    peer.__exit__(None, None, None)
    with pytest.raises(Unavailable):
        write(gateway)


def test_a_late_answer_is_not_the_answer_to_the_next_message(connect: Connect) -> None:
    def late(asked: Message) -> bytes:
        time.sleep(0.8)
        return answer(asked, "AA", PID.replace("BN000123", "BN000999"))

    peer, gateway = connect(late)
    with pytest.raises(OutcomeUnknown):
        write(gateway)
    peer.respond = made
    assert write(gateway).ref == "BN000123"
    time.sleep(0.5)
    assert write(gateway).ref == "BN000123"


def test_dripping_bytes_end_in_time(connect: Connect) -> None:
    def drip(asked: Message) -> bytes:
        time.sleep(0.3)
        return b"\x0b"

    _, gateway = connect(drip)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        write(gateway)
    assert time.monotonic() - started < 2


def test_two_answers_to_one_message(connect: Connect) -> None:
    """The second is nobody's: the connection is not used again."""
    peer, gateway = connect(lambda asked: made(asked) * 2)
    for _ in range(3):
        assert write(gateway).ref == "BN000123"
    assert peer.connections == 3


def test_questions_share_a_connection_and_a_closed_one_is_noticed(connect: Connect) -> None:
    peer, gateway = connect(made)
    for _ in range(3):
        gateway.read_patient(Ref("BN000123"))
    assert peer.connections == 1
    for each in peer._open:
        each.shutdown(2)
    time.sleep(0.05)
    gateway.read_patient(Ref("BN000123"))
    assert peer.connections == 2


def test_a_question_that_meets_a_closing_connection_is_asked_again(connect: Connect) -> None:
    peer, gateway = connect(made)
    gateway.read_patient(Ref("BN000123"))
    unlucky = [None]
    peer.respond = lambda asked: unlucky.pop() if unlucky else made(asked)
    assert gateway.read_patient(Ref("BN000123")).ref == "BN000123"


def test_a_write_goes_out_on_a_new_connection(connect: Connect) -> None:
    """The peer may close a kept one at any time, and what was sent on it then is unknown."""
    peer, gateway = connect(made, connections=1)
    for _ in range(3):
        write(gateway)
    assert peer.connections == 3
    assert len(peer.asked) == 3


def test_put_by_is_not_done(connect: Connect) -> None:
    peer, gateway = connect(lambda asked: answer(asked, "CA") + made(asked))
    assert write(gateway).ref == "BN000123"
    peer.respond = lambda asked: answer(asked, "CA")
    with pytest.raises(OutcomeUnknown):
        write(gateway)


@pytest.mark.parametrize(
    ("code", "fault", "error"),
    [
        ("AE", "", InvalidData),
        ("AR", "", Forbidden),
        ("CR", "", Forbidden),
        ("AE", "ERR||PID^1^13|102^Data type error^HL70357|E", InvalidData),
        ("AE", "ERR|||205^Duplicate^HL70357|E||BN000777", Duplicate),
        ("AE", "ERR|||204^Unknown key^HL70357|E", NotFound),
        ("AR", "ERR|||200^Unsupported^HL70357|E", NotSupported),
        ("AE", "ERR|||206^Locked^HL70357|E", Unavailable),
        ("AE", "ERR|||207^^HL70357|E|slot-taken", SlotTaken),
        ("AE", "ERR|||207^^HL70357|E|FULL", SlotTaken),
    ],
)
def test_refusals(connect: Connect, code: str, fault: str, error: type[HisError]) -> None:
    peer, gateway = connect(
        lambda asked: answer(asked, code, *filter(None, [fault])), errors={"FULL": "slot-taken"}
    )
    with pytest.raises(error):
        write(gateway)
    assert len(peer.asked) == 1


def test_words_of_the_his_do_not_reach_people_or_errors(connect: Connect) -> None:
    said = "Nguyễn Thị Đặng Ỷ đã chết."
    fault = f"ERR|||207^^HL70357|E|invalid|{said}|{said}|{said}"
    _, gateway = connect(lambda asked: answer(asked, "AE", fault))
    with pytest.raises(InvalidData) as caught:
        write(gateway)
    assert "Nguyễn" not in f"{caught.value} {caught.value.message_vi} {caught.value.field}"


@pytest.mark.parametrize(
    "lines",
    [
        [PID.replace("BN000123", "BN000999")],
        [PID, PID],
        [],
        [PID.replace("BN000123^^^99001^MR", "")],
        [PID.replace("Nguyễn^Ỷ^Thị Đặng^^^^L", "")],
        [PID.replace("19900228", "hôm qua")],
    ],
)
def test_records_that_are_not_what_was_asked_for(connect: Connect, lines: list[str]) -> None:
    _, gateway = connect(lambda asked: found(asked, *lines))
    with pytest.raises(BrokenReply):
        gateway.read_patient(Ref("BN000123"))


def test_somebody_elses_record_is_not_a_match(connect: Connect) -> None:
    _, gateway = connect(lambda asked: found(asked, PID))
    number = Identifier(kind=IdentifierKind.ID12, value="001190000001")
    with pytest.raises(BrokenReply):
        gateway.find_patients(PatientQuery(identifiers=(number,)))


def test_a_second_person_with_the_number_is_seen(connect: Connect) -> None:
    """However few are asked for: the HIS keeps to the limit in RCP-2."""
    number = "001190000001"
    people = [
        PID.replace("BN000123^^^99001^MR", f"BN00000{each}^^^99001^MR~{number}^^^BCA^NI")
        for each in (1, 2)
    ]

    def respond(asked: Message) -> bytes:
        return found(asked, *people[: int(asked.first("RCP").get(2))], hits=2)

    _, gateway = connect(respond)
    query = PatientQuery(identifiers=(Identifier(kind=IdentifierKind.ID12, value=number),))
    with pytest.raises(MultipleMatches):
        gateway.find_patients(query, limit=1)


def test_a_change_leaves_alone_what_the_his_writes_its_own_way(connect: Connect) -> None:
    odd = (
        PID
        + "|||12 Ví Dụ^^Phường Mẫu^79^^VNM^H~Quê^^Xã Thử||028^PRN^PH~0900^PRN^CP|||M\rNK1|1|Trần^An"
    )
    peer, gateway = connect(lambda asked: found(asked, odd) if "QBP" in asked.kind else made(asked))
    before = gateway.read_patient(Ref("BN000123"))
    gateway.update_patient(
        before.ref, PatientChanges(address="Hà Nội"), version=before.version, key=KEY
    )
    (sent,) = [asked for asked in peer.asked if asked.kind == "ADT^A31"]
    pid, wanted = sent.first("PID"), decode_pid(odd)
    assert pid.get(11) == "Hà Nội"
    assert pid.repetitions(11)[1:] == wanted.repetitions(11)[1:]
    assert {number: pid.fields[number] for number in wanted.fields if number != 11} == {
        number: value for number, value in wanted.fields.items() if number != 11
    }
    assert sent.first("NK1").get(2) == "Trần"


def decode_pid(line: str) -> Segment:
    return decode(f"MSH|^~\\&|H||K||2026||ADT^A31|1|P|2.5.1\r{line}\r".encode()).first("PID")


def test_the_answer_to_another_question(connect: Connect) -> None:
    _, gateway = connect(lambda asked: answer(asked, "AA", "QAK|OTHER|OK||1", PID))
    with pytest.raises(BrokenReply):
        gateway.read_patient(Ref("BN000123"))


def test_line_feeds_do_not_end_segments(connect: Connect) -> None:
    odd = PID + "|||12 Đường\nVí Dụ\\.br\\Phường Mẫu"
    _, gateway = connect(lambda asked: found(asked, odd))
    assert gateway.read_patient(Ref("BN000123")).address == "12 Đường Ví Dụ Phường Mẫu"


def test_texts_from_elsewhere_become_nfc(connect: Connect) -> None:
    decomposed = PID.replace("Nguyễn", "Nguye\u0302\u0303n")
    _, gateway = connect(lambda asked: found(asked, decomposed))
    assert gateway.read_patient(Ref("BN000123")).full_name == PERSON.full_name


def test_a_lost_his_is_logged_once(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    peer, gateway = connect(lambda _: None)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            with pytest.raises(OutcomeUnknown):
                write(gateway)
        peer.respond = made
        write(gateway)
        write(gateway)
    events = [record.message for record in caplog.records if record.name.startswith("his_adapter")]
    assert events == [HisEvent.HIS_LOST, HisEvent.HIS_RETURNED]
    assert "Nguyễn" not in caplog.text


def test_the_clock_of_the_his_is_told(connect: Connect) -> None:
    peer, gateway = connect(lambda asked: found(asked, PID))
    assert gateway.health().clock_skew_s == 0
    peer.respond = lambda asked: found(asked, PID).replace(b"20260105090000", b"20260105090130")
    health = gateway.health()
    assert (health.state, health.clock_skew_s) == (HealthState.DEGRADED, 90)


def test_certificates_are_checked(connect: Connect, tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path / "ours"), certificate(tmp_path / "theirs")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(theirs)
    for trusted in (theirs, ours):
        _, gateway = connect(made, peer_tls=context, tls={"ca_file": str(trusted)})
        if trusted is theirs:
            assert write(gateway).ref == "BN000123"
        else:
            with pytest.raises(GatewayMisconfigured):
                write(gateway)
            assert gateway.health().state is HealthState.DOWN


def certificate(file: Path) -> Path:
    """Self-signed, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "HIS")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file
