"""What a settings file may say: every changed value by itself, then what has to fit together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from backend.domain.calling_settings import TEMPLATES, CallingSettings
from backend.domain.catalogue import Catalogue
from backend.domain.displays import DisplayFault, DisplayKind, DisplayWish, find_fault
from backend.domain.numbering import find_numbering_fault
from backend.domain.offline_numbers import list_letters
from backend.domain.settings import CheckinSender, FacilitySettings
from backend.domain.settings_file import ABSENT, Change, Fault, State, nest, show_path

MAX_COUNT = 10_000
"""Of minutes, months, people: more would lead out of the calendar."""
MAX_SECONDS = 100_000
MAX_VND = 1_000_000_000
MAX_TEXT_CHARS = 200
MAX_VISIT_KINDS = 20

_LETTERS = re.compile(r"[A-Z]{1,3}")
_CODE = re.compile(r"[a-z0-9_]{1,40}")
_PREFIX = re.compile(r"[A-Z]{2}")
_CARE_TYPE = re.compile(r"[0-9]{2}")
_LEAST = {"advance_step_vnd": 1, "calls_before_missed": 1, "large_payment_vnd": 1}
_DEFAULTS = FacilitySettings()
_GROUP_NAMES = frozenset(
    {
        "label_vi", "label_en", "rank", "age_from_years", "age_below_years", "self_declared",
        "legal_basis", "valid_from", "valid_to",
    }
)  # fmt: skip

Check = Callable[[Any], str | None]
"""The sentence that says what is taken, or None when the value is that."""


def with_kinds_of(present: State, wanted: State) -> State:
    """Whole numbers where others are meant, 30 for 30.0, become what they mean."""

    def adapt(path: tuple[str, ...], value: Any) -> Any:
        whole = type(value) is int and abs(value) <= MAX_VND
        return float(value) if whole and type(present.get(path)) is float else value

    return {path: adapt(path, value) for path, value in wanted.items()}


def find_value_faults(changes: Iterable[Change], catalogue: Catalogue) -> list[Fault]:
    """Of every change by itself. What stays as it is has stood before and is not looked at."""
    return [fault for change in changes for fault in _judge(change, catalogue)]


def find_joint_faults(
    changes: Iterable[Change], wanted: State, catalogue: Catalogue
) -> list[Fault]:
    """What cannot stand together once the changes are made. Values by themselves are right."""
    sections = nest(wanted)
    touched = {change.path[:2] for change in changes}
    faults: list[Fault] = []
    settings = {name for section, name in touched if section == "settings"}
    faults += _find_settings_faults(settings, sections["settings"], catalogue)
    for section, name in sorted(touched):
        row = sections[section].get(name) if section in {"priority_groups", "displays"} else None
        if row is None:
            continue
        where = [section, name]
        faults += (
            _find_group_faults(where, name, row)
            if section == "priority_groups"
            else _find_display_faults(where, name, row, catalogue)
        )
    if any(section == "displays" for section, _ in touched):
        faults += _find_voice_faults(sections["displays"])
    return faults


def _judge(change: Change, catalogue: Catalogue) -> Iterator[Fault]:
    section, name, *rest = change.path
    where: list[str | int] = list(change.path)

    def fault(words: str | None, *more: str | int) -> Iterator[Fault]:
        if words is not None:
            yield Fault(path=show_path([*where, *more]), words=words)

    if change.before is ABSENT and section != "priority_groups":
        yield from fault(_ROW_MISSING.get(section, "There is no setting of this name."))
    elif section == "facility":
        yield from fault(_FACILITY[name](change.after))
    elif section == "settings" and name == "calling":
        yield from _judge_calling(where, rest[0], change.after)
    elif section == "settings":
        yield from fault(_check_setting(".".join([name, *rest]), change.after))
    elif section == "priority_groups":
        check = _GROUP.get(rest[0])
        yield from fault(check(change.after) if check else "There is no such name in a group.")
    elif section == "kiosks":
        yield from fault(_is_text(80)(change.after))
    elif rest[0] == "rooms":
        yield from _judge_rooms(where, change.after, catalogue)
    else:
        yield from fault(_DISPLAY[rest[0]](change.after))


def _judge_rooms(where: list[str | int], value: Any, catalogue: Catalogue) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(path=show_path(where), words="Takes a list of rooms.")
        return
    for position, ref in enumerate(value):
        if not isinstance(ref, str) or catalogue.find_room_by_ref(ref) is None:
            path = show_path([*where, position])
            words = f"There is no room {ref} in this facility."
            meant = sorted(room.his_ref for room in catalogue.rooms.values() if room.code == ref)
            if meant:
                words += f" The HIS calls it {' or '.join(meant)}."
            yield Fault(path=path, words=words)


def _judge_calling(where: list[str | int], name: str, value: Any) -> Iterator[Fault]:
    """Calls go on whatever stands there: what would be passed over then is refused here."""
    kept = asdict(CallingSettings.from_json({name: value}))[name]
    if name == "templates" and isinstance(value, Mapping):
        for kind, template in value.items():
            if kind not in kept or kept[kind] != template or type(template["times"]) is not int:
                words = "Is no kind of call." if kind not in TEMPLATES else _TEMPLATE
                yield Fault(path=show_path([*where, kind]), words=words)
    elif not _is_of_its_kind(name, value) or (
        (list(kept) if isinstance(kept, tuple) else kept) != value
    ):
        words = "Cannot be used. How calls are worded and spoken stands in the handbook."
        yield Fault(path=show_path(where), words=words)


def _is_of_its_kind(name: str, value: Any) -> bool:
    kinds = {"chime": bool, "pause_ms": int}
    return name not in kinds or type(value) is kinds[name]


_TEMPLATE = "Takes vi, en and times from 1 to 3, with each field of the usual sentence once."


def _is_text(most: int = MAX_TEXT_CHARS, *, empty: bool = False) -> Check:
    def check(value: Any) -> str | None:
        fits = (
            isinstance(value, str)
            and (empty or value != "")
            and len(value) <= most
            and value.isprintable()
            and value == " ".join(value.split())
        )
        return None if fits else f"Takes one line of {0 if empty else 1} to {most} letters."

    return check


def _is_count(least: int, most: int, *, or_none: bool = False) -> Check:
    def check(value: Any) -> str | None:
        fits = (or_none and value is None) or (type(value) is int and least <= value <= most)
        return None if fits else f"Takes a whole number from {least} to {most}."

    return check


def _is_yes_or_no(value: Any) -> str | None:
    return None if isinstance(value, bool) else "Takes true or false."


def _is_one_of(*choices: str | None) -> Check:
    def check(value: Any) -> str | None:
        fits = (value is None or isinstance(value, str)) and value in choices
        shown = ", ".join("null" if choice is None else choice for choice in choices)
        return None if fits else f"Takes one of {shown}."

    return check


def _is_like(pattern: re.Pattern[str], words: str) -> Check:
    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and pattern.fullmatch(value) else words

    return check


def _is_day(value: Any) -> str | None:
    try:
        fits = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        fits = False
    return None if fits else "Takes a day such as 2026-11-30."


def _is_zone(value: Any) -> str | None:
    words = "Takes a time zone such as Asia/Ho_Chi_Minh."
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]+(/[A-Za-z_]+)+", value):
        return words
    try:
        ZoneInfo(value)
    except (OSError, ValueError, LookupError):
        return words
    return None


def _is_table(names: Iterable[str], check: Check, *, only: bool) -> Check:
    needed = tuple(names)

    def judge(value: Any) -> str | None:
        if not isinstance(value, Mapping) or not set(needed) <= set(value):
            return f"Takes a value for each of {', '.join(needed)}."
        for name, each in value.items():
            if only and name not in needed:
                return f"Takes no {name}."
            words = check(each)
            if words is not None:
                return f"{name}: {words}"
        return None

    return judge


def _are_aims(value: Any) -> str | None:
    fits = (
        isinstance(value, list)
        and len(value) == 3
        and all(type(each) is int and 1 <= each <= MAX_COUNT for each in value)
        and value == sorted(value)
    )
    return None if fits else "Takes three whole numbers, each no less than the one before."


def _are_advances(value: Any) -> str | None:
    fits = (
        isinstance(value, list)
        and len(value) <= 8
        and all(type(each) is int and 1 <= each <= MAX_VND for each in value)
    )
    return None if fits else "Takes up to eight sums of money."


def _are_visit_kinds(value: Any) -> str | None:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_VISIT_KINDS:
        return f"Takes a list of 1 to {MAX_VISIT_KINDS} kinds of visit."
    codes = []
    for kind in value:
        label = kind.get("label") if isinstance(kind, Mapping) else None
        fits = (
            isinstance(label, Mapping)
            and set(kind) == {"code", "label"}
            and set(label) == {"vi", "en"}
            and isinstance(kind["code"], str)
            and _CODE.fullmatch(kind["code"])
            and not any(_is_text()(label[language]) for language in ("vi", "en"))
        )
        if not fits:
            return "Every kind of visit takes a code and a label with vi and en."
        codes.append(kind["code"])
    return None if len(set(codes)) == len(codes) else "Two kinds of visit have the same code."


def _is_wait(value: Any) -> str | None:
    fits = type(value) is float and 0.2 <= value <= 2
    return None if fits else "Takes seconds from 0.2 to 2."


_capitals = _is_like(_LETTERS, "Takes one to three capital letters.")
_SETTINGS: Mapping[str, Check] = {
    "letters": _is_table(_DEFAULTS.letters, _capitals, only=True),
    "guard_min": _is_table(_DEFAULTS.guard_min, _is_count(0, MAX_COUNT), only=True),
    "care_types": _is_table(["new"], _is_like(_CARE_TYPE, "Takes two digits."), only=False),
    "numbering": _is_one_of("own", "his"),
    "numbering_wait_s": _is_wait,
    "letter_beside_his": _capitals,
    "visit_kinds": _are_visit_kinds,
    "load_aims": _are_aims,
    "advances_vnd": _are_advances,
    "checkin_sender": _is_one_of(*(sender.value for sender in CheckinSender)),
    "payment_prefix": _is_like(_PREFIX, "Takes two capital letters."),
    "standing.level": _is_one_of(None, "first", "basic", "specialised"),
    "standing.points": _is_count(0, 100, or_none=True),
    "standing.old_class": _is_one_of("none", "district", "province", "central"),
    "standing.open_to_all": _is_yes_or_no,
}


def _check_setting(name: str, value: Any) -> str | None:
    if name in _SETTINGS:
        return _SETTINGS[name](value)
    if isinstance(getattr(_DEFAULTS, name), bool):
        return _is_yes_or_no(value)
    most = MAX_VND if name.endswith("_vnd") else MAX_COUNT
    most = MAX_SECONDS if name.endswith("_s") else most
    return _is_count(_LEAST.get(name, 0), most)(value)


def _is_same(_value: Any) -> str:
    return "This file is of another facility."


_FACILITY: Mapping[str, Check] = {
    "code": _is_same,
    "name_vi": _is_text(),
    "name_en": _is_text(),
    "hotline": _is_text(64, empty=True),
    "timezone": _is_zone,
}
_GROUP: Mapping[str, Check] = {
    "label_vi": _is_text(),
    "label_en": _is_text(),
    "rank": _is_count(0, 100),
    "age_from_years": _is_count(0, 150, or_none=True),
    "age_below_years": _is_count(0, 150, or_none=True),
    "self_declared": _is_yes_or_no,
    "legal_basis": _is_text(),
    "valid_from": _is_day,
    "valid_to": lambda value: None if value is None else _is_day(value),
}
_DISPLAY: Mapping[str, Check] = {
    "kind": _is_one_of(*(kind.value for kind in DisplayKind)),
    "zone": _is_text(60, empty=True),
    "speaks": _is_yes_or_no,
    "english": _is_yes_or_no,
    "show_names": _is_yes_or_no,
    "distance_m": _is_count(1, 40),
    "screen_in": _is_count(7, 120),
}
_ROW_MISSING = {
    "displays": "There is no such display or no such name. A display is added by hand first: "
    "its address is a secret, and no file carries it.",
    "kiosks": "There is no such kiosk or no such name. A kiosk is enrolled first: "
    "its credential is a secret, and no file carries it.",
}


def _find_settings_faults(
    touched: set[str], settings: Mapping[str, Any], catalogue: Catalogue
) -> Iterator[Fault]:
    if touched & {"numbering", "letter_beside_his"}:
        his_letters = (service.series_letter for service in catalogue.services.values())
        words = find_numbering_fault(
            settings["numbering"], settings["letter_beside_his"], his_letters
        )
        if words is not None:
            yield Fault(
                path="settings.letter_beside_his", words=f"Two could get one number: {words}."
            )
    alone = set(list_letters()) if "letters" in touched else set()
    for lane, letter in sorted(settings["letters"].items()):
        if letter in alone:
            yield Fault(
                path=f"settings.letters.{lane}",
                words=f"Kiosks without their server give numbers with {letter}.",
            )
    most = settings["advance_max_vnd"]
    sums = touched & {"advance_min_vnd", "advance_max_vnd"}
    if sums and most and settings["advance_min_vnd"] > most:
        yield Fault(path="settings.advance_min_vnd", words="Is more than advance_max_vnd.")


def _find_group_faults(where: list[str], code: str, row: Mapping[str, Any]) -> Iterator[Fault]:
    path = show_path(where)
    missing = sorted(_GROUP_NAMES - set(row))
    if _CODE.fullmatch(code) is None:
        yield Fault(path=path, words="The code takes small letters, digits and _.")
    if missing:
        yield Fault(path=path, words=f"A new group needs {', '.join(missing)} too.")
        return
    ages = (row["age_from_years"], row["age_below_years"])
    if ages == (None, None) and not row["self_declared"]:
        yield Fault(path=path, words="Nobody can belong to it: it has no age and is not declared.")
    if None not in ages and ages[0] >= ages[1]:
        yield Fault(path=path, words="Nobody is of this age.")
    if row["valid_to"] is not None and row["valid_to"] < row["valid_from"]:
        yield Fault(path=path, words="It ends before it begins.")


def _find_display_faults(
    where: list[str], name: str, row: Mapping[str, Any], catalogue: Catalogue
) -> Iterator[Fault]:
    rooms = [catalogue.find_room_by_ref(ref) for ref in row["rooms"]]
    wish = DisplayWish(
        name=name,
        kind=DisplayKind(row["kind"]),
        room_ids=tuple(room.id if room else "" for room in rooms),
        **{key: row[key] for key in row.keys() - {"kind", "rooms"}},
    )
    fault = find_fault(wish, catalogue)
    if fault is DisplayFault.ROOMS:
        words = "A hall shows 1 to 60 rooms, a door or counter one, and none twice."
        yield Fault(path=show_path([*where, "rooms"]), words=words)
    elif fault is not None:
        yield Fault(path=show_path([*where, fault.value]), words="Cannot be like this.")


def _find_voice_faults(displays: Mapping[str, Any]) -> Iterator[Fault]:
    speaking: dict[str, str] = {}
    for name, row in sorted(displays.items()):
        if row["speaks"] and row["zone"] in speaking:
            words = f"Display {speaking[row['zone']]} speaks in this zone already."
            yield Fault(path=show_path(["displays", name, "speaks"]), words=words)
        elif row["speaks"]:
            speaking[row["zone"]] = name
