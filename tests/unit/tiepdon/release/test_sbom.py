from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.factories.releases import MADE_AT, make_release
from tiepdon.release.archive import unpack
from tiepdon.release.sbom import SBOM, compose_sbom


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sbom")
    key = Ed25519PrivateKey.generate()
    unpack(make_release(folder, key), key.public_key(), folder / "content")
    return folder / "content"


def test_it_is_what_the_standard_says(content: Path) -> None:
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str((content / SBOM).read_text())
    assert faults is None


def test_every_part_is_in_it_with_its_hash(content: Path) -> None:
    document = json.loads((content / SBOM).read_text())
    own = document["metadata"]["component"]
    assert (own["name"], own["version"], own["purl"]) == (
        "tiepdon",
        "1.0.0",
        "pkg:pypi/tiepdon@1.0.0",
    )
    fonts = [each["name"] for each in document["components"]]
    assert fonts == ["fonts/BeVietnamPro_400Regular.ttf"]
    assert all(len(each["hashes"][0]["content"]) == 64 for each in document["components"])


def test_the_same_parts_give_the_same_document(content: Path) -> None:
    again = compose_sbom(content, version="1.0.0", made_at=MADE_AT)
    assert again == (content / SBOM).read_text()
