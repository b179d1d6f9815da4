"""Forms of settings, drawn from what each setting takes and read back the same way.

What cannot be read stays as it was typed: the check of the setting then says what is wrong with
it, and the form shows it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeGuard

from werkzeug.datastructures import MultiDict

from backend.domain.setting_kinds import (
    ROW_FAULT,
    Choice,
    Count,
    Day,
    Like,
    Line,
    LoadAims,
    Said,
    Seconds,
    SettingKind,
    Sums,
    Table,
    TimeZone,
    VisitKinds,
    YesNo,
)
from backend.domain.settings_checks import GROUP_KINDS
from backend.domain.settings_file import (
    ABSENT,
    GROUPS,
    SECTIONS,
    Fault,
    Path,
    State,
    read_path,
    show_path,
)
from backend.domain.settings_guide import Group, find_entry, get_kind
from payments.models import Money

MAX_TYPED_CHARS = 400
NEW_ROWS = 2
MOST_SHOWN = 1_000
_DAYS = frozenset({"valid_from", "valid_to"})
HERE = "here:"
"""Begins the name of what tells that a form shows a setting: an empty box is not always sent."""
_GROUPED = re.compile(r"[0-9]{1,3}([. ,][0-9]{3})+")
_WHOLE = re.compile(r"-?[0-9]{1,12}")

Words = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Box:
    """One place to type in. `key` names it inside its setting: a lane, a position."""

    name: str
    key: str
    value: str
    type: str = "text"
    least: object = None
    most: object = None
    step: str | None = None
    needed: bool = False


@dataclass(frozen=True, kw_only=True)
class Field:
    """One setting on a page. `shape` tells the template how it looks."""

    path: Path
    name: str
    words: str
    shape: str
    boxes: Sequence[Box]
    unit: str | None
    options: Sequence[tuple[str, bool]] = ()
    """Of a choice: its value, and whether it is chosen."""
    faults: Sequence[str] = ()
    faulty_keys: frozenset[str] = frozenset()
    """Of the boxes to blame; empty when all are."""
    limits: tuple[int, int] | None = None


# --- reading ---------------------------------------------------------------------------------


def read_group(form: MultiDict[str, str], group: Group) -> State:
    """What a form wants of the settings it shows, rows that are not there yet included."""
    shown = {each.path for each in group.entries}
    names = (name.removeprefix(HERE) for name in form if name.startswith(HERE))
    wish: State = {}
    for name in names:
        path = tuple(name.split("."))
        if path in shown or (group.rows and is_column(path)):
            wish[path] = read_value(form, name, get_kind(path))
    return wish


def is_column(path: Path) -> bool:
    return len(path) == 3 and path[0] == "priority_groups" and path[2] in GROUP_KINDS


def read_new_row(form: MultiDict[str, str]) -> tuple[str, State]:
    """The code somebody typed for a priority group, empty when none, and what they want of it."""
    code = re.sub(r"[.\s]+", "_", _line(form, "new:code"))
    columns = {("priority_groups", code, name): f"new:{name}" for name in GROUP_KINDS}
    if not code:
        return "", {}
    return code, {path: read_value(form, name, get_kind(path)) for path, name in columns.items()}


def box_name(path: Path) -> str:
    return ".".join(path)


def read_value(form: MultiDict[str, str], name: str, kind: SettingKind) -> Any:
    match kind:
        case YesNo():
            return name in form
        case Choice(choices=choices):
            typed = _line(form, name)
            return None if typed == "" and None in choices else typed
        case Count(or_none=or_none):
            return _number(_line(form, name), or_none=or_none)
        case Seconds():
            return _seconds(_line(form, name))
        case Day(or_none=or_none):
            typed = _line(form, name)
            return None if typed == "" and or_none else typed
        case Table():
            return dict(_read_table(form, name, kind))
        case LoadAims(count=count):
            return [_number(_line(form, f"{name}:{index}")) for index in range(count)]
        case Sums():
            entered = (_line(form, f"{name}:{index}") for index in range(kind.most))
            return [_number(each) for each in entered if each]
        case VisitKinds():
            return list(_read_visit_kinds(form, name, kind))
    return _line(form, name)


def _read_table(form: MultiDict[str, str], name: str, kind: Table) -> Iterator[tuple[str, Any]]:
    for key in form:
        row = key.removeprefix(f"{name}:")
        if row == key:
            continue
        typed = _line(form, key)
        if typed or row in kind.names:
            yield row, _number(typed) if isinstance(kind.of, Count) else typed


def _read_visit_kinds(form: MultiDict[str, str], name: str, kind: VisitKinds) -> Iterator[Any]:
    """Rows in the order of the form; one without any label is dropped."""
    for index in range(kind.most + NEW_ROWS):
        code, vi, en = (_line(form, f"{name}:{index}:{part}") for part in ("code", "vi", "en"))
        if vi or en:
            yield {"code": code, "label": {"vi": vi, "en": en}}


def _line(form: MultiDict[str, str], name: str) -> str:
    return " ".join(form.get(name, "")[:MAX_TYPED_CHARS].split())


def _number(typed: str, *, or_none: bool = False) -> Any:
    """Also as people write sums: 200.000."""
    if typed == "" and or_none:
        return None
    plain = re.sub(r"[. ,]", "", typed) if _GROUPED.fullmatch(typed) else typed
    return int(plain) if _WHOLE.fullmatch(plain) else typed


def _seconds(typed: str) -> Any:
    """A comma is how Vietnam writes the point."""
    try:
        return float(typed.replace(",", "."))
    except ValueError:
        return typed


# --- drawing ---------------------------------------------------------------------------------


def draw_field(path: Path, values: State, faults: Sequence[Fault], t: Words) -> Field:
    return _draw(path, box_name(path), values.get(path, ABSENT), faults, values, t)


def draw_new_row(form: MultiDict[str, str], t: Words) -> list[Field]:
    """Fields of a priority group that is not there yet; what was typed for it stays."""
    is_new = "new:rank" not in form
    usual = {"rank": 1, "self_declared": True} if is_new else {}
    return [
        _draw(
            ("priority_groups", "", name),
            f"new:{name}",
            usual.get(name) if is_new else read_value(form, f"new:{name}", kind),
            (),
            {},
            t,
        )
        for name, kind in GROUP_KINDS.items()
    ]


def place_of(fault: Fault, values: State, t: Words) -> str:
    """Where a fault of a file is, in words: which row, and which of its values."""
    parts = read_path(fault.path)
    names = tuple(part for part in parts if isinstance(part, str))
    is_flat = names[:1] == ("facility",) or (
        names[:1] == ("settings",) and not GROUPS & set(names[1:2])
    )
    path = names[: 2 if is_flat else 3]
    if path[:1] not in {(section,) for section in SECTIONS} or len(path) < (2 if is_flat else 3):
        return ""
    index = parts[-1]
    row = f" ({t['set_row'].format(number=index + 1)})" if isinstance(index, int) else ""
    try:
        return label_of(path, t, values) + row
    except KeyError:
        return ""


def _draw(
    path: Path, name: str, value: Any, faults: Sequence[Fault], values: State, t: Words
) -> Field:
    kind, entry = get_kind(path), find_entry(path)
    shape, boxes = _boxes(name, kind, value, values)
    options: list[tuple[str, bool]] = []
    if isinstance(kind, Choice):
        options = [(choice or "", choice == value) for choice in kind.choices]
    mine = show_path(path)
    found = [
        fault
        for fault in faults
        if fault.path == mine or fault.path.startswith((f"{mine}.", f"{mine}["))
    ]
    rows = t["set_rows"].get(words_of(path), {})
    return Field(
        path=path,
        name=name,
        words=words_of(path),
        shape=shape,
        boxes=boxes,
        unit=entry.unit if entry else None,
        options=options,
        faults=[_tell(fault, rows, t) for fault in found],
        faulty_keys=frozenset(key for fault in found if (key := _key_of(fault, mine))),
        limits=(kind.least, kind.most) if _is_narrow(kind) else None,
    )


def _key_of(fault: Fault, mine: str) -> str:
    """Which row of a table is to blame; empty when it is all of the setting."""
    if isinstance(fault.words, Said) and fault.words.template == ROW_FAULT:
        return str(fault.words.facts["name"])
    return fault.path.removeprefix(mine).lstrip(".")


def _tell(fault: Fault, rows: Words, t: Words) -> str:
    if isinstance(fault.words, Said) and fault.words.template == ROW_FAULT:
        name, inner = str(fault.words.facts["name"]), fault.words.facts["words"]
        said = translate(inner, t) if isinstance(inner, str) else str(inner)
        return f"{rows.get(name, name)}: {said}"
    return translate(fault.words, t)


def _is_narrow(kind: SettingKind) -> TypeGuard[Count]:
    """Limits that somebody may meet; the others keep out nonsense and are told with the fault."""
    return isinstance(kind, Count) and kind.most <= MOST_SHOWN


def words_of(path: Path) -> str:
    """Under which name the words of a leaf stand."""
    if path[0] == "priority_groups":
        return path[-1]
    return ".".join(path if path[0] == "facility" else path[1:])


def _boxes(name: str, kind: SettingKind, value: Any, values: State) -> tuple[str, list[Box]]:
    typed = "" if value is None or value is ABSENT else str(value)
    match kind:
        case YesNo():
            return "yes_no", [Box(name=name, key="", value="on" if value is True else "")]
        case Choice():
            return "choice", [Box(name=name, key="", value=typed)]
        case Count(least=least, most=most, or_none=or_none):
            return "figure", [_figure(name, "", value, least, most, needed=not or_none)]
        case Seconds(least=low, most=high):
            box = Box(
                name=name, key="", value=f"{value:g}" if isinstance(value, float) else typed,
                type="number", least=low, most=high, step="0.1", needed=True,
            )  # fmt: skip
            return "figure", [box]
        case Day(or_none=or_none):
            return "line", [Box(name=name, key="", value=typed, type="date", needed=not or_none)]
        case Like(most=most):
            return "short", [Box(name=name, key="", value=typed, most=most, needed=True)]
        case Line(most=most, empty=empty):
            return "line", [Box(name=name, key="", value=typed, most=most, needed=not empty)]
        case TimeZone():
            return "line", [Box(name=name, key="", value=typed, most=64, needed=True)]
        case Table():
            return "table", list(_table_boxes(name, kind, value, values))
        case LoadAims(count=count, of=of):
            figures = _list(value) + [""] * count
            return "table", [
                _figure(f"{name}:{index}", str(index), figures[index], of.least, of.most)
                for index in range(count)
            ]
        case Sums(most=most, of=of):
            sums = _list(value) + [""] * most
            return "sums", [
                _figure(f"{name}:{index}", "", sums[index], of.least, of.most, needed=False)
                for index in range(most)
            ]
        case VisitKinds():
            return "visit_kinds", list(_visit_kind_boxes(name, value))
    return "line", [Box(name=name, key="", value=typed)]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _figure(name: str, key: str, value: Any, least: int, most: int, *, needed: bool = True) -> Box:
    """Something typed that is no number is shown as text, for a number field would hide it."""
    is_number = value is None or value is ABSENT or value == "" or type(value) is int
    typed = "" if value is None or value is ABSENT else str(value)
    return Box(
        name=name,
        key=key,
        value=typed,
        type="number" if is_number else "text",
        least=least,
        most=most,
        needed=needed,
    )


def _table_boxes(name: str, kind: Table, value: Any, values: State) -> Iterator[Box]:
    present = value if isinstance(value, Mapping) else {}
    rows = dict.fromkeys(kind.names)
    if not kind.only:
        kinds = values.get(("settings", "visit_kinds"))
        rows |= dict.fromkeys(each["code"] for each in _list(kinds) if isinstance(each, Mapping))
        rows |= dict.fromkeys(present)
    for row in rows:
        typed, needed = present.get(row, ""), row in kind.names
        if isinstance(kind.of, Count):
            yield _figure(f"{name}:{row}", row, typed, kind.of.least, kind.of.most, needed=needed)
        else:
            yield Box(
                name=f"{name}:{row}", key=row, value=str(typed), most=kind.of.most, needed=needed
            )


def _visit_kind_boxes(name: str, value: Any) -> Iterator[Box]:
    rows = [each for each in _list(value) if isinstance(each, Mapping)]
    for index, each in enumerate([*rows, *({} for _ in range(NEW_ROWS))]):
        label = each.get("label", {})
        parts = (("code", each.get("code", "")), ("vi", label.get("vi")), ("en", label.get("en")))
        for part, typed in parts:
            yield Box(name=f"{name}:{index}:{part}", key=part, value=typed or "", most=200)


# --- words -----------------------------------------------------------------------------------


def translate(words: str, t: Words) -> str:
    """A sentence of a check in the language of the page; English when the page has none."""
    if not isinstance(words, Said):
        return words
    facts = {
        name: translate(fact, t) if isinstance(fact, str) else fact
        for name, fact in words.facts.items()
    }
    template: str = t["set_said"].get(words.template, words.template)
    return template.format(**facts)


def label_of(path: Path, t: Words, values: State) -> str:
    """What a leaf is called on pages, with its row."""
    name = words_of(path)
    if path[0] == "priority_groups":
        row = values.get((*path[:2], "label_vi")) or path[1]
        return f"{t['set_priority_group']} “{row}”: {t['set_fields'][name]['label']}"
    if path[0] in {"displays", "kiosks"}:
        row = path[1] if path[0] == "displays" else values.get((*path[:2], "name"), path[1])
        word = t["set_display" if path[0] == "displays" else "set_kiosk"]
        return f"{word} “{row}”: {t['set_leaves'].get(path[2], path[2])}"
    if path[:2] == ("settings", "calling"):
        return f"{t['set_calling']}: {t['set_leaves'].get(path[2], path[2])}"
    found = t["set_fields"].get(name)
    return found["label"] if found else show_path(path)


def show_value(path: Path, value: Any, t: Words) -> str:
    """A value as people read it."""
    if value is ABSENT:
        return str(t["set_absent"])
    if isinstance(value, bool):
        return str(t["set_yes"] if value else t["set_no"])
    name = words_of(path)
    if name in _DAYS and isinstance(value, str):
        return _as_day(value)
    if name in t["set_choices"]:
        return str(t["set_choices"][name].get(value or "", value))
    if value is None or value in ("", [], {}):
        return str(t["set_none"])
    entry = find_entry(path)
    unit = entry.unit if entry else None
    rows = t["set_rows"].get(name, {})
    if isinstance(value, Mapping):
        return " · ".join(
            f"{rows.get(key, key)}: {_with_unit(each, unit, t)}" for key, each in value.items()
        )
    if isinstance(value, list):
        return " · ".join(
            each["label"]["vi"] if isinstance(each, Mapping) else _with_unit(each, unit, t)
            for each in value
        )
    return _with_unit(value, unit, t)


def _as_day(typed: str) -> str:
    try:
        return date.fromisoformat(typed).strftime("%d/%m/%Y")
    except ValueError:
        return typed


def _with_unit(value: Any, unit: str | None, t: Words) -> str:
    if isinstance(value, Mapping):
        return str(dict(value))
    if unit == "vnd" and type(value) is int:
        return str(Money(value))
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{shown} {t['set_units'][unit]}" if unit else shown
