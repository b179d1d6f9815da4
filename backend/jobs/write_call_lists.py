"""Lists of all rooms as files, again and again: with them a room goes on from paper.

They say who is called in which order, by number. Nothing of a person is in them. A file is
replaced as a whole, so whoever opens one never sees half of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from backend.domain.catalogue import Catalogue, Room
from backend.services.resources import Resources
from backend.services.show_call_list import load_call_list, sheet_facts

LANGUAGE = "vi"
"""The lists are for staff."""
INDEX = "index.html"
_WEB = Path(__file__).parents[1] / "web"
_OURS = re.compile(r"phong-.*\.html")


def write_call_lists(resources: Resources) -> int:
    """How many lists were written; 0 while it is not time yet, or where nobody wants them.

    Raises OSError when the folder cannot be written, StorageUnavailable.
    """
    folder = resources.config.call_lists
    catalogue = resources.catalogue.get()
    every_min = catalogue.settings.call_list_every_min
    now = resources.database.clock()
    if folder is None or every_min <= 0:
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    if not _is_due(folder, now, timedelta(minutes=every_min)):
        return 0
    pages = _draw(resources, catalogue, now)
    for name, page in pages.items():
        _replace(folder / name, page)
    _remove_others(folder, pages)
    return len(pages) - 1


def _is_due(folder: Path, now: datetime, every: timedelta) -> bool:
    """Several workers may run: the last one's index tells when."""
    try:
        text = (folder / INDEX).read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    found = re.search(r'data-written="([^"]+)"', text)
    if found is None:
        return True
    written = datetime.fromisoformat(found[1])
    # A clock that was set back must not stop the lists for hours.
    return not timedelta(0) <= now - written < every


def _draw(resources: Resources, catalogue: Catalogue, now: datetime) -> Mapping[str, str]:
    """File names and pages; the index is the last one written."""
    environment = Environment(loader=FileSystemLoader(_WEB / "templates"), autoescape=True)
    words = json.loads((_WEB / "locales" / LANGUAGE / "call_list.json").read_text("utf-8"))
    common: dict[str, Any] = {
        "t": words,
        "lang": LANGUAGE,
        "facility": catalogue.facility_name.vi,
        "style": (_WEB / "static" / "call_list.css").read_text("utf-8"),
    }
    pages: dict[str, str] = {}
    lines = []
    template = environment.get_template("call_list_file.html")
    with resources.database.read() as connection:
        for room in sorted(catalogue.rooms.values(), key=lambda room: room.code):
            sheet = load_call_list(resources, connection, room.id, now=now)
            facts = sheet_facts(sheet, zone=catalogue.zone, lang=LANGUAGE)
            name = _file_name(room)
            pages[name] = template.render(**common, **facts)
            lines.append({"name": name, "room": room, "waiting": sheet.waiting_total})
    local = now.astimezone(catalogue.zone)
    index = environment.get_template("call_list_index.html")
    pages[INDEX] = index.render(
        **common, rooms=lines, written=now.isoformat(), at=local.strftime("%H:%M %d/%m/%Y")
    )
    return pages


def _file_name(room: Room) -> str:
    """The code for people; the end of the id keeps codes apart that look the same in a name."""
    code = re.sub(r"[^A-Za-z0-9]+", "-", room.code).strip("-")
    return f"phong-{code}-{room.id[-4:]}.html"


def _replace(path: Path, text: str) -> None:
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def _remove_others(folder: Path, pages: Mapping[str, str]) -> None:
    """Rooms that are no more, and halves of a worker that died."""
    for path in folder.iterdir():
        is_half = path.name.startswith(".phong-") or path.name.startswith(f".{INDEX}")
        if is_half or (_OURS.fullmatch(path.name) and path.name not in pages):
            path.unlink(missing_ok=True)
