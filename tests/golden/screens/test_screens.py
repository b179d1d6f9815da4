"""Every screen as a picture. `make golden` redraws them; look at them before they are committed."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kiosk_ui import i18n
from kiosk_ui.flow import Screen
from kiosk_ui.gateway.fleet_models import KioskOrders, Profile
from kiosk_ui.gateway.models import Label, ScanOutcome, StepState
from kiosk_ui.presenters.views import Frame, PayView, TicketView
from kiosk_ui.presenters.welcome import MENUS
from kiosk_ui.screens import lay_out
from kiosk_ui.theme.colours import PAPER
from kiosk_ui.theme.metrics import Panel, get_width_mm
from kiosk_ui.widgets.qr import LEAST_MODULE_MM, QUIET_MODULES, make_modules
from tests.factories.frames import LANGUAGES, large, lowered, make_frames
from tests.factories.window import open_window
from tests.flows.payment_states import PAYING
from tests.flows.stand_ins import Bench
from tests.flows.steps import TO_SCAN, touch, walk
from tests.flows.test_every_screen import at

pytestmark = pytest.mark.gui

HERE = Path(__file__).parent
DIFFERENCES = Path(__file__).parents[3] / "out" / "golden"
COLOURS = 128
"""Of the palette a picture is kept in: small files, and no dithering to speak of."""
FAR = 40
"""A pixel is different when a channel is further off than the palette explains."""
DIFFERENT_SHARE = 0.0015
"""Another driver rounds a few edges differently; a moved word is many times this."""

PORTRAIT, LANDSCAPE, SMALL = (1080, 1920), (1920, 1080), (768, 1366)


@dataclass(frozen=True, kw_only=True)
class Case:
    """`make_frame` is called when the picture is drawn: walking a kiosk to a screen takes time."""

    name: str
    make_frame: Callable[[], Frame]
    size: tuple[int, int] = PORTRAIT


def walked_to(screen: Screen, language: str) -> Frame:
    """What the real presenters show there."""
    bench = at(screen)
    if language != "vi":
        touch(bench, "language", language)
    return bench.kiosk.frame


AWAY: dict[str, tuple[StepState, str | None, bool]] = {
    "missed": (StepState.MISSED, None, True),
    "missed_too_late": (StepState.MISSED, None, False),
    "results": (StepState.HOLD, "results", True),
}


def ticket_away(away: tuple[StepState, str | None, bool], language: str) -> Frame:
    """A ticket that is out of its line, as a kiosk shows it."""
    state, reason, may_return = away
    bench = Bench()
    visit = bench.gateway.away(state, reason, may_return=may_return)
    bench.gateway.scan_reply = bench.gateway.reply(
        outcome=ScanOutcome.TICKET, person=None, visits=[visit], ask=[]
    )
    walk(bench, (*TO_SCAN, (Screen.SCAN, "scan")))
    if language != "vi":
        touch(bench, "language", language)
    return bench.kiosk.frame


def without_numbers(language: str) -> Frame:
    """Without its server, at a kiosk that may not give numbers by itself."""
    bench = Bench(started=False)
    bench.gateway.grants_numbers = False
    bench.settle()
    bench.gateway.down = True
    bench.wait(3)
    if language != "vi":
        touch(bench, "language", language)
    return bench.kiosk.frame


def while_paying(name: str, language: str) -> Frame:
    """What the kiosk shows while or after somebody pays."""
    bench = Bench()
    if language != "vi":
        touch(bench, "language", language)
    PAYING[name](bench)
    return bench.kiosk.frame


def in_practice(screen: Screen, language: str) -> Frame:
    """The same while staff train."""
    frame = walked_to(screen, language)
    words = i18n.say("vi" if language == "vi" else "en", "practice.mark")
    return replace(frame, chrome=replace(frame.chrome, practice=words))


def standing(profile: Profile, language: str) -> Frame:
    """The start screen of a kiosk that stands there."""
    bench = Bench(started=False)
    bench.gateway.orders = KioskOrders(profile=profile)
    bench.settle()
    if language != "vi":
        touch(bench, "language", language)
    return bench.kiosk.frame


TAKEN_OUT = Label(
    vi="Máy đang thay cuộn giấy in, mở lại lúc 9 giờ.",
    en="We are changing the paper roll; back at 9 o'clock.",
)


def taken_out(language: str) -> Frame:
    """Staff took it out of service, with words of their own."""
    bench = Bench(started=False)
    bench.gateway.orders = KioskOrders(profile="reception", out_of_service=TAKEN_OUT)
    bench.settle()
    if language != "vi":
        touch(bench, "language", language)
    return bench.kiosk.frame


def _cases() -> Iterator[Case]:
    for language in LANGUAGES:
        for profile in MENUS:
            yield Case(
                name=f"{language}/profiles/{profile}",
                make_frame=partial(standing, profile, language),
            )
        yield Case(
            name=f"{language}/states/out_of_service_by_staff",
            make_frame=partial(taken_out, language),
        )
        for screen in (Screen.WELCOME, Screen.SUMMARY, Screen.DONE, Screen.OUT_OF_SERVICE):
            yield Case(
                name=f"{language}/practice/{screen.value}",
                make_frame=partial(in_practice, screen, language),
            )
        for screen in Screen:
            frame = partial(walked_to, screen, language)
            yield Case(name=f"{language}/{screen.value}", make_frame=frame)
        for name, away in AWAY.items():
            frame = partial(ticket_away, away, language)
            yield Case(name=f"{language}/states/my_ticket_{name}", make_frame=frame)
        for name in PAYING:
            frame = partial(while_paying, name, language)
            yield Case(name=f"{language}/states/{name}", make_frame=frame)
        yield Case(
            name=f"{language}/states/out_of_service_no_numbers",
            make_frame=partial(without_numbers, language),
        )
        # States that a screen is in for a moment, or after trouble.
        for name, sample in make_frames(language).items():
            if name not in set(Screen):
                yield Case(name=f"{language}/states/{name}", make_frame=partial(replace, sample))
    for screen in (
        Screen.WELCOME,
        Screen.SCAN,
        Screen.TYPED_NUMBER,
        Screen.TRANSFER_NUMBER,
        Screen.DEPARTMENT,
        Screen.CONFIRM_IDENTITY,
        Screen.DONE,
        Screen.PAY_CODE,
        Screen.PAY_BILLS,
        Screen.PAY_METHOD,
        Screen.PAY_QR,
        Screen.PAID,
    ):
        frame = partial(walked_to, screen, "vi")
        name = screen.value
        yield Case(name=f"vi/landscape/{name}", make_frame=frame, size=LANDSCAPE)
        yield Case(name=f"vi/small/{name}", make_frame=frame, size=SMALL)
        yield Case(name=f"vi/large/{name}", make_frame=lambda frame=frame: large(frame()))
        yield Case(name=f"vi/lowered/{name}", make_frame=lambda frame=frame: lowered(frame()))
    for screen in (Screen.WELCOME, Screen.DONE):
        frame = partial(in_practice, screen, "vi")
        name = f"practice_{screen.value}"
        yield Case(name=f"vi/landscape/{name}", make_frame=frame, size=LANDSCAPE)
        yield Case(name=f"vi/small/{name}", make_frame=frame, size=SMALL)
        yield Case(name=f"vi/lowered/{name}", make_frame=lambda frame=frame: lowered(frame()))
    department = make_frames("vi")["department"]
    yield Case(name="vi/small/department_large", make_frame=lambda: large(department), size=SMALL)


CASES = {case.name: case for case in _cases()}


def draw(case: Case) -> Image.Image:
    """The frame painted off the glass, with a made-up camera picture where one belongs."""
    open_window()
    from kivy.graphics import ClearBuffers, ClearColor, Fbo, InstructionGroup

    from kiosk_ui.widgets.painter import Painter

    width, height = case.size
    panel = Panel(width_px=width, height_px=height, width_mm=get_width_mm(width, height))
    scene = lay_out(case.make_frame(), panel)
    fbo, group = Fbo(size=case.size), InstructionGroup()
    with fbo:
        ClearColor(*PAPER)
        ClearBuffers()
    fbo.add(group)
    painter = Painter(group, height)
    painter.paint(scene.content + scene.chrome + scene.overlay)
    for preview in painter.previews:
        preview.show(_camera_picture())
        preview.sweep(0.8)
    fbo.draw()
    picture = Image.frombytes("RGBA", case.size, fbo.pixels)
    return picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM).convert("RGB")


def _camera_picture() -> np.ndarray:
    """A blurred hand-sized card before a wall, drawn."""
    picture = np.full((720, 1280, 3), (150, 158, 160), dtype=np.uint8)
    picture[430:, :] = (122, 128, 132)
    picture[210:560, 350:910] = (205, 214, 196)
    picture[240:300, 390:700] = (120, 140, 110)
    picture[330:520, 390:540] = (170, 180, 165)
    picture[250:400, 730:880] = (245, 245, 245)
    dots = np.random.default_rng(7).integers(0, 2, (15, 15)).astype(np.uint8) * 255
    picture[258:393, 738:873] = np.kron(dots, np.ones((9, 9), dtype=np.uint8))[..., None]
    return picture


def different_share(one: Image.Image, other: Image.Image) -> float:
    """Share of pixels that differ by more than the palette explains."""
    if one.size != other.size:
        return 1.0
    first, second = (np.asarray(picture.convert("RGB"), dtype=np.int16) for picture in (one, other))
    return float((np.abs(first - second).max(axis=2) > FAR).mean())


@pytest.mark.parametrize("name", CASES)
def test_screen_looks_as_it_was_accepted(name: str) -> None:
    reference = HERE / f"{name}.png"
    drawn = draw(CASES[name])
    if os.environ.get("TIEPDON_GOLDEN") == "write":
        reference.parent.mkdir(parents=True, exist_ok=True)
        small = drawn.quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(reference, optimize=True)
        return
    assert reference.is_file(), "no accepted picture: make golden, look at it, commit it"
    with Image.open(reference) as accepted:
        share = different_share(accepted, drawn)
        if share > DIFFERENT_SHARE:
            _report(name, accepted.convert("RGB"), drawn)
    assert share <= DIFFERENT_SHARE, f"see {DIFFERENCES.name}/{name}.html"


def _report(name: str, accepted: Image.Image, drawn: Image.Image) -> None:
    """A page with the accepted picture, the drawn one and where they differ."""
    page = DIFFERENCES / f"{name}.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    pictures = {"accepted": accepted, "drawn": drawn}
    if accepted.size == drawn.size:
        first, second = (np.asarray(picture, dtype=np.int16) for picture in (accepted, drawn))
        far = np.abs(first - second).max(axis=2) > FAR
        pictures["difference"] = Image.fromarray(np.where(far, 0, 235).astype(np.uint8))
    cells = []
    for label, picture in pictures.items():
        file = page.with_suffix(f".{label}.png")
        picture.save(file)
        cells.append(f"<figure><figcaption>{label}</figcaption><img src='{file.name}'></figure>")
    style = "<style>body{display:flex;gap:1em;font:1em sans-serif}img{width:30vw}</style>"
    page.write_text(f"<title>{html.escape(name)}</title>{style}{''.join(cells)}", encoding="utf-8")


def test_no_accepted_picture_is_left_over() -> None:
    kept = {file.relative_to(HERE).with_suffix("").as_posix() for file in HERE.rglob("*.png")}
    assert kept - set(CASES) == set()


def test_a_moved_word_is_a_difference() -> None:
    case = CASES["vi/notice"]
    frame = case.make_frame()
    fewer = replace(frame, view=replace(frame.view, choices=frame.view.choices[:-1]))
    moved = replace(case, make_frame=lambda: fewer)
    assert different_share(draw(case), draw(moved)) > DIFFERENT_SHARE
    assert different_share(draw(case), draw(case)) == 0.0


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, case in CASES.items()
        if name.endswith(("/pay_qr", "/pay_qr_wallet", "/pay_qr_rest", "/pay_qr_line_lost"))
    ],
)
def test_the_code_to_pay_is_large_enough_and_can_be_read(name: str) -> None:
    """By another reader than made it; a module is 0.8 mm at least, the quiet zone whole."""
    import zxingcpp

    case = CASES[name]
    picture = np.asarray(draw(case))
    view = case.make_frame().view
    assert isinstance(view, PayView)
    [read] = zxingcpp.read_barcodes(picture)
    assert read.text == view.qr
    modules = make_modules(view.qr).shape[0] - 2 * QUIET_MODULES
    corners = read.position
    module_px = (corners.top_right.x - corners.top_left.x + 1) / modules
    width_mm = get_width_mm(*case.size)
    assert module_px * width_mm / case.size[0] >= LEAST_MODULE_MM - 0.01
    quiet = round(module_px * QUIET_MODULES) - 1
    left, top = corners.top_left.x, corners.top_left.y
    right, bottom = corners.bottom_right.x, corners.bottom_right.y
    around = picture[top - quiet : bottom + quiet, left - quiet : right + quiet].copy()
    around[quiet:-quiet, quiet:-quiet] = 255
    assert (around == 255).all()


@pytest.mark.parametrize("name", ["vi/done", "vi/small/done", "vi/landscape/done"])
def test_the_code_for_the_phone_can_be_read(name: str) -> None:
    import zxingcpp

    reads = zxingcpp.read_barcodes(np.asarray(draw(CASES[name])))
    view = CASES[name].make_frame().view
    assert isinstance(view, TicketView)
    assert [read.text for read in reads] == [view.qr]
