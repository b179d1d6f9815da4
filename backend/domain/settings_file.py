"""Everything a hospital decided about its facility as one file: written, read, compared, checked.

The state is a map from paths to values, `("settings", "standing", "level")` to `"basic"`: leaves
are compared, changed and taken back one by one. A value that is a list or an open table of its
own, such as the letters of lanes, is one leaf.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from backend.domain.setting_kinds import say

FORMAT = "tiepdon-settings/1"
MAX_FILE_CHARS = 1_000_000
SECTIONS = ("facility", "settings", "priority_groups", "displays", "kiosks")
GROUPS = frozenset({"standing", "calling"})
"""Settings with settings of their own, one leaf each."""
_ROWS = frozenset({"priority_groups", "displays", "kiosks"})
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")

Path: TypeAlias = tuple[str, ...]
State: TypeAlias = dict[Path, Any]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`words` say in a plain sentence why what stands at `path` cannot be."""

    path: str
    words: str

    def __str__(self) -> str:
        return f"{self.path}: {self.words}" if self.path else self.words


class Absent:
    """Stands for a leaf that is not there, because null is a value."""

    def __repr__(self) -> str:
        return "–"


ABSENT = Absent()


@dataclass(frozen=True, kw_only=True)
class Change:
    """One leaf before and after; ABSENT where its row is new, or goes."""

    path: Path
    before: Any
    after: Any

    def reverse(self) -> Change:
        return Change(path=self.path, before=self.after, after=self.before)

    def to_json(self) -> dict[str, Any]:
        values = {"before": self.before, "after": self.after}
        present = {name: value for name, value in values.items() if value is not ABSENT}
        return {"path": list(self.path)} | present

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Change:
        return cls(
            path=tuple(document["path"]),
            before=document.get("before", ABSENT),
            after=document.get("after", ABSENT),
        )

    def __str__(self) -> str:
        before, after = (_show(value) for value in (self.before, self.after))
        return f"{show_path(self.path)}: {before} → {after}"


def _show(value: Any) -> str:
    return repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)


def show_path(path: Iterable[str | int]) -> str:
    """`settings.standing.level`, `displays["Sảnh A"].rooms[1]`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            shown += f"[{json.dumps(part, ensure_ascii=False)}]"
    return shown


_PARTS = re.compile(r'\.?([A-Za-z0-9_-]+)|\[([0-9]+)\]|\[("(?:[^"\\]|\\.)*")\]')


def read_path(shown: str) -> tuple[str | int, ...]:
    """What `show_path` was given; empty for what is no path of it."""
    parts: list[str | int] = []
    place = 0
    while place < len(shown):
        found = _PARTS.match(shown, place)
        if found is None:
            return ()
        plain, index, quoted = found.groups()
        parts.append(plain or (int(index) if index else str(json.loads(quoted))))
        place = found.end()
    return tuple(parts)


def flatten(sections: Mapping[str, Any]) -> State:
    """Raises KeyError for no section of the state; values are as JSON reads them."""
    state: State = {}
    for section, names in sections.items():
        for name, value in names.items():
            deeper = section in _ROWS or (section == "settings" and name in GROUPS)
            if not deeper:
                state[section, name] = value
                continue
            state |= {(section, name, key): each for key, each in value.items()}
    return state


def nest(state: State) -> dict[str, Any]:
    """The other way round. Every section is there, empty or not."""
    sections: dict[str, Any] = {section: {} for section in SECTIONS}
    for path, value in state.items():
        place = sections
        for part in path[:-1]:
            place = place.setdefault(part, {})
        place[path[-1]] = value
    return sections


def compose_file(state: State) -> str:
    """The same state is the same text, byte for byte, whichever database it comes from."""
    ordered = json.loads(json.dumps(nest(state), sort_keys=True))
    document = {"format": FORMAT} | {section: ordered[section] for section in SECTIONS}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def fingerprint(state: State) -> str:
    """Tells whether somebody changed anything since."""
    return hashlib.sha256(compose_file(state).encode()).hexdigest()


def list_changes(present: State, wanted: State) -> tuple[Change, ...]:
    """In the order of the file. 1, 1.0 and true are three values."""
    order = {section: position for position, section in enumerate(SECTIONS)}
    changes = [
        Change(path=path, before=present.get(path, ABSENT), after=wanted.get(path, ABSENT))
        for path in present.keys() | wanted.keys()
    ]
    return tuple(
        sorted(
            (change for change in changes if _show(change.before) != _show(change.after)),
            key=lambda change: (order[change.path[0]], change.path),
        )
    )


def is_before(state: State, changes: Iterable[Change]) -> bool:
    """Whether all that `changes` begin with still stands so."""
    return all(_show(state.get(each.path, ABSENT)) == _show(each.before) for each in changes)


def with_changes(state: State, changes: Iterable[Change]) -> State:
    changed = dict(state)
    for change in changes:
        if change.after is ABSENT:
            changed.pop(change.path, None)
        else:
            changed[change.path] = change.after
    return changed


def parse_file(text: str) -> State | tuple[Fault, ...]:
    """What the file says, or why it says nothing. What it leaves out is left out of the state."""
    if len(text) > MAX_FILE_CHARS:
        return (_whole(say("The file is too large to be an export of settings.")),)
    repeated: list[str] = []

    def take(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        repeated.extend(name for name in dict(pairs) if names.count(name) > 1)
        return dict(pairs)

    try:
        document = json.loads(text, object_pairs_hook=take)
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError):
            return (_whole(say("The file is not JSON in line {line}.", line=error.lineno)),)
        return (_whole(say("The file is not JSON.")),)
    if not isinstance(document, Mapping) or "format" not in document:
        return (_whole(say("This is no export of settings.")),)
    if document["format"] != FORMAT:
        return (Fault(path="format", words=say("This version reads {form} only.", form=FORMAT)),)
    if repeated:
        return tuple(
            Fault(path=show_path([name]), words=say("Stands here twice.")) for name in repeated
        )
    sections = {name: value for name, value in document.items() if name != "format"}
    faults = tuple(_find_shape_faults(sections))
    return faults or flatten(sections)


def _find_shape_faults(sections: Mapping[str, Any]) -> Iterable[Fault]:
    for section, names in sections.items():
        if section not in SECTIONS:
            yield Fault(path=show_path([section]), words=say("There is no section of this name."))
            continue
        if not isinstance(names, Mapping):
            yield Fault(path=section, words=say("Takes names with values, in braces."))
            continue
        for name, value in names.items():
            deeper = section in _ROWS or (section == "settings" and name in GROUPS)
            if deeper and not (isinstance(value, Mapping) and value):
                words = say("Takes names with values, in braces.")
                yield Fault(path=show_path([section, name]), words=words)


def _whole(words: str) -> Fault:
    return Fault(path="", words=words)
