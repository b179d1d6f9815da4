"""A journey as a list: the screen expected, what the patient does there."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk_ui.flow import Screen
from kiosk_ui.presenters.views import (
    Action,
    BillsView,
    CardView,
    Choice,
    ChoiceView,
    Frame,
    KeypadView,
    MessageView,
    PaidView,
    PayView,
    Phrase,
    ScanView,
    TicketView,
)
from tests.flows.stand_ins import Bench


def offered(frame: Frame) -> list[Choice]:
    """Everything that can be touched on a frame, keys of a keypad included."""
    chrome, view = frame.chrome, frame.view
    found: list[Choice | None] = [
        chrome.help,
        chrome.emergency,
        chrome.other_language,
        chrome.toggle_large_text,
        chrome.toggle_lowered,
        chrome.back,
        chrome.restart,
    ]
    match view:
        case ChoiceView():
            found += [*view.choices, *view.aside, view.previous_page, view.next_page]
        case KeypadView():
            found += [view.submit, *view.aside]
            found += [
                _key(Action("key", digit), view.erase) for digit in (*view.keys, *view.letters)
            ]
            found += [_key(Action("erase"), view.erase), _key(Action("clear"), view.clear)]
        case CardView():
            found += view.choices
            found += [_key(row.reveal, row.label) for row in view.rows if row.reveal]
        case BillsView():
            found += [bill.toggle for bill in view.bills]
            found += [*view.choices, view.previous_page, view.next_page]
        case ScanView() | MessageView() | TicketView() | PayView() | PaidView():
            found += view.choices
    if frame.idle is not None:
        found += [frame.idle.more_time, frame.idle.finish]
    return [choice for choice in found if choice is not None]


def _key(action: Action, label: Phrase) -> Choice:
    return Choice(action=action, label=label)


def touch(bench: Bench, name: str, value: str = "") -> None:
    """Touches something that is on the glass and enabled, or fails."""
    action = Action(name, value)
    enabled = [choice.action for choice in offered(bench.kiosk.frame) if choice.enabled]
    assert action in enabled, (bench.kiosk.frame.screen, action, enabled)
    bench.kiosk.touched()
    bench.kiosk.pressed(action)
    bench.kiosk.act(action)
    bench.settle()


def type_in(bench: Bench, digits: str) -> None:
    for digit in digits:
        touch(bench, "key", digit)
    touch(bench, "submit")


def hold_up(bench: Bench, payload: bytes = b"invented payload", *, lossy: bool = False) -> None:
    bench.scanner.hold_up(payload, lossy=lossy)
    bench.settle()


Step = tuple[Screen, str] | tuple[Screen, str, str]


def walk(bench: Bench, steps: Iterable[Step]) -> None:
    """Each step: the screen that must be shown, then `scan`, `digits` or the touch to make."""
    for screen, deed, *rest in steps:
        assert bench.kiosk.frame.screen == screen, (bench.kiosk.frame.screen, screen)
        value = rest[0] if rest else ""
        match deed:
            case "scan":
                hold_up(bench, value.encode() or b"invented payload")
            case "digits":
                type_in(bench, value)
            case _:
                touch(bench, deed, value)


TO_SCAN: tuple[Step, ...] = ((Screen.WELCOME, "start", "visit"), (Screen.NOTICE, "yes"))
TO_DEPARTMENT: tuple[Step, ...] = (
    *TO_SCAN,
    (Screen.SCAN, "scan"),
    (Screen.CONFIRM_IDENTITY, "yes"),
    (Screen.INSURANCE, "next"),
    (Screen.VISIT_KIND, "kind", "new"),
)
TO_SUMMARY: tuple[Step, ...] = (
    *TO_DEPARTMENT,
    (Screen.DEPARTMENT, "department", "eyes"),
    (Screen.PRIORITY, "group", ""),
)


TO_BILLS: tuple[Step, ...] = (
    (Screen.WELCOME, "pay"),
    (Screen.PAY_WHO, "own"),
    (Screen.NOTICE, "yes"),
    (Screen.SCAN, "scan"),
)
TO_METHOD: tuple[Step, ...] = (*TO_BILLS, (Screen.PAY_BILLS, "pay"))
TO_QR: tuple[Step, ...] = (*TO_METHOD, (Screen.PAY_METHOD, "method", "bank"))


def shows(bench: Bench, screen: Screen) -> None:
    assert bench.kiosk.frame.screen == screen


def texts_of(frame: Frame) -> list[str]:
    """Every text on the glass."""
    return _texts(frame)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in _texts(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [
            text for name in value.__dataclass_fields__ for text in _texts(getattr(value, name))
        ]
    return []
