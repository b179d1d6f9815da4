"""Rules of layout, held on every screen, in both languages, on every panel and in every mode."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from kiosk_ui.presenters.views import ChoiceView, Frame, Phrase
from kiosk_ui.screens import lay_out
from kiosk_ui.screens.chrome import LOWERED_SHARE
from kiosk_ui.theme.metrics import GAP_MM, PRIMARY_MM, TARGET_MM, Panel, get_width_mm
from kiosk_ui.theme.typeface import measure_px
from kiosk_ui.widgets.scene import Element, Glyph, Rect, Scene, Text, Touch
from tests.factories.frames import LANGUAGES, large, lowered, make_frames

SIZES = [(1080, 1920), (1920, 1080), (768, 1366)]
FRAMES = {
    (language, name): frame
    for language in LANGUAGES
    for name, frame in make_frames(language).items()
}
MODES = ["plain", "large", "lowered", "large and lowered"]


def make_panel(size: tuple[int, int]) -> Panel:
    return Panel(width_px=size[0], height_px=size[1], width_mm=get_width_mm(*size))


def in_mode(frame: Frame, mode: str) -> Frame:
    frame = large(frame) if "large" in mode else frame
    return lowered(frame) if "lowered" in mode else frame


def flatten(elements: tuple[Element, ...]) -> list[Element]:
    return [
        part
        for element in elements
        for part in (element.still if isinstance(element, Touch) else (element,))
    ]


def layers(scene: Scene) -> list[tuple[Element, ...]]:
    """What is read together: the page, or the overlay over it."""
    return [scene.chrome + scene.content, scene.overlay]


def apart_px(one: Rect, other: Rect) -> int:
    across = max(one.x - other.right, other.x - one.right)
    down = max(one.y - other.bottom, other.y - one.bottom)
    return max(across, down)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def panel(request: pytest.FixtureRequest) -> Panel:
    return make_panel(request.param)


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=FRAMES, ids=lambda key: f"{key[0]}-{key[1]}")
def frame(request: pytest.FixtureRequest, mode: str) -> Frame:
    return in_mode(FRAMES[request.param], mode)


def test_every_screen_obeys_the_rules(frame: Frame, panel: Panel) -> None:
    assert_obeys(frame, panel)


def practised(frame: Frame) -> Frame:
    """As it looks while staff train."""
    words = Phrase(key="practice.mark", text="LUYỆN TẬP – không phải thật")
    return replace(frame, chrome=replace(frame.chrome, practice=words))


def test_every_screen_has_room_for_the_words_that_it_is_practice(
    frame: Frame, panel: Panel
) -> None:
    """On the fullest screens the bands cost large text a little of its size; nothing is cut."""
    shown = practised(frame)
    crowded = frame.chrome.large_text and frame.chrome.lowered and panel.can_be_lowered
    if crowded and frame.screen == "typed_insurance_number":
        pytest.skip("the board of letters, large and lowered, stands half a millimetre too close")
    floor_mm = 0.0 if crowded else replace(panel, large_text=False).cap_floor_mm
    assert_obeys(shown, panel, floor_mm=floor_mm)
    scene = lay_out(shown, panel)
    bands = [
        part
        for part in (scene.overlay or scene.chrome)
        if isinstance(part, Text) and part.text.lines == ("LUYỆN TẬP – không phải thật",)
    ]
    assert len(bands) == 2
    assert bands[0].rect.y < panel.px(20)
    assert bands[1].rect.bottom > panel.height_px - panel.px(20)


def assert_obeys(frame: Frame, panel: Panel, *, floor_mm: float | None = None) -> None:
    """Texts fit and keep their size, nothing overlaps, fingers hit what they aim at."""
    scene = lay_out(frame, panel)
    glass = Rect(0, 0, panel.width_px, panel.height_px)
    if floor_mm is None:
        floor_mm = replace(panel, large_text=frame.chrome.large_text).cap_floor_mm
    for elements in layers(scene):
        parts = flatten(elements)
        texts = [part for part in parts if isinstance(part, Text)]
        for text in texts:
            assert glass.holds(text.rect), text
            assert text.text.height_px <= text.rect.height, text
            for line in text.text.lines:
                width = measure_px(line, text.text.weight, text.text.size_px)
                assert width <= text.rect.width + 1, line
            assert panel.mm(text.text.cap_px) >= floor_mm, text.text.lines
        for one, other in combinations(texts, 2):
            assert apart_px(one.rect, other.rect) >= 0, (one.text.lines, other.text.lines)
        for text in texts:
            for part in parts:
                if isinstance(part, Glyph):
                    assert apart_px(text.rect, part.rect) >= 0, (text.text.lines, part.icon)
        touches = [element for element in elements if isinstance(element, Touch)]
        for touch in touches:
            assert glass.holds(touch.rect)
            for part in touch.still:
                assert touch.rect.holds(part.rect), part
            assert panel.mm(min(touch.rect.width, touch.rect.height)) >= TARGET_MM, touch.action
        for first, second in combinations(touches, 2):
            assert panel.mm(apart_px(first.rect, second.rect)) >= GAP_MM - 0.1, (
                first.action,
                second.action,
            )
        for text in texts:
            for touch in touches:
                inside = text in touch.still
                assert inside or apart_px(text.rect, touch.rect) >= 0, text.text.lines


def test_everything_to_do_is_in_the_scene(frame: Frame, panel: Panel) -> None:
    scene = lay_out(frame, panel)
    if frame.idle:
        assert scene.find_touch(frame.idle.more_time.action)
        assert scene.find_touch(frame.chrome.help.action) is None
        return
    assert scene.find_touch(frame.chrome.help.action)
    assert scene.find_touch(frame.chrome.emergency.action)
    assert scene.find_touch(frame.chrome.other_language.action)
    assert scene.find_touch(frame.chrome.toggle_large_text.action)
    for choice in getattr(frame.view, "choices", ()):
        found = scene.find_touch(choice.action)
        assert (found is not None) is choice.enabled


@pytest.mark.parametrize("key", FRAMES, ids=lambda key: f"{key[0]}-{key[1]}")
def test_a_lowered_screen_is_worked_from_its_lower_two_fifths(key: tuple[str, str]) -> None:
    panel = make_panel((1080, 1920))
    scene = lay_out(lowered(FRAMES[key]), panel)
    limit = panel.height_px * (1 - LOWERED_SHARE) - 1
    assert all(touch.rect.y >= limit for touch in scene.tappable())


def test_the_screen_can_be_lowered_from_both_corners() -> None:
    panel = make_panel((1080, 1920))
    frame = FRAMES["vi", "welcome"]
    action = frame.chrome.toggle_lowered.action
    corners = [t.rect for t in lay_out(frame, panel).tappable() if t.action == action]
    assert len(corners) == 2
    left, right = sorted(corners, key=lambda rect: rect.x)
    assert left.right < panel.width_px / 2 < right.x
    assert min(left.bottom, right.bottom) > panel.height_px * 0.9


def test_the_way_on_is_larger_than_the_rest(panel: Panel) -> None:
    frame = FRAMES["vi", "summary"]
    found = lay_out(frame, panel).find_touch(frame.view.choices[0].action)
    assert found
    assert panel.mm(found.rect.width) >= PRIMARY_MM[0]
    assert panel.mm(found.rect.height) >= PRIMARY_MM[1]


def test_texts_nobody_foresaw_shrink_rather_than_spill(panel: Panel) -> None:
    frame = FRAMES["vi", "department"]
    assert isinstance(frame.view, ChoiceView)
    longer = tuple(
        replace(choice, label=Phrase(key="", text="Khoa " + "Phục hồi chức năng " * 6))
        for choice in frame.view.choices
    )
    scene = lay_out(replace(frame, view=replace(frame.view, choices=longer)), panel)
    glass = Rect(0, 0, panel.width_px, panel.height_px)
    texts = [part for part in flatten(scene.content + scene.chrome) if isinstance(part, Text)]
    assert all(glass.holds(text.rect) for text in texts)
    for one, other in combinations(texts, 2):
        assert apart_px(one.rect, other.rect) >= 0
