"""Which rows of a report are not shown, for few people were there and the place is sensitive."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from backend.domain.reports.figures import Book, Cut, Figures, merge_all, pages_of
from backend.domain.reports.names import Names
from backend.domain.reports.suppression import LEAST, Part, find_hidden_parts
from backend.domain.visit import StepKind

CLINIC = "clinic"
"""Beside the cuts: rows that are made of rooms."""
Row: TypeAlias = tuple[str, str]


def find_hidden_rows(book: Book, names: Names, *, own_rooms: AbstractSet[str]) -> frozenset[Row]:
    """Rows of rooms, clinics, services and kinds of steps, as (cut, key).

    The page shows all of them and their sums, and everybody knows what is done in which room. So
    small counts are kept from who subtracts clinics, rooms, services and kinds from each other.
    """
    rooms, services = pages_of(book, Cut.ROOM), pages_of(book, Cut.SERVICE)
    clinics = merge_clinics(rooms, names)
    done_in, done_where = _join_services_and_rooms(names)
    sums: dict[Row, tuple[Figures, tuple[str, str]]] = {}
    for key, page in rooms.items():
        clinic = f"clinic {names.clinics[key]}" if key in names.clinics else "rooms"
        sums[Cut.ROOM, key] = page, (clinic, done_in.get(key, "nowhere"))
    for key, page in clinics.items():
        sums[CLINIC, key] = page, (f"clinic {key}", "rooms")
    for key, page in services.items():
        kind = f"kind {names.service_kinds.get(key, '')}"
        sums[Cut.SERVICE, key] = page, (done_where.get(key, "nowhere"), kind)
    for key, page in pages_of(book, Cut.KIND).items():
        # Who returns does so to the service of the examination.
        kind = StepKind.EXAMINATION.value if key == StepKind.RETURN else key
        sums[Cut.KIND, key] = page, (f"kind {kind}", "kinds")
    sensitive = {(Cut.ROOM, key) for key in names.sensitive_rooms - own_rooms}
    open_clinics = {
        names.clinics.get(key)
        for key, page in rooms.items()
        if page.get("steps") and (Cut.ROOM, key) not in sensitive
    }
    rows: set[Row] = {*sensitive, *((CLINIC, key) for key in clinics.keys() - open_clinics)}
    rows |= {(Cut.SERVICE, key) for key in names.find_foreign_services(own_rooms)}
    parts = {
        row: Part(sums=ends, count=page.get("steps"))
        for row, (page, ends) in sums.items()
        if page.get("steps")
    }
    return find_hidden_parts(
        parts, {row for row, part in parts.items() if row in rows and part.count < LEAST}
    )


def merge_clinics(rooms: Mapping[str, Figures], names: Names) -> dict[str, Figures]:
    by_clinic: dict[str, list[Figures]] = {}
    for key, page in rooms.items():
        if key in names.clinics and page.get("steps"):
            by_clinic.setdefault(names.clinics[key], []).append(page)
    return {clinic: merge_all(pages) for clinic, pages in by_clinic.items()}


def _join_services_and_rooms(names: Names) -> tuple[dict[str, str], dict[str, str]]:
    """Rooms, and services, to what they are together with: those of one group share their sum."""
    group_of: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for rooms in names.service_rooms.values():
        known = {group_of[room] for room in rooms if room in group_of}
        joined = [*rooms - group_of.keys(), *(room for each in known for room in members.pop(each))]
        if joined:
            name = f"group {min(joined)}"
            members[name] = joined
            group_of |= dict.fromkeys(joined, name)
    services = {key: group_of[min(rooms)] for key, rooms in names.service_rooms.items() if rooms}
    return group_of, services


def find_left_out(
    book: Book, names: Names, hidden: AbstractSet[Row], *, own_rooms: AbstractSet[str]
) -> frozenset[str]:
    """Rooms of which no details are shown: sensitive ones of others, for hour by hour nearly every
    count is small there, and what the page hides. Never one alone: hours have a sum, too.
    """
    counts = {key: page.get("steps") for key, page in pages_of(book, Cut.ROOM).items()}
    left_out = {
        *names.sensitive_rooms - own_rooms,
        *(key for cut, key in hidden if cut == Cut.ROOM),
    }
    shown = {key for key, count in counts.items() if count and key not in left_out}
    if shown and sum(1 for key in left_out if counts.get(key)) == 1:
        left_out.add(min(shown, key=lambda key: (counts[key], key)))
    return frozenset(left_out)
