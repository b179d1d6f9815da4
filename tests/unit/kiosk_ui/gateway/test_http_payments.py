from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kiosk_ui.errors import ReplyUnreadable, ServerAway, ServerRefused
from kiosk_ui.gateway import payment_models as pay
from kiosk_ui.gateway.credential import CredentialFile
from kiosk_ui.gateway.fake_payments import FakePayments
from kiosk_ui.gateway.http import HttpGateway
from tests.unit.kiosk_ui.gateway.server import Answer, Script, scripted_server

MONEY = FakePayments(lambda: datetime(2026, 11, 23, 1, 0, tzinfo=UTC))
WISH = pay.PaymentRequest(dues_id="d1", bill_ids=["bill-1"], method="bank")
PAYMENT = MONEY.start(WISH).model_dump(mode="json")


@pytest.fixture
def server() -> Iterator[Script]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def gateway(server: Script, tmp_path: Path) -> Iterator[HttpGateway]:
    credential = CredentialFile(tmp_path / "credential.json", server.url)
    credential.save("stored-token")
    gateway = HttpGateway(server.url, credential=credential)
    yield gateway
    gateway.close()


def problem(status: int, code: str) -> Answer:
    return Answer(status=status, body={"status": status, "code": code})


def test_a_payment_arrives_whole(server: Script, gateway: HttpGateway) -> None:
    server.on("/api/v1/payments", Answer(status=201, body=PAYMENT))
    assert gateway.start_payment(WISH, key="k1").model_dump(mode="json") == PAYMENT


def test_nothing_new_is_nothing(server: Script, gateway: HttpGateway) -> None:
    server.on("/api/v1/payments/p1", Answer(status=204), Answer(status=200, body=PAYMENT))
    assert gateway.find_payment_news("p1", 3) is None
    news = gateway.find_payment_news("p1", 3)
    assert news is not None
    assert news.code == PAYMENT["code"]


@pytest.mark.parametrize("code", ["his_unavailable", "provider_unavailable"])
def test_somebody_behind_the_server_is_away_and_it_says_so(
    server: Script, gateway: HttpGateway, code: str
) -> None:
    server.on("/api/v1/payments", problem(503, code))
    with pytest.raises(ServerRefused) as caught:
        gateway.start_payment(WISH, key="k1")
    assert caught.value.problem_code == code


@pytest.mark.parametrize(
    "answer",
    [
        problem(503, "database_busy"),
        problem(500, "internal_error"),
        Answer(status=503, body=b"<html>upstream</html>"),
        Answer(status=502, body=b""),
    ],
)
def test_any_other_trouble_of_the_server_may_be_tried_again(
    server: Script, gateway: HttpGateway, answer: Answer
) -> None:
    server.on("/api/v1/payments", answer)
    with pytest.raises(ServerAway):
        gateway.start_payment(WISH, key="k1")


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "paid?"},
        {"amount_vnd": "135000.5"},
        {"amount_vnd": -1},
        {"offer": {}},
        {"offer": PAYMENT["offer"] | {"qr_text": "é" * 900}},
        {"lines": None},
        {"code": "x" * 100},
    ],
)
def test_a_payment_of_another_shape_is_none(
    server: Script, gateway: HttpGateway, change: dict[str, object]
) -> None:
    server.on("/api/v1/payments/p1/check", Answer(status=200, body=PAYMENT | change))
    with pytest.raises(ReplyUnreadable):
        gateway.check_payment("p1", key="k1")
