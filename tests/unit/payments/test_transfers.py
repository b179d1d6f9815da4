from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from payments.errors import Declined, ProviderMisconfigured, Unavailable
from payments.match_codes import new_match_code
from payments.models import (
    Credit,
    Features,
    MethodKind,
    Money,
    Order,
    OrderStatus,
    PlacedOrder,
)
from payments.settings import read_settings
from payments.transfers import (
    AccountConfig,
    SharedFetch,
    check_qr,
    days_since,
    looked_at_since,
    offer_transfer,
    report_transfers,
)
from payments.vietqr import decode

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)
CODE = new_match_code("VP")
ACCOUNT = AccountConfig(bin="970418", account="1200000000001", holder="BENH VIEN MAU")
LIMITS = Features(kind=MethodKind.BANK_QR, pushes=True, can_query=True)


def order(amount_vnd: int = 350_000, **changes: object) -> Order:
    fields: dict[str, object] = {
        "code": CODE,
        "attempt": 1,
        "amount": Money(amount_vnd),
        "created_at": NOW,
        "expires_at": NOW + timedelta(minutes=10),
    }
    return Order(**(fields | changes))  # type: ignore[arg-type]


def credit(amount_vnd: int, memo: str = CODE, order_key: str | None = None) -> Credit:
    return Credit(
        provider="bank",
        account="1200000000001",
        transaction_id=f"{amount_vnd}{memo}",
        amount=Money(amount_vnd),
        paid_at=NOW,
        memo=memo,
        order_key=order_key,
    )


def test_an_offer_says_where_how_much_and_what_for() -> None:
    offer = offer_transfer(order(), ACCOUNT.as_account(), limits=LIMITS)
    qr = decode(offer.qr_text)
    assert (qr.bin, qr.account, qr.memo) == ("970418", "1200000000001", CODE)
    assert qr.amount == Money(350_000)
    assert qr.dynamic
    assert offer.account is not None
    assert offer.account.bank_name == "BIDV"
    assert (offer.memo, offer.provider_ref) == (CODE, f"{CODE}-1")
    assert offer == offer_transfer(order(), ACCOUNT.as_account(), limits=LIMITS)


@pytest.mark.parametrize("amount_vnd", [999, 500_000_000])
def test_amounts_no_transfer_can_have_are_declined(amount_vnd: int) -> None:
    with pytest.raises(Declined):
        offer_transfer(order(amount_vnd), ACCOUNT.as_account(), limits=LIMITS)


def test_a_qr_of_somebody_else_is_never_shown() -> None:
    text = offer_transfer(order(), ACCOUNT.as_account(), limits=LIMITS).qr_text
    other = order(amount=Money(350_001))
    for wrong, account in [
        (other, ACCOUNT.as_account()),
        (order(), ACCOUNT.as_account("1200000000002")),
        (order(), AccountConfig(bin="970437", account="1200000000001", holder="X").as_account()),
    ]:
        with pytest.raises(Declined):
            check_qr(text, wrong, account)
    with pytest.raises(Declined):
        check_qr(text[:-1], order(), ACCOUNT.as_account())


@pytest.mark.parametrize(
    "settings",
    [
        {"bin": "97041", "account": "1200", "holder": "X"},
        {"bin": "970418", "account": "12 00", "holder": "X"},
        {"bin": "970418", "account": "1" * 20, "holder": "X"},
        {"bin": "970418", "account": "1200"},
    ],
)
def test_accounts_no_qr_can_hold_stop_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(ProviderMisconfigured):
        read_settings(AccountConfig, "bank", settings)


def test_an_order_is_paid_once_enough_came() -> None:
    other = new_match_code("VP")
    noise = [credit(350_000, other), credit(350_000, ""), credit(350_000, CODE[:-1])]
    assert report_transfers(order(), noise, NOW).status is OrderStatus.OPEN
    part = credit(100_000, f"MBVCB.123.{CODE.lower()}.CT tu 000")
    rest = credit(250_000, "changed on the way", order_key=f"{CODE}-2")
    report = report_transfers(order(), [*noise, part], NOW)
    assert (report.status, report.credits) == (OrderStatus.OPEN, (part,))
    report = report_transfers(order(), [part, *noise, rest], NOW)
    assert (report.status, report.credits) == (OrderStatus.PAID, (part, rest))


def test_a_credit_the_provider_gave_to_another_order_is_not_ours() -> None:
    named = credit(350_000, CODE, order_key=f"{new_match_code('VP')}-1")
    assert report_transfers(order(), [named], NOW).credits == ()


def test_an_order_without_money_expires_and_late_money_is_still_seen() -> None:
    later = NOW + timedelta(minutes=10)
    assert report_transfers(order(), [], later).status is OrderStatus.EXPIRED
    assert report_transfers(order(), [credit(350_000)], later).status is OrderStatus.PAID


def test_money_is_looked_for_from_a_little_before_the_order() -> None:
    placed = PlacedOrder(order=order(), provider_ref="")
    since = looked_at_since(placed)
    assert since == datetime(2026, 11, 20, 2, 10, tzinfo=UTC)
    night = datetime(2026, 11, 20, 16, 58, tzinfo=UTC)  # 23:58 in Vietnam
    assert days_since(night, night + timedelta(minutes=5)) == (
        date(2026, 11, 20),
        date(2026, 11, 21),
    )
    assert len(days_since(night, night + timedelta(days=300))) == 8


# --- one question for many


def test_one_answer_serves_all_who_asked_before_it_was_put() -> None:
    asked: list[str] = []
    first_runs, go_on = threading.Event(), threading.Event()

    def fetch(key: str) -> int:
        asked.append(key)
        first_runs.set()
        go_on.wait(5)
        return len(asked)

    shared = SharedFetch(fetch, fresh_s=0)
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(shared.get("day"))) for _ in range(9)]
    threads[0].start()
    assert first_runs.wait(5)
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.1)
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert answers.count(1) == 1, "nothing older than the question is given"
    assert len(answers) == 9
    assert len(asked) <= 4, "one question for nearly all who waited"
    assert shared.get("day") == len(asked)


def test_a_fresh_answer_is_given_again() -> None:
    asked: list[str] = []

    def fetch(key: str) -> str:
        asked.append(key)
        return key

    shared = SharedFetch(fetch, fresh_s=60)
    assert [shared.get("a"), shared.get("a"), shared.get("b")] == ["a", "a", "b"]
    assert asked == ["a", "b"]


def test_an_error_is_not_kept() -> None:
    answers = [Unavailable("away"), "here"]

    def fetch(_: str) -> str:
        answer = answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    shared = SharedFetch(fetch, fresh_s=60)
    with pytest.raises(Unavailable):
        shared.get("a")
    assert shared.get("a") == "here"


def test_nobody_waits_for_ever() -> None:
    go_on = threading.Event()
    shared: SharedFetch[str, bool] = SharedFetch(lambda _: go_on.wait(5), wait_s=0.05)
    thread = threading.Thread(target=shared.get, args=("a",))
    thread.start()
    time.sleep(0.05)
    with pytest.raises(Unavailable):
        shared.get("a")
    go_on.set()
    thread.join(5)
