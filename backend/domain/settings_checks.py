"""What a settings file may say: every changed value by itself, then what has to fit together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from backend.domain.calling_settings import TEMPLATES, CallingSettings
from backend.domain.catalogue import Catalogue
from backend.domain.displays import DisplayFault, DisplayKind, DisplayWish, find_fault
from backend.domain.numbering import find_numbering_fault
from backend.domain.offline_numbers import list_letters
from backend.domain.setting_kinds import (
    CAPITALS,
    CODE,
    MAX_COUNT,
    MAX_VND,
    TWO_CAPITALS,
    TWO_DIGITS,
    Choice,
    Count,
    Day,
    Fixed,
    Line,
    LoadAims,
    Seconds,
    SettingKind,
    Sums,
    Table,
    TimeZone,
    VisitKinds,
    YesNo,
    say,
)
from backend.domain.settings import CheckinSender, FacilitySettings
from backend.domain.settings_file import ABSENT, Change, Fault, State, nest, show_path

MAX_SECONDS = 100_000


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
        yield from fault(_ROW_MISSING.get(section, say("There is no setting of this name.")))
    elif section == "facility":
        yield from fault(FACILITY_KINDS[name](change.after))
    elif section == "settings" and name == "calling":
        yield from _judge_calling(where, rest[0], change.after)
    elif section == "settings":
        yield from fault(kind_of_setting(".".join([name, *rest]))(change.after))
    elif section == "priority_groups":
        check = GROUP_KINDS.get(rest[0])
        yield from fault(check(change.after) if check else say("There is no such name in a group."))
    elif section == "kiosks":
        yield from fault(Line(most=80)(change.after))
    elif rest[0] == "rooms":
        yield from _judge_rooms(where, change.after, catalogue)
    else:
        yield from fault(_DISPLAY[rest[0]](change.after))


def _judge_rooms(where: list[str | int], value: Any, catalogue: Catalogue) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(path=show_path(where), words=say("Takes a list of rooms."))
        return
    for position, ref in enumerate(value):
        if not isinstance(ref, str) or catalogue.find_room_by_ref(ref) is None:
            path = show_path([*where, position])
            words = say("There is no room {ref} in this facility.", ref=ref)
            meant = sorted(room.his_ref for room in catalogue.rooms.values() if room.code == ref)
            if meant:
                names = " or ".join(meant)
                words = say("{words} The HIS calls it {names}.", words=words, names=names)
            yield Fault(path=path, words=words)


def _judge_calling(where: list[str | int], name: str, value: Any) -> Iterator[Fault]:
    """Calls go on whatever stands there: what would be passed over then is refused here."""
    kept = asdict(CallingSettings.from_json({name: value}))[name]
    if name == "templates" and isinstance(value, Mapping):
        for kind, template in value.items():
            if kind not in kept or kept[kind] != template or type(template["times"]) is not int:
                words = say("Is no kind of call.") if kind not in TEMPLATES else _TEMPLATE
                yield Fault(path=show_path([*where, kind]), words=words)
    elif not _is_of_its_kind(name, value) or (
        (list(kept) if isinstance(kept, tuple) else kept) != value
    ):
        words = say("Cannot be used. How calls are worded and spoken stands in the handbook.")
        yield Fault(path=show_path(where), words=words)


def _is_of_its_kind(name: str, value: Any) -> bool:
    kinds = {"chime": bool, "pause_ms": int}
    return name not in kinds or type(value) is kinds[name]


_TEMPLATE = say("Takes vi, en and times from 1 to 3, with each field of the usual sentence once.")


_DEFAULTS = FacilitySettings()
_KINDS: Mapping[str, SettingKind] = {
    "letters": Table(names=tuple(_DEFAULTS.letters), of=CAPITALS, only=True),
    "guard_min": Table(
        names=tuple(_DEFAULTS.guard_min), of=Count(least=0, most=MAX_COUNT), only=True
    ),
    "care_types": Table(names=("new",), of=TWO_DIGITS, only=False),
    "numbering": Choice(choices=("own", "his")),
    "numbering_wait_s": Seconds(least=0.2, most=2),
    "letter_beside_his": CAPITALS,
    "visit_kinds": VisitKinds(),
    "load_aims": LoadAims(),
    "advances_vnd": Sums(),
    "checkin_sender": Choice(choices=tuple(sender.value for sender in CheckinSender)),
    "payment_prefix": TWO_CAPITALS,
    "standing.level": Choice(choices=(None, "first", "basic", "specialised")),
    "standing.points": Count(least=0, most=100, or_none=True),
    "standing.old_class": Choice(choices=("none", "district", "province", "central")),
    "standing.open_to_all": YesNo(),
}
_LEAST = {"advance_step_vnd": 1, "calls_before_missed": 1, "large_payment_vnd": 1}


def kind_of_setting(name: str) -> SettingKind:
    """What the setting `name`, or `group.name`, takes. Calling words have rules of their own."""
    if name in _KINDS:
        return _KINDS[name]
    if isinstance(getattr(_DEFAULTS, name), bool):
        return YesNo()
    most = MAX_VND if name.endswith("_vnd") else MAX_COUNT
    most = MAX_SECONDS if name.endswith("_s") else most
    return Count(least=_LEAST.get(name, 0), most=most)


FACILITY_KINDS: Mapping[str, SettingKind] = {
    "code": Fixed(),
    "name_vi": Line(),
    "name_en": Line(),
    "hotline": Line(most=64, empty=True),
    "timezone": TimeZone(),
}
GROUP_KINDS: Mapping[str, SettingKind] = {
    "label_vi": Line(),
    "label_en": Line(),
    "rank": Count(least=0, most=100),
    "age_from_years": Count(least=0, most=150, or_none=True),
    "age_below_years": Count(least=0, most=150, or_none=True),
    "self_declared": YesNo(),
    "legal_basis": Line(),
    "valid_from": Day(),
    "valid_to": Day(or_none=True),
}
"""Of a priority group."""
_DISPLAY: Mapping[str, SettingKind] = {
    "kind": Choice(choices=tuple(kind.value for kind in DisplayKind)),
    "zone": Line(most=60, empty=True),
    "speaks": YesNo(),
    "english": YesNo(),
    "show_names": YesNo(),
    "distance_m": Count(least=1, most=40),
    "screen_in": Count(least=7, most=120),
}
_ROW_MISSING = {
    "displays": say(
        "There is no such display or no such name. A display is added by hand first: "
        "its address is a secret, and no file carries it."
    ),
    "kiosks": say(
        "There is no such kiosk or no such name. A kiosk is enrolled first: "
        "its credential is a secret, and no file carries it."
    ),
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
                path="settings.letter_beside_his",
                words=say("Two could get one number: {words}.", words=words),
            )
    alone = set(list_letters()) if "letters" in touched else set()
    for lane, letter in sorted(settings["letters"].items()):
        if letter in alone:
            yield Fault(
                path=f"settings.letters.{lane}",
                words=say("Kiosks without their server give numbers with {letter}.", letter=letter),
            )
    most = settings["advance_max_vnd"]
    sums = touched & {"advance_min_vnd", "advance_max_vnd"}
    if sums and most and settings["advance_min_vnd"] > most:
        yield Fault(path="settings.advance_min_vnd", words=say("Is more than advance_max_vnd."))


def _find_group_faults(where: list[str], code: str, row: Mapping[str, Any]) -> Iterator[Fault]:
    path = show_path(where)
    missing = sorted(set(GROUP_KINDS) - set(row))
    if CODE.fullmatch(code) is None:
        yield Fault(path=path, words=say("The code takes small letters, digits and _."))
    if missing:
        yield Fault(
            path=path, words=say("A new group needs {names} too.", names=", ".join(missing))
        )
        return
    ages = (row["age_from_years"], row["age_below_years"])
    if ages == (None, None) and not row["self_declared"]:
        yield Fault(
            path=path, words=say("Nobody can belong to it: it has no age and is not declared.")
        )
    if None not in ages and ages[0] >= ages[1]:
        yield Fault(path=path, words=say("Nobody is of this age."))
    if row["valid_to"] is not None and row["valid_to"] < row["valid_from"]:
        yield Fault(path=path, words=say("It ends before it begins."))


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
        words = say("A hall shows 1 to 60 rooms, a door or counter one, and none twice.")
        yield Fault(path=show_path([*where, "rooms"]), words=words)
    elif fault is not None:
        yield Fault(path=show_path([*where, fault.value]), words=say("Cannot be like this."))


def _find_voice_faults(displays: Mapping[str, Any]) -> Iterator[Fault]:
    speaking: dict[str, str] = {}
    for name, row in sorted(displays.items()):
        if row["speaks"] and row["zone"] in speaking:
            words = say("Display {name} speaks in this zone already.", name=speaking[row["zone"]])
            yield Fault(path=show_path(["displays", name, "speaks"]), words=words)
        elif row["speaks"]:
            speaking[row["zone"]] = name
