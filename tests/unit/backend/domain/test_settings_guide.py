"""Every setting has a place on the pages, with words in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from backend import domain
from backend.domain.setting_kinds import Choice, LoadAims, Said, Table, say
from backend.domain.settings import FacilitySettings
from backend.domain.settings_checks import GROUP_KINDS
from backend.domain.settings_file import State, flatten, read_path, show_path
from backend.domain.settings_guide import (
    GROUPS,
    find_entry,
    find_group,
    get_kind,
    list_missing,
    list_paths,
)
from backend.web.page_texts import texts
from backend.web.settings_form import words_of

STATE: State = flatten({"settings": FacilitySettings().to_json()})
ENTRIES = [entry for group in GROUPS for entry in group.entries]


def words(lang: Any = "vi") -> Any:
    return texts(lang, "settings")


def test_no_setting_is_forgotten() -> None:
    assert list_missing(STATE) == []
    assert list_missing({("settings", "brand_new"): 1}) == [("settings", "brand_new")]


def test_every_entry_is_a_setting_there_is() -> None:
    for entry in ENTRIES:
        assert entry.path[0] == "facility" or entry.path in STATE, entry
    assert len({entry.path for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_setting_has_its_words(entry: Any) -> None:
    name = words_of(entry.path)
    for lang in ("vi", "en"):
        assert set(words(lang)["set_fields"][name]) == {"label", "text", "example"}
        assert entry.counts.value in words(lang)["set_count_words"]
        assert entry.touches.value in words(lang)["set_touch_words"]
        assert entry.unit is None or entry.unit in words(lang)["set_units"]
        if isinstance(entry.kind, Choice):
            shown = {choice or "" for choice in entry.kind.choices}
            assert set(words(lang)["set_choices"][name]) == shown
        if isinstance(entry.kind, Table) and entry.kind.only:
            assert set(words(lang)["set_rows"][name]) == set(entry.kind.names)
        if isinstance(entry.kind, LoadAims):
            assert len(words(lang)["set_rows"][name]) == entry.kind.count


def test_what_stands_now_is_taken_by_its_own_kind() -> None:
    for entry in ENTRIES:
        if entry.path in STATE:
            value = STATE[entry.path]
            assert entry.kind(list(value) if isinstance(value, tuple) else value) in {
                None,
                "Every kind of visit takes a code and a label with vi and en.",
            }


def test_groups_and_rows() -> None:
    assert find_group("numbers") is not None
    assert find_group("../x") is None
    group = find_group("priority")
    assert group is not None
    state: State = {
        ("priority_groups", "b", "rank"): 1,
        ("priority_groups", "a", "rank"): 2,
    }
    assert [path[1] for path in list_paths(group, state)][:: len(GROUP_KINDS)] == ["b", "a"]
    assert find_entry(("priority_groups", "a", "rank")) is not None
    assert find_entry(("displays", "Sảnh", "zone")) is None
    with pytest.raises(KeyError):
        get_kind(("priority_groups", "a", "nothing"))
    for column in GROUP_KINDS:
        assert column in words()["set_fields"]


def test_a_sentence_keeps_how_it_was_made() -> None:
    said = say("Takes no {name}.", name="x")
    assert isinstance(said, Said)
    assert (str(said), said.template, said.facts) == (
        "Takes no x.",
        "Takes no {name}.",
        {"name": "x"},
    )


def test_every_sentence_of_a_check_is_known_in_vietnamese() -> None:
    folder = Path(domain.__file__).parent
    known = set(words()["set_said"])
    for module in ("setting_kinds", "settings_checks", "settings_file", "numbering"):
        source = (folder / f"{module}.py").read_text(encoding="utf-8")
        joined = re.sub(r'"\s*\n\s*"', "", source)
        written = re.findall(r'(?:say\(\s*|words = |words=)"((?:[^"\\]|\\.)*)"', joined)
        missing = {each for each in written if each not in known}
        assert missing == set(), module


@pytest.mark.parametrize(
    "parts",
    [
        ("settings", "late_min"),
        ("displays", "Sảnh A", "rooms", 1),
        ("displays", 'Sảnh "B"] \\', "zone"),
        ("kiosks", "01a2-x", "name"),
        (),
    ],
)
def test_a_place_is_read_as_it_was_shown(parts: tuple[str | int, ...]) -> None:
    assert read_path(show_path(parts)) == parts


@pytest.mark.parametrize("shown", ["a b", '["open', "a..b", "a]"])
def test_what_is_no_place(shown: str) -> None:
    assert read_path(shown) == ()
