"""One message out, its answer back, every failure an error of `his_adapter.errors`.

| What happens                                    | A question raises | A write raises  |
|-------------------------------------------------|-------------------|-----------------|
| no connection                                   | Unavailable       | Unavailable     |
| no answer in time, closed without a byte        | Unavailable       | OutcomeUnknown  |
| garbage, the answer to another message          | BrokenReply       | OutcomeUnknown  |
| MSA-1 AE, AR, CE, CR                            | the error that ERR names; AE alone is       |
|                                                 | InvalidData, AR alone Forbidden             |

CA only says that the message has been put by: the answer is waited for.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    KeyReused,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    SlotTaken,
    Throttled,
    Unavailable,
    VersionConflict,
)
from his_adapter.events import HisEvent
from his_adapter.hl7_v2.config import Hl7Config, host_and_port
from his_adapter.hl7_v2.messages import CHARSET, VERSION, Message, decode
from his_adapter.hl7_v2.mllp import MllpClient, NoAnswer, NoFrame, NotSent, Untrusted
from his_adapter.hl7_v2.times import dump_time, read_time
from his_adapter.models import WriteKey

_log = logging.getLogger(__name__)

_REFUSED = "Hệ thống bệnh viện không nhận yêu cầu này."
_FIELD = re.compile(r"[A-Za-z0-9_.]{1,40}")

_BY_CODE: dict[str, type[HisError]] = {
    each.code: each
    for each in (
        NotFound,
        MultipleMatches,
        VersionConflict,
        SlotTaken,
        KeyReused,
        Forbidden,
        LoginFailed,
        NotSupported,
        Throttled,
        Unavailable,
    )
}
_BY_CONDITION = {  # table 0357
    "200": NotSupported.code,
    "201": NotSupported.code,
    "202": NotSupported.code,
    "203": NotSupported.code,
    "204": NotFound.code,
    "205": Duplicate.code,
    "206": Unavailable.code,
}
ACCEPTED = {"AA"}
_COMMITTED = "CA"


class Hl7Client:
    """Safe from several threads."""

    def __init__(self, config: Hl7Config, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        host, port = host_and_port(config.address)
        self._line = MllpClient(
            host,
            port,
            connect_timeout_s=config.connect_timeout_s,
            connections=config.connections,
            tls=config.tls.client_context() if config.tls else None,
        )
        self._lost = False
        self._lock = threading.Lock()

    def close(self) -> None:
        self._line.close()

    def new_message(self, code: str, event: str, structure: str) -> Message:
        """With its header; MSH-10 is unique."""
        config, message = self._config, Message()
        header = message.add("MSH")
        header.put(3, config.sending_application).put(4, config.sending_facility)
        header.put(5, config.receiving_application).put(6, config.receiving_facility)
        header.put(7, dump_time(self._clock(), config.zone))
        header.put(9, code).put(9, event, 2).put(9, structure, 3)
        header.put(10, secrets.token_hex(10)).put(11, config.processing_id).put(12, VERSION)
        header.put(17, "VNM").put(18, CHARSET)
        return message

    def ask(self, question: Message, *, timeout_s: float | None = None) -> Message:
        """Raises HisError."""
        timeout_s = timeout_s or self._config.read_timeout_s
        try:
            return self._checked(self._exchange(question, timeout_s, is_write=False))
        except NoAnswer as error:
            self._note_lost(str(error))
            raise Unavailable("the HIS did not answer") from error
        except NoFrame as error:
            raise BrokenReply(str(error)) from error

    def write(self, message: Message, *, key: WriteKey) -> Message:
        """Sent once. Raises HisError; OutcomeUnknown when it may or may not have been done."""
        try:
            return self._checked(
                self._exchange(message, self._config.write_timeout_s, is_write=True)
            )
        except NoAnswer as error:
            self._note_lost(str(error))
            raise OutcomeUnknown("the HIS did not answer", key=key) from error
        except (NoFrame, BrokenReply) as error:
            raise OutcomeUnknown("the answer cannot be read", key=key) from error

    def _exchange(self, message: Message, timeout_s: float, *, is_write: bool) -> Message:
        answers: list[Message] = []

        def is_answer(untrusted: bytes) -> bool | None:
            try:
                answer = decode(untrusted, whole=not self._config.last_segment_open)
            except BrokenReply:
                return False
            answers.append(answer)
            if answer.first("MSA").get(2) != message.control_id:
                return False
            return None if answer.first("MSA").get(1) == _COMMITTED else True

        try:
            self._line.exchange(
                message.encode(), timeout_s=timeout_s, is_answer=is_answer, is_write=is_write
            )
        except Untrusted as error:
            self._note_lost("certificate")
            raise GatewayMisconfigured("the certificate of the HIS is not trusted") from error
        except NotSent as error:
            self._note_lost(str(error))
            raise Unavailable("the HIS cannot be reached") from error
        self._note_returned()
        return answers[-1]

    def _checked(self, answer: Message) -> Message:
        """Raises the error that MSA and ERR name."""
        acknowledged = answer.first("MSA").get(1)
        if acknowledged in ACCEPTED:
            return answer
        if acknowledged not in {"AE", "AR", "CE", "CR"}:
            raise BrokenReply("an acknowledgement of an unknown kind")
        fault = answer.first("ERR")
        code = fault.get(5)
        code = self._config.errors.get(code, code)
        if code not in {*_BY_CODE, Duplicate.code, InvalidData.code}:
            code = _BY_CONDITION.get(fault.get(3), "")
        if code == Duplicate.code:
            raise Duplicate("the HIS has it already", existing=fault.get(6)[:120])
        if code in _BY_CODE:
            raise _BY_CODE[code]("the HIS refused")
        if not code and acknowledged in {"AR", "CR"}:
            raise Forbidden("the HIS rejects such messages")
        field = fault.get(6) if code else fault.get(2)
        raise InvalidData(field if _FIELD.fullmatch(field) else "request", _REFUSED)

    def probe(self, question: Message) -> tuple[float, float | None]:
        """Milliseconds to any answer, and how far its clock (MSH-7) is ahead of ours in seconds.

        Raises HisError.
        """
        started = time.monotonic()
        try:
            answer = self._exchange(question, self._config.read_timeout_s, is_write=False)
        except (NoAnswer, NoFrame) as error:
            self._note_lost(str(error))
            raise Unavailable("the HIS does not answer as it should") from error
        latency_ms = (time.monotonic() - started) * 1000
        return latency_ms, self._clock_skew_s(answer)

    def _clock_skew_s(self, answer: Message) -> float | None:
        try:
            told = read_time(answer.first("MSH").get(7), self._config.zone)
        except BrokenReply:
            return None
        return (told - self._clock()).total_seconds()

    def _note_lost(self, cause: str) -> None:
        with self._lock:
            was_lost, self._lost = self._lost, True
        if not was_lost:
            _log.warning(HisEvent.HIS_LOST, extra={"adapter": "hl7_v2", "cause": cause})

    def _note_returned(self) -> None:
        with self._lock:
            was_lost, self._lost = self._lost, False
        if was_lost:
            _log.warning(HisEvent.HIS_RETURNED, extra={"adapter": "hl7_v2"})
