from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from his_adapter.builtin.catalogue import STARTER_FILE, load_catalogue
from his_adapter.errors import GatewayMisconfigured


@pytest.fixture
def document() -> dict[str, Any]:
    return json.loads(STARTER_FILE.read_text(encoding="utf-8"))


def load(tmp_path: Path, document: object) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    load_catalogue(file)


def test_the_starter_can_be_used() -> None:
    assert load_catalogue(STARTER_FILE).services


@pytest.mark.parametrize(
    ("part", "field", "value", "told"),
    [
        ("rooms", "department", "nowhere", "nowhere"),
        ("services", "rooms", ["room-9"], "room-9"),
        ("sessions", "closes_at", "01:00", "span"),
        ("sessions", "weekday", 7, "span"),
        ("services", "price_vnd", -1, "negative"),
        ("services", "price_vnd", 1.5, "services.0.price_vnd"),
        ("services", "kind", "magic", "services.0.kind"),
        ("slot_rules", "minutes", 0, "slot_rules.0"),
        ("rooms", "ref", "a~b", "not a reference"),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, document: dict[str, Any], part: str, field: str, value: object, told: str
) -> None:
    document[part][0][field] = value
    with pytest.raises(GatewayMisconfigured, match=told):
        load(tmp_path, document)


def test_a_reference_stands_once(tmp_path: Path, document: dict[str, Any]) -> None:
    document["rooms"].append(document["rooms"][0])
    with pytest.raises(GatewayMisconfigured, match="room-1 twice"):
        load(tmp_path, document)


def test_a_zone_has_to_exist(tmp_path: Path, document: dict[str, Any]) -> None:
    document["timezone"] = "../etc/passwd"
    with pytest.raises(GatewayMisconfigured, match="time zone"):
        load(tmp_path, document)


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_what_is_no_catalogue(tmp_path: Path, content: str) -> None:
    file = tmp_path / "catalogue.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(GatewayMisconfigured):
        load_catalogue(file)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(GatewayMisconfigured, match="cannot be read"):
        load_catalogue(tmp_path / "none.json")


def test_a_file_beyond_measure(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    file.write_bytes(b" " * (4 * 2**20 + 1))
    with pytest.raises(GatewayMisconfigured, match="too large"):
        load_catalogue(file)
