"""Looking into an untrusted resource: what is not as FHIR says is a BrokenReply."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from his_adapter.errors import BrokenReply
from his_adapter.models import Ref

Resource = dict[str, Any]

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
MAX_TEXT_CHARS = 10_000
MAX_VND = 10**12


def text_of(value: object, *, place: str = "text") -> str:
    """NFC, one size limit for all; the empty string for what is absent."""
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT_CHARS:
        raise BrokenReply(f"{place} is no text")
    return unicodedata.normalize("NFC", value)


def objects(value: object) -> Iterator[Resource]:
    """The objects of a list; anything else in it is skipped, and no list is an empty one."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def object_of(value: object) -> Resource:
    return value if isinstance(value, dict) else {}


def id_of(resource: Resource) -> Ref:
    return Ref(text_of(resource.get("id"), place="id"))


def version_of(resource: Resource) -> str:
    return text_of(object_of(resource.get("meta")).get("versionId"), place="versionId")


def extension(element: object, url: str) -> Resource | None:
    for item in objects(object_of(element).get("extension")):
        if item.get("url") == url:
            return item
    return None


def identifier(resource: Resource, systems: Iterable[str]) -> str | None:
    """The value in the first of these systems that the resource has."""
    entries = list(objects(resource.get("identifier")))
    for system in systems:
        for entry in entries:
            if entry.get("system") == system and entry.get("value"):
                return text_of(entry["value"], place="identifier")
    return None


def identifiers_in(resource: Resource, system: str) -> frozenset[str]:
    value = resource.get("identifier")
    entries = [value] if isinstance(value, dict) else list(objects(value))
    return frozenset(
        text_of(entry.get("value")) for entry in entries if entry.get("system") == system
    )


def reference_to(kind: str, value: object) -> Ref | None:
    """`Patient/p1`, also at the end of a whole address and before `/_history/`; else None."""
    target = text_of(object_of(value).get("reference"), place="reference")
    parts = target.partition("/_history/")[0].split("/")
    if len(parts) >= 2 and parts[-2] == kind and parts[-1]:
        return Ref(parts[-1])
    return None


def reference(kind: str, ref: str) -> Resource:
    return {"reference": f"{kind}/{ref}"}


def moment_of(value: object, *, place: str = "time") -> datetime:
    """Aware, in UTC. A time without a zone is taken as Vietnamese, a day as its first moment."""
    told = text_of(value, place=place)
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        raise BrokenReply(f"{place} is no time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=VIETNAM)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise BrokenReply(f"{place} is no time") from None


def day_of(value: object, *, place: str = "day") -> date:
    try:
        return date.fromisoformat(text_of(value, place=place)[:10])
    except ValueError:
        raise BrokenReply(f"{place} is no day") from None


def moment_text(moment: datetime) -> str:
    """With the offset of Việt Nam: systems that drop the zone are then still right."""
    return moment.astimezone(VIETNAM).isoformat(timespec="seconds")


def vnd_of(value: object, *, place: str = "amount") -> int:
    """Whole đồng of a Money; other currencies and fractions are a BrokenReply."""
    money = object_of(value)
    amount = money.get("value")
    if money.get("currency") not in {None, "VND"}:
        raise BrokenReply(f"{place} is not in VND")
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal | float):
        raise BrokenReply(f"{place} is no number")
    try:
        exact = Decimal(str(amount))
        if abs(exact) > MAX_VND or exact != exact.to_integral_value():
            raise BrokenReply(f"{place} is not in whole đồng")
    except InvalidOperation:
        raise BrokenReply(f"{place} is no number") from None
    return int(exact)


def vnd(amount: int) -> Resource:
    return {"value": amount, "currency": "VND"}


def whole(value: object, *, place: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**9:
        raise BrokenReply(f"{place} is no whole number")
    return value


def codes_of(concept: object) -> Iterator[tuple[str, str]]:
    """System and code of each coding of a CodeableConcept."""
    for coding in objects(object_of(concept).get("coding")):
        yield text_of(coding.get("system")), text_of(coding.get("code"))


def concept_text(concept: object) -> str:
    """What a person reads of it: its own text, or the display of its first coding."""
    value = object_of(concept)
    if value.get("text"):
        return text_of(value["text"])
    return next((text_of(c.get("display")) for c in objects(value.get("coding"))), "")


_TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"


def translated(element: object, language: str) -> str:
    """The translation that stands beside a text (`_name`), or nothing."""
    for item in objects(object_of(element).get("extension")):
        if item.get("url") != _TRANSLATION:
            continue
        parts = {part.get("url"): part for part in objects(item.get("extension"))}
        if object_of(parts.get("lang")).get("valueCode") == language:
            return text_of(object_of(parts.get("content")).get("valueString"))
    return ""


def with_translation(text: str, language: str) -> Resource:
    if not text:
        return {}
    return {
        "extension": [
            {
                "url": _TRANSLATION,
                "extension": [
                    {"url": "lang", "valueCode": language},
                    {"url": "content", "valueString": text},
                ],
            }
        ]
    }
