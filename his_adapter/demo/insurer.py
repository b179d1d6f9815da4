"""The invented insurer of the demo hospital, asked directly instead of through its HIS."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from his_adapter.demo.faults import read_faults
from his_adapter.demo.gateway import DEFAULT_FOLDER, invented_crowd
from his_adapter.demo.hospital import FACILITY, OTHER_FACILITY
from his_adapter.demo.insurance import DemoInsurance
from his_adapter.demo.personas import PERSONAS
from his_adapter.errors import (
    GatewayMisconfigured,
    HisError,
    InvalidData,
    OutcomeUnknown,
    Unavailable,
)
from his_adapter.models import (
    Copayment,
    Coverage,
    CoverageQuery,
    Exchange,
    Health,
    HealthState,
    PastStay,
    SubmissionReceipt,
    WriteKey,
)
from his_adapter.ports import Witness


def open_insurer(settings: Mapping[str, Any]) -> DemoInsurer:
    """Setting `folder`: where `faults.json` steers it. Raises GatewayMisconfigured in production."""
    if os.environ.get("TIEPDON_ENV") == "production":
        raise GatewayMisconfigured("the demo insurer refuses to run in production")
    if unknown := sorted(settings.keys() - {"folder"}):
        raise GatewayMisconfigured(f"unknown setting {unknown[0]}")
    return DemoInsurer(Path(settings.get("folder", DEFAULT_FOLDER)))


class DemoInsurer:
    def __init__(
        self, folder: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._insurance = DemoInsurance((*PERSONAS, *invented_crowd()), folder, clock=clock)
        self._receipts: dict[WriteKey, SubmissionReceipt] = {}

    def health(self) -> Health:
        down = read_faults(self._folder).down
        return Health(state=HealthState.DOWN if down else HealthState.OK)

    def close(self) -> None:
        self._receipts.clear()

    def check_card(
        self,
        query: CoverageQuery,
        *,
        on: date,
        timeout_s: float,
        asked_by: str | None = None,
        witness: Witness | None = None,
    ) -> Coverage:
        del asked_by
        _check(query)
        asked_at = self._clock()
        try:
            coverage = self._insurance.check(query, None, on=on, timeout_s=timeout_s)
        except HisError as error:
            if witness is not None:
                witness(_exchange(asked_at, None, failure=error.code))
            raise
        if witness is not None:
            witness(_exchange(asked_at, self._clock(), code=coverage.code))
        return coverage

    def history(
        self, query: CoverageQuery, *, timeout_s: float, asked_by: str | None = None
    ) -> tuple[PastStay, ...]:
        del timeout_s, asked_by
        self._ready(query)
        week_ago = self._clock() - timedelta(days=7)
        left = week_ago + timedelta(hours=2)
        return (PastStay(facility_code=OTHER_FACILITY.code, arrived_at=week_ago, left_at=left),)

    def copayment(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Copayment:
        del timeout_s
        self._ready(query)
        return Copayment(paid_vnd=400_000, exceeds_limit=False, as_of=on)

    def send_checkin(
        self, document: bytes, *, key: WriteKey, timeout_s: float
    ) -> SubmissionReceipt:
        del timeout_s
        faults = read_faults(self._folder)
        if faults.down:
            raise Unavailable("the insurer is down")
        is_xml = document.lstrip().startswith(b"<") and FACILITY.code.encode() in document
        receipt = self._receipts.setdefault(
            key,
            SubmissionReceipt(
                code="200" if is_xml else "201",
                received=is_xml,
                transaction_id=f"DEMO-{hashlib.sha256(document).hexdigest()[:12]}",
                received_at=self._clock(),
            ),
        )
        if faults.lose_replies:
            raise OutcomeUnknown("no answer to the file that was sent", key=key)
        return receipt

    def _ready(self, query: CoverageQuery) -> None:
        _check(query)
        if read_faults(self._folder).down:
            raise Unavailable("the insurer is down")


def _check(query: CoverageQuery) -> None:
    if not query.full_name:
        raise InvalidData("full_name", "Cần họ tên để tra cứu thẻ.")
    if query.birth_date is None:
        raise InvalidData("birth_date", "Cần ngày sinh để tra cứu thẻ.")


def _exchange(
    asked_at: datetime,
    answered_at: datetime | None,
    *,
    code: str | None = None,
    failure: str | None = None,
) -> Exchange:
    answer = json.dumps({"maKetQua": code}).encode() if code else b""
    return Exchange(
        asked_at=asked_at,
        answered_at=answered_at,
        http_status=200 if code else None,
        code=code,
        failure=failure,
        answer=answer,
        answer_sha256=hashlib.sha256(answer).hexdigest() if answer else None,
    )
