"""The rules of layout on everything that is shown while somebody pays, ordinary and extreme."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fake_payments import BILLS
from kiosk_ui.presenters.views import Action, Frame, PayView
from kiosk_ui.screens import lay_out
from kiosk_ui.theme.metrics import Panel
from kiosk_ui.widgets.qr import least_side_px
from kiosk_ui.widgets.scene import Qr
from tests.flows.payment_states import PAYING
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_BILLS, TO_METHOD, TO_QR, touch, walk
from tests.flows.test_every_screen import WAYS, at
from tests.unit.kiosk_ui.screens.test_frame import SIZES, assert_obeys, make_panel

SCREENS = [screen for screen in WAYS if screen.value.startswith("pa") and screen != Screen.PAPERS]


MODES = (), ("large_text",), ("lowered",), ("large_text", "lowered")


def frames(language: str, mode: tuple[str, ...]) -> Iterator[Frame]:
    """As the presenters make them in that mode: they show less where less has room."""
    benches = [at(screen) for screen in SCREENS]
    for bring in PAYING.values():
        bench = Bench()
        bring(bench)
        benches.append(bench)
    for bench in benches:
        for name, value in [("language", language), *((each, "") for each in mode)]:
            if name != "language" or language != "vi":
                bench.kiosk.act(Action(name, value))
        bench.settle()
        yield bench.kiosk.frame


def many_long_bills(bench: Bench) -> None:
    """Seven bills of a long illness, at the end of a month."""
    charge = (
        BILLS[1]
        .charges[0]
        .model_copy(
            update={
                "name": "Chụp cộng hưởng từ sọ não có tiêm thuốc đối quang từ",
                "quantity": 12,
                "amount_vnd": 23_456_789,
                "insurance_vnd": 123_456_789,
            }
        )
    )
    bench.gateway.money.bills = [
        BILLS[1].model_copy(
            update={
                "id": f"b{n}",
                "code": f"VP-2026-11-{n:06}",
                "title": "Tiền giường bệnh nội khoa loại 1 hạng I và phục hồi chức năng",
                "due_vnd": 23_456_789,
                "charges": [charge] * 9,
            }
        )
        for n in range(7)
    ]
    bench.gateway.money.credit_vnd = 1_234_567


def long_bills_are_shown(bench: Bench) -> None:
    many_long_bills(bench)
    walk(bench, TO_BILLS)


def the_middle_page_is_shown(bench: Bench) -> None:
    long_bills_are_shown(bench)
    touch(bench, "page", "1")


def long_lines_are_shown(bench: Bench) -> None:
    long_bills_are_shown(bench)
    touch(bench, "lines")
    touch(bench, "page", "1")


def a_large_sum_is_paid(bench: Bench) -> None:
    many_long_bills(bench)
    walk(bench, TO_QR)
    touch(bench, "check")


def a_large_sum_by_what(bench: Bench) -> None:
    many_long_bills(bench)
    walk(bench, TO_METHOD)


EXTREMES = [
    long_bills_are_shown,
    the_middle_page_is_shown,
    long_lines_are_shown,
    a_large_sum_is_paid,
    a_large_sum_by_what,
]


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mode", MODES, ids="+".join)
def test_what_is_shown_while_paying_obeys_the_rules(
    language: str, size: tuple[int, int], mode: tuple[str, ...]
) -> None:
    for frame in frames(language, mode):
        assert_obeys(frame, make_panel(size))
        assert_code_is_large_enough(frame, make_panel(size))


@pytest.mark.parametrize("bring", EXTREMES, ids=lambda bring: bring.__name__)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("mode", MODES, ids="+".join)
def test_the_most_there_can_be_stays_in_order(
    bring: Callable[[Bench], None], size: tuple[int, int], mode: tuple[str, ...]
) -> None:
    bench = Bench()
    for name in mode:
        touch(bench, name)
    bring(bench)
    assert_obeys(bench.kiosk.frame, make_panel(size))


def assert_code_is_large_enough(frame: Frame, panel: Panel) -> None:
    """Quiet zone and all, in every mode."""
    if not isinstance(frame.view, PayView):
        return
    content = lay_out(frame, panel).content
    [code] = [element for element in content if isinstance(element, Qr)]
    assert min(code.rect.width, code.rect.height) >= least_side_px(frame.view.qr, panel)
