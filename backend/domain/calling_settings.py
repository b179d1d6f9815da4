"""How a facility calls people: wording as data, region of the voice, pauses and paces.

A template is a sentence with fields in braces. Its defaults are the wording most hospitals use;
whatever a hospital writes instead is checked by `find_template_fault` before it is taken.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from backend.domain.reading import Language, LeadingZeros, Region, RoomReading

MAX_TEMPLATE_CHARS = 200
FULL_VOLUME = 100
MAX_ZONES = 100
MAX_ZONE_CHARS = 60
"""As in domain.displays."""


@dataclass(frozen=True, kw_only=True)
class CallTemplate:
    """`times`: how often it is said, one after the other."""

    vi: str
    en: str
    times: int = 1


TEMPLATES: Mapping[str, CallTemplate] = {
    "call_room": CallTemplate(
        vi="Mời {person} số {number} đến phòng {room}.",
        en="Number {number}, please go to room {room}.",
        times=2,
    ),
    "call_counter": CallTemplate(
        vi="Mời số {number} đến quầy {room}.",
        en="Number {number}, please go to counter {room}.",
        times=2,
    ),
    "call_priority_counter": CallTemplate(
        vi="Mời số {number} đến quầy ưu tiên {room}.",
        en="Number {number}, please go to priority counter {room}.",
        times=2,
    ),
    "call_see_screen": CallTemplate(
        vi="Mời số {number}. Xin xem màn hình.",
        en="Number {number}, please look at the screen.",
        times=2,
    ),
    "second_call_room": CallTemplate(
        vi="Xin nhắc lại. Mời số {number} đến phòng {room}.",
        en="Second call. Number {number}, room {room}.",
        times=2,
    ),
    "second_call_counter": CallTemplate(
        vi="Xin nhắc lại. Mời số {number} đến quầy {room}.",
        en="Second call. Number {number}, counter {room}.",
        times=2,
    ),
    "last_call_room": CallTemplate(
        vi="Lần gọi cuối. Mời số {number} đến phòng {room}.",
        en="Last call. Number {number}, room {room}.",
        times=2,
    ),
    "last_call_counter": CallTemplate(
        vi="Lần gọi cuối. Mời số {number} đến quầy {room}.",
        en="Last call. Number {number}, counter {room}.",
        times=2,
    ),
    "missed": CallTemplate(
        vi="Số {number} đã qua lượt. Mời quét lại phiếu tại máy hoặc báo quầy hướng dẫn.",
        en="Number {number} missed the turn. Please scan your ticket again or see the help desk.",
    ),
    "get_ready": CallTemplate(
        vi="Các số {numbers} xin chuẩn bị.",
        en="Numbers {numbers}, please get ready.",
    ),
    "pharmacy_range": CallTemplate(
        vi="Mời các số từ {number} đến {last_number} đến quầy thuốc.",
        en="Numbers {number} to {last_number}, please go to the pharmacy.",
    ),
    "results_ready": CallTemplate(
        vi="Số {number} đã có kết quả. Mời trở lại phòng {room}.",
        en="Number {number}, results are ready. Please return to room {room}.",
        times=2,
    ),
    "room_moved": CallTemplate(
        vi="Phòng {room} chuyển sang phòng {new_room}. Số thứ tự giữ nguyên.",
        en="Room {room} has moved to room {new_room}. Your number stays the same.",
        times=2,
    ),
    "room_paused": CallTemplate(
        vi="Phòng {room} tạm nghỉ {minutes} phút. Xin lỗi vì phải chờ thêm.",
        en="Room {room} is paused for {minutes} minutes. We are sorry.",
    ),
}
"""The closed list of sentences. Fields: those of the default, and {person} anywhere."""


NOTICE_KINDS = ("missed", "results_ready", "room_moved", "room_paused")
"""Said by themselves when it happens, unless a facility keeps them silent."""


def template_fields(template: str) -> frozenset[str]:
    """Raises ValueError for braces that do not match."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def find_template_fault(kind: str, language: Language, template: str) -> str | None:
    """Why a sentence cannot stand for `kind`, in words for who edits it; None when it can.

    A call that forgets its number or names the patient must never reach a hall.
    """
    if kind not in TEMPLATES:
        return "is no kind of call"
    if not 0 < len(template.strip()) <= MAX_TEMPLATE_CHARS:
        return f"takes 1 to {MAX_TEMPLATE_CHARS} characters"
    if not template.isprintable():
        return "holds characters that cannot be shown"
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return "has braces that do not match"
    if any(spec or conversion for _, _, spec, conversion in parts):
        return "has more than a name between braces"
    names = [name for _, name, _, _ in parts if name is not None]
    needed = template_fields(getattr(TEMPLATES[kind], language)) - {"person"}
    if set(names) - {"person"} != needed or len(set(names)) != len(names):
        return f"takes each of {', '.join(f'{{{name}}}' for name in sorted(needed))} once"
    return None


@dataclass(frozen=True, kw_only=True)
class CallingSettings:
    """`rate` slows the synthetic voice: old ears need 0.85 to 0.95."""

    templates: Mapping[str, CallTemplate] = field(default_factory=dict)
    """Only what differs from TEMPLATES."""
    person_word: str = "bệnh nhân"
    """Or "người bệnh", as the law says."""
    languages: tuple[Language, ...] = ("vi",)
    """In this order, one after the other."""
    region: Region = "bac"
    rooms: RoomReading = "digits"
    leading_zeros: LeadingZeros = "value"
    rate: float = 0.9
    pause_ms: int = 300
    """Before the number and before the room."""
    chime: bool = True
    gap_s: float = 9.0
    """From the start of one call to the start of the next in a zone, at least."""
    drop_calls_after_s: float = 60.0
    silent: tuple[str, ...] = ("missed",)
    """Of NOTICE_KINDS, those that no hall hears: who missed a turn is told by the board."""
    volume: Mapping[str, int] = field(default_factory=dict)
    """Percent by zone; "" is for zones without one of their own."""

    def volume_of(self, zone: str | None) -> int:
        """How loud a zone is, in percent of what its loudspeaker gives."""
        return self.volume.get(zone or "", self.volume.get("", FULL_VOLUME))

    def says(self, kind: str) -> bool:
        return kind not in self.silent

    def get_template(self, kind: str) -> CallTemplate:
        """Raises KeyError for what is no kind of call."""
        return self.templates.get(kind) or TEMPLATES[kind]

    @classmethod
    def from_json(cls, document: Any) -> CallingSettings:
        """What is missing, unknown or cannot be used keeps its default: calls go on."""
        if not isinstance(document, Mapping):
            return cls()
        known = {entry.name for entry in fields(cls)}
        values = {name: value for name, value in document.items() if name in known}
        values = {name: value for name, value in values.items() if _fits(name, value)}
        if "languages" in values:
            values["languages"] = tuple(values["languages"])
        if "silent" in values:
            values["silent"] = tuple(values["silent"])
        if "volume" in values:
            values["volume"] = dict(values["volume"])
        if "templates" in values:
            values["templates"] = {
                kind: CallTemplate(**template)
                for kind, template in values["templates"].items()
                if _is_template(kind, template)
            }
        return cls(**values)


def find_faults(settings: CallingSettings) -> list[str]:
    """Names of what cannot be kept: "rate", "templates.call_room.vi". Empty: all is well."""
    own = {"templates", "volume"}
    names = [entry.name for entry in fields(settings) if entry.name not in own]
    faults = [name for name in names if not _fits(name, getattr(settings, name))]
    if not _is_volume(settings.volume):
        faults.append("volume")
    for kind, template in settings.templates.items():
        if find_template_fault(kind, "vi", template.vi) is not None:
            faults.append(f"templates.{kind}.vi")
        if find_template_fault(kind, "en", template.en) is not None:
            faults.append(f"templates.{kind}.en")
        if template.times not in range(1, MAX_TIMES + 1):
            faults.append(f"templates.{kind}.times")
    return faults


_CHOICES = {
    "region": ("bac", "nam"),
    "rooms": ("digits", "cardinal"),
    "leading_zeros": ("value", "digits"),
    "chime": (True, False),
}
_RANGES = {
    "rate": (0.5, 1.5),
    "pause_ms": (0, 2000),
    "gap_s": (0, 60),
    "drop_calls_after_s": (5, 600),
}
MAX_TIMES = 3


def _fits(name: str, value: object) -> bool:
    if name in _CHOICES:
        return value in _CHOICES[name]
    if name in _RANGES:
        low, high = _RANGES[name]
        return type(value) in {int, float} and low <= float(str(value)) <= high
    if name == "person_word":
        return (
            isinstance(value, str)
            and 0 < len(value.strip()) <= 40
            and value.isprintable()
            and not {"{", "}"} & set(value)
        )
    if name == "volume":
        return _is_volume(value)
    if name == "silent":
        return isinstance(value, list | tuple) and all(
            isinstance(kind, str) and kind in NOTICE_KINDS for kind in value
        )
    if name == "languages":
        return isinstance(value, list | tuple) and list(value) in [
            ["vi"],
            ["en"],
            ["vi", "en"],
            ["en", "vi"],
        ]
    return isinstance(value, Mapping)


def _is_volume(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) <= MAX_ZONES
        and all(isinstance(zone, str) and is_zone_name(zone) for zone in value)
        and all(type(each) is int and 0 <= each <= FULL_VOLUME for each in value.values())
    )


def is_zone_name(zone: str) -> bool:
    """Also true for "", which stands for the whole facility."""
    return len(zone) <= MAX_ZONE_CHARS and zone.isprintable() and zone == " ".join(zone.split())


def _is_template(kind: str, value: object) -> bool:
    if not isinstance(value, Mapping) or not set(value) <= {"vi", "en", "times"}:
        return False
    vi, en, times = value.get("vi"), value.get("en"), value.get("times", 1)
    return (
        isinstance(vi, str)
        and isinstance(en, str)
        and times in range(1, MAX_TIMES + 1)
        and find_template_fault(kind, "vi", vi) is None
        and find_template_fault(kind, "en", en) is None
    )
