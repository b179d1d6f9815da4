"""What every way to an insurer keeps to, whatever stands behind it.

A new one adds a subclass of `InsurerContract` with a `harness` fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from his_adapter.bhxh.emulator import BhxhEmulator
from his_adapter.demo.faults import Faults, write_faults
from his_adapter.demo.insurer import DemoInsurer
from his_adapter.demo.people import CoverageCase
from his_adapter.demo.personas import PERSONAS
from his_adapter.errors import HisError, InvalidData, OutcomeUnknown, UnknownGateway
from his_adapter.models import (
    BirthDate,
    CoverageOutcome,
    CoverageQuery,
    Exchange,
    HealthState,
    Identifier,
    IdentifierKind,
    WriteKey,
)
from his_adapter.ports import Insurer
from his_adapter.registry import insurer_names, open_insurer
from tests.factories import bhxh

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DOCUMENT = (
    "<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB><MA_LK>HĐ-1+/=</MA_LK>"
    "<MA_CSKCB>{code}</MA_CSKCB><MA_DICH_VU>99.1</MA_DICH_VU><NGAY_YL>202611230800</NGAY_YL>"
    "</TRANG_THAI_KCB></DSACH_TRANG_THAI_KCB><CHUKYDONVI/></CHI_TIEU_TRANG_THAI_KCB>"
)


@dataclass(frozen=True, kw_only=True)
class Harness:
    """`insured` has a valid card, `stranger` none. `go_down` and `lose_reply` are switches."""

    insurer: Insurer
    insured: CoverageQuery
    stranger: CoverageQuery
    facility_code: str
    go_down: Callable[[], None]
    lose_reply: Callable[[], None]

    @property
    def document(self) -> bytes:
        return DOCUMENT.format(code=self.facility_code).encode()


class InsurerContract:
    @pytest.fixture
    def insurer(self, harness: Harness) -> Insurer:
        return harness.insurer

    def test_a_valid_card(self, harness: Harness, insurer: Insurer) -> None:
        coverage = insurer.check_card(harness.insured, on=TODAY, timeout_s=5)
        assert coverage.outcome is CoverageOutcome.OK
        assert coverage.valid_from is not None
        assert coverage.valid_from <= TODAY
        assert coverage.card_number is not None
        assert coverage.card_number not in repr(coverage)

    def test_bad_news_is_an_outcome(self, harness: Harness, insurer: Insurer) -> None:
        coverage = insurer.check_card(harness.stranger, on=TODAY, timeout_s=5)
        assert coverage.outcome is CoverageOutcome.NONE
        assert coverage.card_number is None

    @pytest.mark.parametrize("missing", ["full_name", "birth_date"])
    def test_needs_a_name_and_a_birth_date(
        self, harness: Harness, insurer: Insurer, missing: str
    ) -> None:
        asked = harness.insured
        incomplete = CoverageQuery(
            identifiers=asked.identifiers,
            full_name=None if missing == "full_name" else asked.full_name,
            birth_date=None if missing == "birth_date" else asked.birth_date,
        )
        with pytest.raises(InvalidData) as raised:
            insurer.check_card(incomplete, on=TODAY, timeout_s=5)
        assert raised.value.field == missing

    def test_the_witness_sees_good_and_bad(self, harness: Harness, insurer: Insurer) -> None:
        seen: list[Exchange] = []
        insurer.check_card(harness.insured, on=TODAY, timeout_s=5, witness=seen.append)
        assert [each.failure for each in seen] == [None]
        assert seen[0].code == "000"
        assert seen[0].answer
        assert seen[0].answer_sha256
        assert "answer=" not in repr(seen[0])
        harness.go_down()
        with pytest.raises(HisError):
            insurer.check_card(harness.stranger, on=TODAY, timeout_s=1, witness=seen.append)
        assert seen[-1].failure is not None
        assert seen[-1].answered_at is None or seen[-1].http_status is not None

    def test_down_is_an_error_that_may_be_tried_again(
        self, harness: Harness, insurer: Insurer
    ) -> None:
        harness.go_down()
        with pytest.raises(HisError) as raised:
            insurer.check_card(harness.insured, on=TODAY, timeout_s=1)
        assert raised.value.retryable
        number = harness.insured.identifiers[0].value
        assert number not in f"{raised.value!r}{raised.value.__cause__!r}"

    def test_health_never_raises(self, harness: Harness, insurer: Insurer) -> None:
        assert insurer.health().state is HealthState.OK
        harness.go_down()
        insurer.health()

    def test_many_at_once(self, harness: Harness, insurer: Insurer) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda _: insurer.check_card(harness.insured, on=TODAY, timeout_s=5).outcome,
                    range(16),
                )
            )
        assert set(answers) == {CoverageOutcome.OK}

    def test_history_has_no_illness(self, harness: Harness, insurer: Insurer) -> None:
        for stay in insurer.history(harness.insured, timeout_s=5):
            assert len(stay.facility_code) == 5
            assert set(vars(stay)) == {"facility_code", "arrived_at", "left_at"}

    def test_copayment(self, harness: Harness, insurer: Insurer) -> None:
        copayment = insurer.copayment(harness.insured, on=TODAY, timeout_s=5)
        assert copayment.paid_vnd >= 0
        assert not copayment.exceeds_limit

    def test_a_file_is_received(self, harness: Harness, insurer: Insurer) -> None:
        key = WriteKey("contract-1")
        receipt = insurer.send_checkin(harness.document, key=key, timeout_s=5)
        assert receipt.received
        assert receipt.transaction_id
        again = insurer.send_checkin(harness.document, key=key, timeout_s=5)
        assert again.transaction_id == receipt.transaction_id

    def test_a_bad_file_is_a_receipt_too(self, insurer: Insurer) -> None:
        receipt = insurer.send_checkin(b"not xml", key=WriteKey("contract-2"), timeout_s=5)
        assert not receipt.received
        assert receipt.code not in {"", "200"}

    def test_a_lost_answer_to_a_file(self, harness: Harness, insurer: Insurer) -> None:
        harness.lose_reply()
        with pytest.raises(OutcomeUnknown) as raised:
            insurer.send_checkin(harness.document, key=WriteKey("contract-3"), timeout_s=5)
        assert raised.value.key == "contract-3"


class TestBhxh(InsurerContract):
    @pytest.fixture
    def harness(self) -> Iterator[Harness]:
        with BhxhEmulator(clock=lambda: NOW) as emulator:
            yield Harness(
                insurer=bhxh.insurer(emulator),
                insured=bhxh.query(),
                stranger=bhxh.query("099180000007", "Vũ Thị Không", "1980-03-03"),
                facility_code="99001",
                go_down=lambda: emulator.control(http_500_html=True),
                lose_reply=lambda: emulator.control(lose_reply=True),
            )


class TestDemo(InsurerContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        person = next(p for p in PERSONAS if p.coverage is CoverageCase.VALID_HERE and p.id_number)
        return Harness(
            insurer=DemoInsurer(tmp_path, clock=lambda: NOW),
            insured=CoverageQuery(
                identifiers=person.identifiers,
                full_name=person.full_name,
                birth_date=person.birth_date,
            ),
            stranger=CoverageQuery(
                identifiers=(Identifier(kind=IdentifierKind.ID12, value="099190999999"),),
                full_name="Người Lạ",
                birth_date=BirthDate(year=1990),
            ),
            facility_code="99001",
            go_down=lambda: write_faults(tmp_path, Faults(down=True)),
            lose_reply=lambda: write_faults(tmp_path, Faults(lose_replies=True)),
        )


def test_insurers_in_the_box(tmp_path: Path) -> None:
    assert {"bhxh", "demo"} <= set(insurer_names())
    assert isinstance(open_insurer("demo", {"folder": str(tmp_path)}), DemoInsurer)
    with pytest.raises(UnknownGateway, match="bhxh"):
        open_insurer("no-such-insurer", {})
