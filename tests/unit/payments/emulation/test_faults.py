from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments.emulation.faults import ALWAYS, SWITCHES, Faults

NOW = datetime(2026, 11, 20, 2, 15, 30, tzinfo=UTC)


def test_a_switch_counts_down() -> None:
    faults = Faults(http_500=2)
    assert [faults.take("http_500") for _ in range(3)] == [True, True, False]


def test_a_switch_that_is_on_stays_on() -> None:
    faults = Faults()
    faults.set_from("drop_webhook", {})
    assert faults.drop_webhook == ALWAYS
    assert all(faults.take("drop_webhook") for _ in range(5))
    faults.set_from("drop_webhook", {"on": False})
    assert not faults.take("drop_webhook")


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("slow", {"ms": 300}, 300),
        ("slow", {"ms": "300"}, 300),
        ("duplicate", {"n": 3}, 3),
        ("duplicate", {}, 1),
        ("reorder", {}, True),
        ("reorder", {"on": "false"}, False),
        ("clock_skew", {"s": -400.5}, -400.5),
        ("memo_style", {"style": "upper+cut(9)"}, "upper+cut(9)"),
        ("memo_style", {"on": False}, ""),
        ("partial_refund", {"amount": 100_000}, 100_000),
    ],
)
def test_switches_take_one_value(name: str, arguments: dict[str, Any], value: object) -> None:
    faults = Faults()
    faults.set_from(name, arguments)
    assert getattr(faults, name) == value
    faults.reset()
    assert faults == Faults()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("take", {}),
        ("nothing", {}),
        ("slow", {"ms": -1}),
        ("slow", {"ms": 1e9}),
        ("http_500", {"n": "many"}),
        ("http_500", {"n": float("nan")}),
        ("http_500", {"n": 1, "m": 2}),
        ("memo_style", {"style": "rot13"}),
    ],
)
def test_nonsense_is_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Faults().set_from(name, arguments)


def test_every_switch_can_be_turned_on_and_off() -> None:
    for name in set(SWITCHES) - {"memo_style"}:
        faults = Faults()
        faults.set_from(name, {})
        assert getattr(faults, name), name
        faults.set_from(name, {"on": False})
        assert faults == Faults(), name


def test_the_time_that_is_signed() -> None:
    faults = Faults(clock_skew=-10, stale_timestamp=1)
    assert faults.signing_time(NOW) == NOW - timedelta(hours=1, seconds=10)
    assert faults.signing_time(NOW) == NOW - timedelta(seconds=10)


@pytest.mark.parametrize("signature", ["abc0", "abc1", "sha256=ff", "QUJD=="])
def test_a_spoilt_signature_differs_and_keeps_its_length(signature: str) -> None:
    faults = Faults(bad_signature=1)
    spoilt = faults.spoil(signature)
    assert spoilt != signature
    assert len(spoilt) == len(signature)
    assert faults.spoil(signature) == signature
