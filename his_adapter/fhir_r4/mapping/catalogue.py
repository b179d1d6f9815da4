"""What the hospital offers: Organization, Location, HealthcareService, Practitioner, Slot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from his_adapter.errors import BrokenReply
from his_adapter.fhir_r4.config import FhirConfig
from his_adapter.fhir_r4.mapping.reading import (
    Resource,
    codes_of,
    day_of,
    extension,
    id_of,
    moment_of,
    moment_text,
    object_of,
    objects,
    reference,
    reference_to,
    text_of,
    translated,
    vnd,
    vnd_of,
    whole,
    with_translation,
)
from his_adapter.models import (
    ClosedDay,
    Department,
    Gender,
    OpeningSession,
    Post,
    Practitioner,
    Ref,
    Room,
    Service,
    ServiceKind,
    Slot,
)

KIND_SYSTEM = "urn:tiepdon:service-kind"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NOON = time(12, 0)


# --- departments and rooms


def department(untrusted: Resource) -> Department:
    name_vi, name_en = _names(untrusted)
    return Department(ref=id_of(untrusted), code=_code(untrusted), name_vi=name_vi, name_en=name_en)


def department_resource(config: FhirConfig, item: Department, *, order: int) -> Resource:
    return {
        "resourceType": "Organization",
        "id": item.ref,
        "identifier": [_code_identifier(config, "department", item.code)],
        "active": True,
        "type": [{"coding": [{"system": ORGANIZATION_TYPES, "code": "dept"}]}],
        **_named(item.name_vi, item.name_en),
        "extension": [{"url": config.extensions.own + "order", "valueInteger": order}],
    }


ORGANIZATION_TYPES = "http://terminology.hl7.org/CodeSystem/organization-type"


def order_of(config: FhirConfig, untrusted: Resource) -> tuple[int, str]:
    """The HIS's own order where it gives one, else by reference."""
    place = _own(config, untrusted, "order")
    order = None if place is None else whole(place.get("valueInteger"), place="order")
    return (10**9 if order is None else order, id_of(untrusted))


def room(config: FhirConfig, untrusted: Resource) -> Room:
    name_vi, name_en = _names(untrusted)
    return Room(
        ref=id_of(untrusted),
        code=_code(untrusted),
        name_vi=name_vi,
        name_en=name_en,
        department=reference_to("Organization", untrusted.get("managingOrganization")),
        floor=_own_text(config, untrusted, "floor"),
        landmark_vi=text_of(untrusted.get("description")),
        landmark_en=translated(untrusted.get("_description"), "en"),
    )


def room_resource(
    config: FhirConfig,
    item: Room,
    sessions: list[OpeningSession],
    closed: list[ClosedDay],
) -> Resource:
    resource: Resource = {
        "resourceType": "Location",
        "id": item.ref,
        "identifier": [_code_identifier(config, "room", item.code)],
        "status": "active",
        "mode": "instance",
        "physicalType": {"coding": [{"system": _PHYSICAL_TYPES, "code": "ro"}]},
        **_named(item.name_vi, item.name_en),
        "description": item.landmark_vi,
        "_description": with_translation(item.landmark_en, "en"),
        "hoursOfOperation": [_hours(config, session) for session in sessions],
        "extension": [
            {"url": config.extensions.own + "floor", "valueString": item.floor},
            *(_closed(config, day) for day in closed),
        ],
    }
    if item.department is not None:
        resource["managingOrganization"] = reference("Organization", item.department)
    return _without_empty(resource)


def site_resource(config: FhirConfig, closed: list[ClosedDay]) -> Resource:
    """The whole place, with the days on which all of it is closed."""
    return _without_empty(
        {
            "resourceType": "Location",
            "id": "site",
            "status": "active",
            "mode": "instance",
            "physicalType": {"coding": [{"system": _PHYSICAL_TYPES, "code": "si"}]},
            "name": config.facility.name_vi,
            "extension": [_closed(config, day) for day in closed],
        }
    )


_PHYSICAL_TYPES = "http://terminology.hl7.org/CodeSystem/location-physical-type"


def is_room(untrusted: Resource) -> bool:
    """A Location people are sent to, not a whole site, building or ward."""
    codes = {code for _, code in codes_of(untrusted.get("physicalType"))}
    return not codes or bool(codes & {"ro", "area", "bd"})


def sessions(config: FhirConfig, untrusted: Resource) -> list[OpeningSession]:
    """Weekly hours of a Location; all-day entries run from 00:00 to 23:59."""
    place = id_of(untrusted)
    found = []
    for entry in objects(untrusted.get("hoursOfOperation")):
        opens, closes = _time(entry.get("openingTime")), _time(entry.get("closingTime"))
        if entry.get("allDay") is True:
            opens, closes = time(0, 0), time(23, 59)
        if opens is None or closes is None or opens >= closes:
            raise BrokenReply("opening hours without a span")
        limit = extension(entry, config.extensions.own + "limit")
        name = "morning" if opens < _NOON else "afternoon"
        found += [
            OpeningSession(
                ref=Ref(f"{place}.{DAYS.index(day)}.{opens:%H%M}"),
                room=place,
                weekday=DAYS.index(day),
                name=name,
                opens_at=opens,
                closes_at=closes,
                limit=None if limit is None else whole(limit.get("valueInteger"), place="limit"),
            )
            for day in entry.get("daysOfWeek") or DAYS
            if day in DAYS
        ]
    return found


def closed_days(config: FhirConfig, untrusted: Resource) -> list[ClosedDay]:
    """Exceptions of a Location; those of a site close everything."""
    return [
        ClosedDay(
            day=day_of(_part(entry, "day").get("valueDate")),
            room=id_of(untrusted) if is_room(untrusted) else None,
            reason_vi=text_of(_part(entry, "reason").get("valueString")),
        )
        for entry in objects(untrusted.get("extension"))
        if entry.get("url") == config.extensions.own + "closed"
    ]


# --- services and people


def service(
    config: FhirConfig, untrusted: Resource, prices: Mapping[str, int] | None = None
) -> Service:
    """`prices` by code come from ChargeItemDefinitions and count where the service has none."""
    name_vi, name_en = _names(untrusted)
    code = _code(untrusted)
    department_ref = reference_to("Organization", untrusted.get("providedBy"))
    if department_ref is None:
        raise BrokenReply("a service without a department")
    gender = _own_text(config, untrusted, "gender")
    by_hour = _own_flag(config, untrusted, "by-hour")
    if by_hour is None:
        by_hour = untrusted.get("appointmentRequired") is True
    pooled = _own_flag(config, untrusted, "pooled")
    price = _own_money(config, untrusted, "price")
    if price is None:
        price = (prices or {}).get(code, 0)
    return Service(
        ref=id_of(untrusted),
        code=code,
        name_vi=name_vi,
        name_en=name_en,
        kind=_kind(untrusted),
        department=department_ref,
        rooms=tuple(
            ref
            for item in objects(untrusted.get("location"))
            if (ref := reference_to("Location", item)) is not None
        ),
        price_vnd=price,
        insurance_price_vnd=_own_money(config, untrusted, "insurance-price"),
        pooled=True if pooled is None else pooled,
        by_doctor=_own_flag(config, untrusted, "by-doctor") or False,
        by_hour=by_hour,
        minutes=_own_whole(config, untrusted, "minutes"),
        gender=None if not gender else _gender(gender),
        age_min_years=_own_whole(config, untrusted, "age-min"),
        age_max_years=_own_whole(config, untrusted, "age-max"),
        sensitive=_own_flag(config, untrusted, "sensitive") or False,
        series_letter=_own_text(config, untrusted, "letter") or None,
        visit_kinds=tuple(
            text_of(item.get("valueCode"))
            for item in objects(untrusted.get("extension"))
            if item.get("url") == config.extensions.own + "visit-kind"
        ),
    )


def service_resource(config: FhirConfig, item: Service) -> Resource:
    own = config.extensions.own
    extensions: list[Resource] = [
        {"url": own + "price", "valueMoney": vnd(item.price_vnd)},
        {"url": own + "pooled", "valueBoolean": item.pooled},
        {"url": own + "by-doctor", "valueBoolean": item.by_doctor},
        {"url": own + "by-hour", "valueBoolean": item.by_hour},
        {"url": own + "sensitive", "valueBoolean": item.sensitive},
    ]
    if item.insurance_price_vnd is not None:
        extensions.append(
            {"url": own + "insurance-price", "valueMoney": vnd(item.insurance_price_vnd)}
        )
    for name, number in (
        ("minutes", item.minutes),
        ("age-min", item.age_min_years),
        ("age-max", item.age_max_years),
    ):
        if number is not None:
            extensions.append({"url": own + name, "valueInteger": number})
    if item.gender is not None:
        extensions.append({"url": own + "gender", "valueString": item.gender.value})
    if item.series_letter:
        extensions.append({"url": own + "letter", "valueString": item.series_letter})
    extensions += [{"url": own + "visit-kind", "valueCode": kind} for kind in item.visit_kinds]
    return _without_empty(
        {
            "resourceType": "HealthcareService",
            "id": item.ref,
            "identifier": [_code_identifier(config, "service", item.code)],
            "active": True,
            "category": [{"coding": [{"system": KIND_SYSTEM, "code": item.kind.value}]}],
            **_named(item.name_vi, item.name_en),
            "providedBy": reference("Organization", item.department),
            "location": [reference("Location", ref) for ref in item.rooms],
            "appointmentRequired": item.by_hour,
            "extension": extensions,
        }
    )


def price_list(definitions: tuple[Resource, ...]) -> dict[str, int]:
    """Base prices of ChargeItemDefinitions by code."""
    prices = {}
    for definition in definitions:
        amounts = [
            vnd_of(component.get("amount"))
            for group in objects(definition.get("propertyGroup"))
            for component in objects(group.get("priceComponent"))
            if component.get("type") == "base" and component.get("amount")
        ]
        for _, code in codes_of(definition.get("code")):
            if amounts:
                prices[code] = amounts[0]
    return prices


def practitioner(config: FhirConfig, untrusted: Resource, roles: list[Resource]) -> Practitioner:
    """A person with the posts of their PractitionerRoles."""
    name = next(objects(untrusted.get("name")), {})
    prefix = name.get("prefix")
    title = " ".join(text_of(part) for part in prefix) if isinstance(prefix, list) else ""
    posts: list[Post] = []
    for role in roles:
        places = [reference_to("Location", item) for item in objects(role.get("location"))]
        posts += [
            Post(service=ref, room=place)
            for item in objects(role.get("healthcareService"))
            if (ref := reference_to("HealthcareService", item)) is not None
            for place in places or [None]
        ]
    return Practitioner(
        ref=id_of(untrusted),
        title=title,
        name=_person_name(name),
        posts=tuple(posts),
        session_limit=_own_whole(config, untrusted, "session-limit"),
    )


def practitioner_resource(config: FhirConfig, item: Practitioner) -> Resource:
    resource: Resource = {
        "resourceType": "Practitioner",
        "id": item.ref,
        "active": True,
        "name": [{"use": "official", "text": item.name, "prefix": [item.title]}],
    }
    if item.session_limit is not None:
        resource["extension"] = [
            {"url": config.extensions.own + "session-limit", "valueInteger": item.session_limit}
        ]
    return resource


def role_resource(practitioner_ref: str, post: Post, *, ref: str) -> Resource:
    resource: Resource = {
        "resourceType": "PractitionerRole",
        "id": ref,
        "active": True,
        "practitioner": reference("Practitioner", practitioner_ref),
        "healthcareService": [reference("HealthcareService", post.service)],
    }
    if post.room is not None:
        resource["location"] = [reference("Location", post.room)]
    return resource


# --- hours


def schedule_actors(untrusted: Resource) -> tuple[Ref | None, Ref | None, Ref | None]:
    """Service, practitioner and room of a Schedule."""
    actors = list(objects(untrusted.get("actor")))

    def first(kind: str) -> Ref | None:
        return next((ref for a in actors if (ref := reference_to(kind, a)) is not None), None)

    return first("HealthcareService"), first("Practitioner"), first("Location")


def schedule_resource(
    ref: str, service_ref: str, practitioner_ref: str | None, room_ref: str | None
) -> Resource:
    actors = [reference("HealthcareService", service_ref)]
    if practitioner_ref is not None:
        actors.append(reference("Practitioner", practitioner_ref))
    if room_ref is not None:
        actors.append(reference("Location", room_ref))
    return {"resourceType": "Schedule", "id": ref, "active": True, "actor": actors}


def slot(config: FhirConfig, untrusted: Resource, schedule: Resource) -> Slot:
    """One Slot is one place, unless the HIS tells of more."""
    service_ref, practitioner_ref, room_ref = schedule_actors(schedule)
    if service_ref is None:
        raise BrokenReply("a schedule of no service")
    capacity = _own_whole(config, untrusted, "capacity")
    capacity = 1 if capacity is None else capacity
    free = _own_whole(config, untrusted, "free")
    if free is None:
        free = 1 if untrusted.get("status") == "free" else 0
    start, end = moment_of(untrusted.get("start")), moment_of(untrusted.get("end"))
    if not (start < end and 0 <= free <= capacity):
        raise BrokenReply("an impossible hour")
    return Slot(
        ref=id_of(untrusted),
        service=service_ref,
        practitioner=practitioner_ref,
        room=room_ref,
        start=start,
        end=end,
        capacity=capacity,
        free=free if untrusted.get("status") == "free" else 0,
    )


def slot_resource(config: FhirConfig, item: Slot, *, schedule: str, ref: str) -> Resource:
    own = config.extensions.own
    return {
        "resourceType": "Slot",
        "id": ref,
        "schedule": reference("Schedule", schedule),
        "status": "free" if item.free else "busy",
        "start": moment_text(item.start),
        "end": moment_text(item.end),
        "extension": [
            {"url": own + "capacity", "valueInteger": item.capacity},
            {"url": own + "free", "valueInteger": item.free},
        ],
    }


# --- inside


def _names(untrusted: Resource) -> tuple[str, str]:
    name_vi = text_of(untrusted.get("name"), place="name").strip()
    if not name_vi:
        raise BrokenReply(f"a {untrusted.get('resourceType')} without a name")
    return name_vi, translated(untrusted.get("_name"), "en") or name_vi


def _named(name_vi: str, name_en: str) -> Resource:
    return {"name": name_vi, "_name": with_translation(name_en, "en")}


def _code(untrusted: Resource) -> str:
    """What the house calls it: its first identifier, or its id."""
    entry = next(objects(untrusted.get("identifier")), {})
    return text_of(entry.get("value"), place="identifier") or id_of(untrusted)


def _code_identifier(config: FhirConfig, name: str, code: str) -> Resource:
    return {"system": f"urn:tiepdon:{config.facility.code}:{name}", "value": code}


def _kind(untrusted: Resource) -> ServiceKind:
    for category in objects(untrusted.get("category")):
        for _, code in codes_of(category):
            if code in set(ServiceKind):
                return ServiceKind(code)
    return ServiceKind.EXAMINATION


def _own(config: FhirConfig, untrusted: Resource, name: str) -> Resource | None:
    return extension(untrusted, config.extensions.own + name)


def _own_text(config: FhirConfig, untrusted: Resource, name: str) -> str:
    return text_of((_own(config, untrusted, name) or {}).get("valueString"), place=name)


def _own_flag(config: FhirConfig, untrusted: Resource, name: str) -> bool | None:
    value = (_own(config, untrusted, name) or {}).get("valueBoolean")
    return value if isinstance(value, bool) else None


def _own_whole(config: FhirConfig, untrusted: Resource, name: str) -> int | None:
    return whole((_own(config, untrusted, name) or {}).get("valueInteger"), place=name)


def _own_money(config: FhirConfig, untrusted: Resource, name: str) -> int | None:
    money = (_own(config, untrusted, name) or {}).get("valueMoney")
    return None if money is None else vnd_of(money, place=name)


def _gender(value: str) -> Gender:
    try:
        return Gender(value)
    except ValueError:
        raise BrokenReply("an unknown code for sex") from None


def _person_name(name: Resource) -> str:
    if text := text_of(name.get("text"), place="name"):
        return text
    given = name.get("given")
    parts = [name.get("family"), *(given if isinstance(given, list) else [])]
    return " ".join(text_of(part, place="name") for part in parts if part)


def _time(value: object) -> time | None:
    if value is None:
        return None
    try:
        return time.fromisoformat(text_of(value, place="hour"))
    except ValueError:
        raise BrokenReply("no hour") from None


def _hours(config: FhirConfig, session: OpeningSession) -> Resource:
    hours: Resource = {
        "daysOfWeek": [DAYS[session.weekday]],
        "openingTime": f"{session.opens_at:%H:%M:%S}",
        "closingTime": f"{session.closes_at:%H:%M:%S}",
    }
    if session.limit is not None:
        hours["extension"] = [
            {"url": config.extensions.own + "limit", "valueInteger": session.limit}
        ]
    return hours


def _closed(config: FhirConfig, closed: ClosedDay) -> Resource:
    return {
        "url": config.extensions.own + "closed",
        "extension": [
            {"url": "day", "valueDate": closed.day.isoformat()},
            {"url": "reason", "valueString": closed.reason_vi},
        ],
    }


def _part(entry: Resource, url: str) -> Resource:
    return object_of(extension(entry, url))


def _without_empty(resource: Resource) -> Resource:
    """FHIR forbids empty texts and lists."""
    return {name: value for name, value in resource.items() if value not in ("", [], {}, None)}
