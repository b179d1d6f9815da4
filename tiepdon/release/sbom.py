"""The bill of materials of a bundle: CycloneDX 1.6, every part with version, licence and hash."""

from __future__ import annotations

import json
import subprocess
import uuid
import zipfile
from datetime import datetime
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tiepdon.release.archive import hash_of

SBOM = "sbom.cdx.json"


def compose_sbom(folder: Path, *, version: str, made_at: datetime) -> str:
    """JSON of what lies in the folders of a bundle. The same parts give the same document."""
    components = [
        *(_of_wheel(path) for path in sorted(folder.glob("wheels/*.whl"))),
        *(_of_deb(path) for path in sorted(folder.glob("debs/*.deb"))),
        *(_of_file(path, folder, "OFL-1.1") for path in sorted(folder.glob("fonts/*"))),
        *(_of_file(path, folder) for path in sorted(folder.glob("voice/**/*")) if path.is_file()),
    ]
    own = next(each for each in components if each["name"] == "tiepdon")
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": made_at.isoformat(timespec="seconds"),
            "component": {**own, "type": "application"},
        },
        "components": [each for each in components if each is not own],
    }
    seed = json.dumps(document, sort_keys=True)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, f"tiepdon:{version}:{seed}")
    return json.dumps(
        {"serialNumber": f"urn:uuid:{serial}", **document}, ensure_ascii=False, indent=1
    )


def read_wheel_metadata(wheel: Path) -> Message:
    """METADATA of a wheel: Name, Version and the rest."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(
            each
            for each in archive.namelist()
            if each.endswith(".dist-info/METADATA") and each.count("/") == 1
        )
        return HeaderParser().parsestr(archive.read(name).decode("utf-8", "replace"))


def _of_wheel(path: Path) -> dict[str, Any]:
    metadata = read_wheel_metadata(path)
    name, version = str(metadata["Name"]), str(metadata["Version"])
    purl = f"pkg:pypi/{quote(name.lower().replace('_', '-'))}@{quote(version)}"
    component = _component(name, version, purl, path)
    licence = metadata["License-Expression"] or metadata["License"] or _classified(metadata)
    if licence:
        named = " ".join(str(licence).split())[:120]
        key = "expression" if metadata["License-Expression"] else None
        component["licenses"] = [{key: named}] if key else [{"license": {"name": named}}]
    return component


def _classified(metadata: Message) -> str | None:
    found = [
        str(each).rsplit(" :: ", 1)[-1]
        for each in metadata.get_all("Classifier", [])
        if str(each).startswith("License ::")
    ]
    return ", ".join(found) or None


def _of_deb(path: Path) -> dict[str, Any]:
    fields = subprocess.run(
        ["dpkg-deb", "--show", "--showformat=${Package}\n${Version}\n${Architecture}", str(path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    name, version, architecture = fields
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={quote(architecture)}"
    return _component(name, version, purl, path)


def _of_file(path: Path, folder: Path, licence: str | None = None) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "file",
        "bom-ref": path.relative_to(folder).as_posix(),
        "name": path.relative_to(folder).as_posix(),
        "hashes": [{"alg": "SHA-256", "content": hash_of(path)}],
    }
    return component | ({"licenses": [{"license": {"id": licence}}]} if licence else {})


def _component(name: str, version: str, purl: str, path: Path) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": hash_of(path)}],
    }
