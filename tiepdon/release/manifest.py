"""What a bundle holds: the list that is signed, and that every file is held against."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from backend.errors import BundleRefused

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
VERSION_PATTERN = r"[0-9]+(\.[0-9]+){1,3}((a|b|rc)[0-9]+)?(\.(post|dev)[0-9]+)?(\+[a-z0-9.]{1,40})?"

_PART = re.compile(r"[A-Za-z0-9_+~%-][A-Za-z0-9_.+~%@-]*", re.ASCII)
MAX_PATH_CHARS = 200


def _plain_path(path: str) -> str:
    """No way out of a folder: no root, no dots in front, no backslash, nothing of one's own."""
    parts = path.split("/")
    if len(path) > MAX_PATH_CHARS or not all(_PART.fullmatch(part) for part in parts):
        raise ValueError("not a plain path inside a bundle")
    if path in {MANIFEST, SIGNATURE}:
        raise ValueError("the manifest does not list itself")
    return path


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, AfterValidator(_plain_path)]
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """`migrations` are all shapes of a database this release can bring forward, newest first.

    `left_out` says in words what a full bundle has and this one has not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    product: Literal["tiepdon"] = "tiepdon"
    version: str = Field(pattern=f"^{VERSION_PATTERN}$", max_length=60)
    made_at: datetime
    python: str = Field(pattern=r"^3\.[0-9]{1,2}$")
    machine: str = Field(pattern=r"^[a-z0-9_]{1,20}$")
    migrations: tuple[str, ...] = Field(min_length=1)
    left_out: tuple[str, ...] = ()
    files: tuple[Part, ...] = Field(min_length=1, max_length=20_000)

    @property
    def schema_revision(self) -> str:
        return self.migrations[0]

    @property
    def by_path(self) -> Mapping[str, Part]:
        return {part.path: part for part in self.files}

    def under(self, folder: str) -> tuple[Part, ...]:
        return tuple(part for part in self.files if PurePosixPath(part.path).parts[0] == folder)

    def dump(self) -> bytes:
        return self.model_dump_json(indent=1).encode() + b"\n"


def read_manifest(content: bytes) -> Manifest:
    """What a checked signature vouches for. Raises BundleRefused for another format."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        places = sorted({".".join(str(each) for each in fault["loc"]) for fault in error.errors()})
        raise BundleRefused(f"the manifest is of another kind: {', '.join(places)}") from error
    if len(manifest.by_path) != len(manifest.files):
        raise BundleRefused("the manifest lists a file twice")
    return manifest
