"""The messages that the HIS sends by itself: taken in, put by, then acknowledged.

One process holds the address; the others look from time to time whether it has become free.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from his_adapter.errors import BrokenReply, NotSupported, Unavailable
from his_adapter.events import HisEvent
from his_adapter.hl7_v2.config import Feed, Hl7Config, host_and_port
from his_adapter.hl7_v2.feed_store import FeedStore, Intake
from his_adapter.hl7_v2.mapping import Hl7Mapping
from his_adapter.hl7_v2.messages import CHARSET, VERSION, Message, decode
from his_adapter.hl7_v2.mllp import MllpListener
from his_adapter.models import ChangeKind, Ref

_TRY_AGAIN_S = 5.0
Item = TypeVar("Item")
_log = logging.getLogger(__name__)


class FeedReceiver:
    """Runs in threads of its own from `start` to `close`."""

    def __init__(
        self,
        config: Hl7Config,
        feed: Feed,
        store: FeedStore,
        mapping: Hl7Mapping,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._feed = feed
        self._store = store
        self._mapping = mapping
        self._clock = clock
        self._tls = feed.tls.server_context() if feed.tls else None
        self._listener: MllpListener | None = None
        self._closed = threading.Event()
        self._waiting: threading.Thread | None = None

    @property
    def holds_address(self) -> bool:
        return self._listener is not None

    def start(self) -> None:
        if not self._try_to_listen():
            self._waiting = threading.Thread(target=self._wait, name="hl7-feed", daemon=True)
            self._waiting.start()

    def close(self) -> None:
        self._closed.set()
        if self._waiting is not None:
            self._waiting.join(_TRY_AGAIN_S)
        if self._listener is not None:
            self._listener.close()

    def _wait(self) -> None:
        while not self._closed.wait(_TRY_AGAIN_S):
            if self._try_to_listen():
                return

    def _try_to_listen(self) -> bool:
        host, port = host_and_port(self._feed.listen)
        try:
            listener = MllpListener(host, port, self.answer, tls=self._tls, peers=self._feed.peers)
        except OSError:
            return False
        listener.start()
        self._listener = listener
        return True

    # --- one message

    def answer(self, untrusted: bytes) -> bytes | None:
        """The acknowledgement, after the commit; nothing for what is no message at all."""
        try:
            message = decode(untrusted, whole=not self._config.last_segment_open)
        except BrokenReply:
            _log.warning(HisEvent.FEED_REFUSED, extra={"adapter": "hl7_v2", "cause": "unreadable"})
            return None
        if not message.control_id:
            return acknowledge(message, self._clock(), "AR", "101")
        try:
            self._take_in(message)
        except NotSupported:
            return acknowledge(message, self._clock(), "AR", "200")
        except BrokenReply as error:
            extra = {"adapter": "hl7_v2", "cause": str(error)}
            _log.warning(HisEvent.FEED_REFUSED, extra=extra)
            return acknowledge(message, self._clock(), "AE", "102")
        except Unavailable:
            return None  # not acknowledged: it will come again
        return acknowledge(message, self._clock(), "AA")

    def _take_in(self, message: Message) -> None:
        header = message.first("MSH")
        sender = f"{header.get(3)}|{header.get(4)}"[:200]
        now = self._clock()
        take = self._how(message, now)  # read as a whole before the file is locked
        with self._store.taking_in(sender, message.control_id[:200], now=now) as intake:
            if intake is not None:
                take(intake)

    def _how(self, message: Message, now: datetime) -> Callable[[Intake], None]:
        """Raises NotSupported, BrokenReply."""
        mapping = self._mapping
        code, event = message.kind.split("^", 1)
        if code in {"ORM", "OML", "OMG", "OMI"}:
            orders = mapping.read_orders(message, now)
            sent = message.first("MSH").get(7)
            sent_at = mapping.read_time(sent) if sent else now
            return _each(orders, lambda intake, order: intake.put_order(order, sent_at))
        if code == "ORU":
            reports = mapping.read_reports(message, now)
            return _each(reports, lambda intake, report: intake.put_report(*report))
        if code == "SIU":
            booked = [mapping.booking_refs(group) for group in message.groups("SCH")]
            return _each(booked, lambda intake, refs: intake.note(ChangeKind.VISIT, *refs))
        if code in {"DFT", "BAR"}:
            patient = mapping.patient_ref(message)
            return lambda intake: intake.note(ChangeKind.PAYMENT, patient, patient)
        if code == "ADT":
            return self._how_adt(message, event)
        raise NotSupported(code)

    def _how_adt(self, message: Message, event: str) -> Callable[[Intake], None]:
        patient = self._mapping.patient_ref(message)
        if event in {"A40", "A34", "A36"}:
            drop = Ref(message.first("MRG").get(1)[:120])
            if not drop:
                raise BrokenReply("a merge without a number")
            return lambda intake: intake.merge(patient, drop)
        visit = Ref(message.first("PV1").get(19)[:120])

        def take(intake: Intake) -> None:
            intake.note(ChangeKind.PATIENT, patient, patient)
            if visit:
                intake.note(ChangeKind.VISIT, visit, patient)

        return take


def _each(items: Sequence[Item], take: Callable[[Intake, Item], None]) -> Callable[[Intake], None]:
    """Raises BrokenReply when there is nothing to take in: to say yes to that would lose it."""
    if not items:
        raise BrokenReply("a message without content")

    def take_all(intake: Intake) -> None:
        for item in items:
            take(intake, item)

    return take_all


def acknowledge(message: Message, now: datetime, code: str, condition: str = "") -> bytes:
    """An ACK in the original mode, in our character set."""
    asked, answer = message.first("MSH"), Message()
    header = answer.add("MSH")
    for ours, theirs in ((3, 5), (4, 6), (5, 3), (6, 4)):
        header.put(ours, asked.get(theirs))
    header.put(7, now.strftime("%Y%m%d%H%M%S%z"))
    header.put(9, "ACK").put(9, asked.get(9, 2), 2).put(9, "ACK", 3)
    header.put(10, f"{message.control_id}-A"[:199] if message.control_id else "A")
    header.put(11, asked.get(11) or "P").put(12, VERSION).put(18, CHARSET)
    answer.add("MSA").put(1, code).put(2, message.control_id)
    if condition:
        answer.add("ERR").put(3, condition).put(3, "HL70357", 3).put(4, "E")
    return answer.encode()
