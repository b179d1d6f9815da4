"""What the HIS sends by itself: taken in once, acknowledged after it is put by."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from his_adapter.errors import NotFound
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.feed import FeedReceiver
from his_adapter.hl7_v2.feed_store import FeedStore
from his_adapter.hl7_v2.mapping import Hl7Mapping
from his_adapter.hl7_v2.messages import decode
from his_adapter.models import ChangeKind, OrderStatus, Ref, ReportKind, ReportStatus
from tests.unit.his_adapter.hl7_v2.conftest import MONDAY_MORNING
from tests.unit.his_adapter.hl7_v2.peer import framed

PID = "PID|1||BN000123^^^99001^MR||Nguyễn^Ỷ^Thị Đặng^^^^L||19900228|F"
PATIENT, LONG_AGO = Ref("BN000123"), datetime(2000, 1, 1, tzinfo=UTC)
KINDS, STATUSES = frozenset(ReportKind), frozenset(OrderStatus)


def message(kind: str, control_id: str, *lines: str) -> bytes:
    head = rf"MSH|^~\&|LIS|BV|KIOSK|BV|20260105090000+0700||{kind}|{control_id}|P|2.5.1||||||UNICODE UTF-8"
    return "".join(f"{line}\r" for line in (head, *lines)).encode()


def result(control_id: str, status: str, value: str, at: str = "20260105080000+0700") -> bytes:
    return message(
        "ORU^R01^ORU_R01",
        control_id,
        PID,
        "OBR|1|CD1|XN1|CTM^Công thức máu" + "|" * 18 + at + "||LAB|" + status,
        f"OBX|1|ST|HGB^Huyết sắc tố||{value}|g/L|||||F",
    )


def order(control_id: str, control: str = "NW", patient: str = PID) -> bytes:
    return message(
        "ORM^O01^ORM_O01",
        control_id,
        patient,
        f"ORC|{control}|CD1^HIS|||||||20260105080000+0700",
        "OBR|1|CD1^HIS||CTM^Công thức máu",
    )


@pytest.fixture
def store(tmp_path: Path) -> FeedStore:
    return FeedStore(tmp_path / "feed.sqlite3", keep_days=14)


@pytest.fixture
def make_receiver(
    tmp_path: Path, catalogue_file: Path, store: FeedStore
) -> Callable[..., FeedReceiver]:
    def make(listen: str = "127.0.0.1:0", **feed: object) -> FeedReceiver:
        config = read_config(
            {
                "address": "127.0.0.1:9",
                "catalogue_file": str(catalogue_file),
                "feed": {"listen": listen, "file": str(tmp_path / "feed.sqlite3"), **feed},
            }
        )
        assert config.feed is not None
        return FeedReceiver(
            config, config.feed, store, Hl7Mapping(config, "99001"), clock=lambda: MONDAY_MORNING
        )

    return make


@pytest.fixture
def send(make_receiver: Callable[..., FeedReceiver]) -> Callable[[bytes], str | None]:
    receiver = make_receiver()

    def sent(content: bytes) -> str | None:
        answer = receiver.answer(content)
        return None if answer is None else decode(answer).first("MSA").get(1)

    return sent


def test_a_message_counts_once(send: Callable[[bytes], str], store: FeedStore) -> None:
    start = store.changes(None, limit=9).cursor
    for _ in range(3):
        assert send(order("M1")) == "AA"
    changes = store.changes(start, limit=9).changes
    assert [(change.kind, change.ref, change.patient) for change in changes] == [
        (ChangeKind.ORDER, "CD1", "BN000123")
    ]


def test_the_acknowledgement_names_the_message_and_says_utf_8(
    make_receiver: Callable[..., FeedReceiver],
) -> None:
    answer = decode(make_receiver().answer(order("M1")) or b"")
    assert answer.first("MSA").get(2) == "M1"
    assert answer.kind == "ACK^O01"
    header = answer.first("MSH")
    assert (header.get(3), header.get(5), header.get(18)) == ("KIOSK", "LIS", "UNICODE UTF-8")


def test_nothing_is_acknowledged_that_is_not_put_by(
    make_receiver: Callable[..., FeedReceiver], tmp_path: Path
) -> None:
    receiver = make_receiver()
    (tmp_path / "feed.sqlite3").write_bytes(b"not a database at all" * 100)
    assert receiver.answer(order("M1")) is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (message("MFN^M02^MFN_M02", "M1"), "AR"),
        (message("ORM^O01^ORM_O01", ""), "AR"),
        (message("ORM^O01^ORM_O01", "M1", "PID|1", "ORC|NW|CD1"), "AE"),
        (message("ORU^R01^ORU_R01", "M1", PID, "OBR|1||XN1" + "|" * 19 + "hôm qua|||F"), "AE"),
        (message("ADT^A40^ADT_A39", "M1", PID), "AE"),
        (message("ORU^R01^ORU_R01", "M1", "OBR|1||XN1"), "AE"),
        (message("ORM^O01^ORM_O01", "M1", PID), "AE"),
        (message("SIU^S12^SIU_S12", "M1", PID), "AE"),
        (b"<html>", None),
        (order("M1")[:-9], None),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    send: Callable[[bytes], str], store: FeedStore, content: bytes, code: str | None
) -> None:
    start = store.changes(None, limit=9).cursor
    assert send(content) == code
    assert store.changes(start, limit=9).changes == ()
    assert send(order("M1")) == "AA"  # its number was not used up
    assert store.list_orders(PATIENT, LONG_AGO, statuses=STATUSES, limit=9)


def test_results_are_replaced_and_withdrawn(send: Callable[[bytes], str], store: FeedStore) -> None:
    def shown() -> list[tuple[ReportStatus, str]]:
        reports = store.list_reports(PATIENT, LONG_AGO, kinds=KINDS, limit=9)
        return [
            (each.status, store.read_part(each.ref, "values", patient=PATIENT).values[0].value)
            for each in reports
        ]

    send(result("M1", "P", "110"))
    assert shown() == []
    send(result("M2", "F", "118"))
    assert shown() == [(ReportStatus.FINAL, "118")]
    send(result("M3", "C", "120", at="20260105083000+0700"))
    assert shown() == [(ReportStatus.CORRECTED, "120")]
    send(result("M4", "F", "118"))  # comes late
    assert shown() == [(ReportStatus.CORRECTED, "120")]
    send(result("M5", "X", "120", at="20260105084000+0700"))
    assert shown() == []
    with pytest.raises(NotFound):
        store.read_part(Ref("XN1"), "values", patient=PATIENT)
    send(result("M6", "C", "120", at="20260105083000+0700"))
    assert shown() == []


def test_a_result_is_read_by_its_own_patient_only(
    send: Callable[[bytes], str], store: FeedStore
) -> None:
    send(result("M1", "F", "118"))
    with pytest.raises(NotFound):
        store.read_part(Ref("XN1"), "values", patient=Ref("BN000124"))


def test_a_merge_moves_what_came_before(send: Callable[[bytes], str], store: FeedStore) -> None:
    send(order("M1"))
    send(result("M2", "F", "118"))
    kept = PID.replace("BN000123", "BN000001")
    assert send(message("ADT^A40^ADT_A39", "M3", kept, "MRG|BN000123^^^99001^MR")) == "AA"
    keep = Ref("BN000001")
    (moved,) = store.list_orders(keep, LONG_AGO, statuses=STATUSES, limit=9)
    assert moved.patient == keep
    assert store.read_part(Ref("XN1"), "values", patient=keep).values[0].value == "118"
    assert store.list_reports(PATIENT, LONG_AGO, kinds=KINDS, limit=9) == []
    assert send(order("M4", "CA")) == "AA"  # still under the old number
    (gone,) = store.list_orders(keep, LONG_AGO, statuses=STATUSES, limit=9)
    assert (gone.patient, gone.status) == (keep, OrderStatus.CANCELLED)


def test_an_order_that_comes_late_does_not_revive_a_cancelled_one(
    send: Callable[[bytes], str], store: FeedStore
) -> None:
    send(order("M2", "CA"))
    assert send(order("M1").replace(b"20260105090000", b"20260105085959")) == "AA"
    (known,) = store.list_orders(PATIENT, LONG_AGO, statuses=STATUSES, limit=9)
    assert known.status is OrderStatus.CANCELLED


def test_bookings_need_no_more_than_their_names(
    send: Callable[[bytes], str], store: FeedStore
) -> None:
    start = store.changes(None, limit=9).cursor
    assert send(message("SIU^S12^SIU_S12", "M1", "SCH||HEN7", PID)) == "AA"
    (change,) = store.changes(start, limit=9).changes
    assert (change.kind, change.ref, change.patient) == (ChangeKind.VISIT, "HEN7", PATIENT)


@pytest.mark.parametrize("kind", ["ADT^A01^ADT_A01", "ADT^A08^ADT_A01", "DFT^P03", "BAR^P01"])
def test_other_news_names_whom_it_is_about(
    send: Callable[[bytes], str], store: FeedStore, kind: str
) -> None:
    start = store.changes(None, limit=9).cursor
    assert send(message(kind, "M1", PID, "PV1|1|O" + "|" * 17 + "LK1")) == "AA"
    changes = store.changes(start, limit=9).changes
    assert {change.patient for change in changes} == {PATIENT}


def test_old_things_go(send: Callable[[bytes], str], store: FeedStore) -> None:
    start = store.changes(None, limit=9).cursor
    send(order("M1"))
    with store.taking_in("LIS", "M9", now=MONDAY_MORNING + timedelta(days=20)) as intake:
        assert intake is not None
        intake.note(ChangeKind.PATIENT, PATIENT, PATIENT)
    assert store.list_orders(PATIENT, LONG_AGO, statuses=STATUSES, limit=9) == []
    assert store.changes(start, limit=9).reset


def test_half_a_message_changes_nothing(store: FeedStore) -> None:
    start = store.changes(None, limit=9).cursor

    def fail() -> None:
        with store.taking_in("LIS", "M1", now=MONDAY_MORNING) as intake:
            assert intake is not None
            intake.note(ChangeKind.PATIENT, PATIENT, PATIENT)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.changes(start, limit=9).changes == ()


def test_the_file_is_ours_alone(store: FeedStore, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "feed.sqlite3").stat().st_mode) == 0o600


def test_one_of_several_processes_listens_and_another_takes_over(
    make_receiver: Callable[..., FeedReceiver],
    store: FeedStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("his_adapter.hl7_v2.feed._TRY_AGAIN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    first, second = (make_receiver(f"127.0.0.1:{port}") for _ in range(2))
    first.start()
    second.start()
    assert (first.holds_address, second.holds_address) == (True, False)
    assert over_the_wire(port, order("M1")).endswith(b"MSA|AA|M1\r\x1c\r")
    first.close()
    until = time.monotonic() + 10
    while not second.holds_address and time.monotonic() < until:
        time.sleep(0.05)
    assert over_the_wire(port, order("M2", "CA")).endswith(b"MSA|AA|M2\r\x1c\r")
    second.close()
    (gone,) = store.list_orders(PATIENT, LONG_AGO, statuses=STATUSES, limit=9)
    assert gone.status is OrderStatus.CANCELLED


def test_strangers_are_closed_on(make_receiver: Callable[..., FeedReceiver]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    receiver = make_receiver(f"127.0.0.1:{port}", peers=["192.0.2.1"])
    receiver.start()
    assert over_the_wire(port, order("M1")) == b""
    receiver.close()


def over_the_wire(port: int, content: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        received = b""
        try:
            connection.sendall(framed(content))
            while not received.endswith(b"\x1c\r") and (chunk := connection.recv(65_536)):
                received += chunk
        except ConnectionError:
            pass
    return received
