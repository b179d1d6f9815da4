"""The syntax of HL7 v2: segments, fields, repetitions, components, subcomponents, escapes.

A message is built and read as plain texts; what separates and escapes them exists here alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

import hl7

from his_adapter.errors import BrokenReply

VERSION = "2.5.1"
CHARSET = "UNICODE UTF-8"
_MAX_PIECES = 300_000
"""More separators than that is no message; each becomes an object of its own."""

Component = list[str]
Repetition = list[Component]
FieldValue = list[Repetition]

_ESCAPES = {"\\": "E", "|": "F", "^": "S", "&": "T", "~": "R", "\r": "X0D", "\n": "X0A"}
_NEEDS_ESCAPE = re.compile(r"[\\|^&~\r\n]")
_ESCAPED = re.compile(r"\\([A-Z.][^\\]{0,200}|)\\")
_HEADER = re.compile(rb"MSH([!-/:-@\[-`{-~])([!-/:-@\[-`{-~]{4})#?\1")
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
_SEPARATORS = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\", ".br": "\n"}


def escape(text: str) -> str:
    """NFC, with everything that separates written as an escape sequence."""
    return _NEEDS_ESCAPE.sub(
        lambda found: f"\\{_ESCAPES[found[0]]}\\", unicodedata.normalize("NFC", text)
    )


def unescape(text: str) -> str:
    """NFC. Highlighting is dropped, what is no escape sequence stays as it is."""
    if "\\" in text:
        text = _ESCAPED.sub(_unescaped, text)
    return unicodedata.normalize("NFC", text)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code in _SEPARATORS:
        return _SEPARATORS[code]
    if code in {"H", "N"}:
        return ""
    if match := _HEX.fullmatch(code):
        return bytes.fromhex(match[1]).decode("utf-8", "replace")
    return found[0]


@dataclass
class Segment:
    """Fields by their number; in MSH the separator itself is number 1."""

    name: str
    fields: dict[int, FieldValue] = field(default_factory=dict)

    def get(self, number: int, component: int = 1, subcomponent: int = 1, *, rep: int = 1) -> str:
        """Empty when there is none, or when it says that there is none (`""`)."""
        try:
            value = self.fields[number][rep - 1][component - 1][subcomponent - 1]
        except (KeyError, IndexError):
            return ""
        return "" if value == '""' else value

    def repetitions(self, number: int) -> list[Repetition]:
        return self.fields.get(number, [])

    def put(self, number: int, text: str, component: int = 1, subcomponent: int = 1) -> Segment:
        """In the first repetition; an empty text leaves the field as it is."""
        if text:
            value = self.fields.setdefault(number, [[[""]]])
            repetition = value[0]
            repetition.extend([""] for _ in range(component - len(repetition)))
            pieces = repetition[component - 1]
            pieces.extend("" for _ in range(subcomponent - len(pieces)))
            pieces[subcomponent - 1] = text
        return self

    def put_all(self, number: int, *texts: str) -> Segment:
        """One repetition more, of these components."""
        self.fields.setdefault(number, []).append([[text] for text in texts])
        return self

    def encode(self) -> str:
        last = max(self.fields, default=0)
        if self.name == "MSH":
            texts = [_encoded(self.fields.get(number, [])) for number in range(3, last + 1)]
            return "|".join([r"MSH|^~\&", *texts])
        texts = [_encoded(self.fields.get(number, [])) for number in range(1, last + 1)]
        return "|".join([self.name, *texts])


def _encoded(value: FieldValue) -> str:
    return "~".join(
        "^".join("&".join(map(escape, component)).rstrip("&") for component in repetition).rstrip(
            "^"
        )
        for repetition in value
    )


@dataclass
class Message:
    segments: list[Segment] = field(default_factory=list)

    def add(self, name: str) -> Segment:
        self.segments.append(Segment(name))
        return self.segments[-1]

    def find(self, name: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.name == name), None)

    def first(self, name: str) -> Segment:
        """An empty one when there is none."""
        return self.find(name) or Segment(name)

    def all(self, name: str) -> list[Segment]:
        return [segment for segment in self.segments if segment.name == name]

    def at(self, place: str) -> str:
        """The text at `PV1-50` or `ZTD-3.2`; empty without a place."""
        if not place:
            return ""
        name, number, component = _parsed_place(place)
        return self.first(name).get(number, component)

    def put(self, place: str, text: str | None) -> None:
        """At `PV1-50` or `ZTD-3.2`; a missing segment is appended."""
        if place and text:
            name, number, component = _parsed_place(place)
            (self.find(name) or self.add(name)).put(number, text, component)

    def groups(self, *names: str) -> Iterator[Message]:
        """The message cut before each segment of these names; what precedes the first is left."""
        group: Message | None = None
        for segment in self.segments:
            if segment.name in names:
                if group is not None:
                    yield group
                group = Message()
            if group is not None:
                group.segments.append(segment)
        if group is not None:
            yield group

    @property
    def kind(self) -> str:
        """Such as `ADT^A31`."""
        header = self.first("MSH")
        return f"{header.get(9)}^{header.get(9, 2)}"

    @property
    def control_id(self) -> str:
        return self.first("MSH").get(10)

    def encode(self) -> bytes:
        return "".join(f"{segment.encode()}\r" for segment in self.segments).encode()


def _parsed_place(place: str) -> tuple[str, int, int]:
    name, _, rest = place.partition("-")
    number, _, component = rest.partition(".")
    return name, int(number), int(component or 1)


def decode(untrusted: bytes, *, whole: bool = True) -> Message:
    """Raises BrokenReply. Texts are UTF-8 unless MSH-18 says Latin-1.

    `whole`: the last segment must be ended as the others are, or half a message was sent.
    """
    if whole and not untrusted.endswith((b"\r", b"\r\n")):
        raise BrokenReply("half a message")
    if not untrusted.startswith(b"MSH") or len(untrusted) < 8:
        raise BrokenReply("no HL7 message")
    pieces = sum(untrusted.count(separator) for separator in {b"\r", *_separators(untrusted)})
    if pieces > _MAX_PIECES:
        raise BrokenReply("a message of too many pieces")
    header = untrusted.split(b"\r", 1)[0].split(untrusted[3:4])
    charset = header[17] if len(header) > 17 else b""
    try:
        text = untrusted.decode("latin-1" if b"8859/1" in charset.split(b"~")[0] else "utf-8")
        if text[8] == "#" != text[3]:  # the truncation sign of v2.7, which means nothing to us
            text = text[:8] + text[9:]
        parsed = hl7.parse(text.rstrip("\r\n") + "\r")
        return Message([_read_segment(segment) for segment in parsed if str(segment).strip()])
    except (UnicodeDecodeError, hl7.HL7Exception, IndexError, KeyError, ValueError) as error:
        raise BrokenReply("a message that cannot be read") from error


def _separators(untrusted: bytes) -> set[bytes]:
    """Those that the header names: the one of fields and four more, each another sign.

    Raises BrokenReply.
    """
    match = _HEADER.match(untrusted)
    signs = match[1] + match[2] if match else b""
    if len(set(signs)) != len(signs) or not signs:
        raise BrokenReply("a header that names no separators")
    return {bytes([sign]) for sign in signs}


def _read_segment(segment: hl7.Segment) -> Segment:
    name = str(segment[0])
    if len(name) != 3:
        raise BrokenReply("a segment without a name")
    first = 3 if name == "MSH" else 1
    return Segment(
        name,
        {
            number: _read_field(segment[number])
            for number in range(first, len(segment))
            if str(segment[number])
        },
    )


def _read_field(value: hl7.Field) -> FieldValue:
    return [
        [[unescape(repetition)]]
        if isinstance(repetition, str)
        else [
            [unescape(component)]
            if isinstance(component, str)
            else [unescape(str(subcomponent)) for subcomponent in component]
            for component in repetition
        ]
        for repetition in value
    ]
