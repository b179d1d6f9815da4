"""A bundle as one file: an uncompressed tar of manifest, signature and the files listed in it.

The signature is checked before anything else is looked at, and each byte is hashed as it is
copied out: what is installed is what was checked, whatever happens to the file meanwhile.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from backend.errors import BundleRefused, ReleaseRefused
from tiepdon.release.keys import check_signature
from tiepdon.release.manifest import MANIFEST, SIGNATURE, Manifest, Part, read_manifest

CHUNK_BYTES = 1024 * 1024
MAX_MANIFEST_BYTES = 8 * 1024 * 1024
SIGNATURE_BYTES = 64
CUT_OFF = "the file is cut off or is not a bundle"


def list_parts(folder: Path) -> tuple[Part, ...]:
    """Every file below a folder with size and hash, in the order of names.

    Raises ReleaseRefused for a name that no bundle can have.
    """
    files = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return tuple(_part_of(path, path.relative_to(folder).as_posix()) for path in files)


def _part_of(path: Path, name: str) -> Part:
    try:
        return Part(path=name, size=path.stat().st_size, sha256=hash_of(path))
    except ValidationError as error:
        raise ReleaseRefused(f"{name}: a file of a bundle has plain ASCII letters only") from error


def pack(folder: Path, manifest: Manifest, key: Ed25519PrivateKey, target: Path) -> None:
    """Writes the bundle beside its place and moves it there: under its name it is whole.

    The same files, manifest and key give the same bytes.
    """
    content = manifest.dump()
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with tarfile.open(unfinished, "w", format=tarfile.GNU_FORMAT) as archive:
            _add_bytes(archive, MANIFEST, content)
            _add_bytes(archive, SIGNATURE, key.sign(content))
            for part in manifest.files:
                with (folder / part.path).open("rb") as file:
                    archive.addfile(_member(part.path, part.size), file)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def verify(bundle: Path, key: Ed25519PublicKey) -> Manifest:
    """Reads every byte and writes none. Raises BundleRefused with the reason."""
    with _checked(bundle, key) as (manifest, parts):
        for part, content in parts:
            _check_content(part, content, None)
    return manifest


def read_signed_manifest(bundle: Path, key: Ed25519PublicKey) -> Manifest:
    """What the bundle claims to be, its files unread. Raises BundleRefused."""
    with _checked(bundle, key) as (manifest, _parts):
        return manifest


def unpack(bundle: Path, key: Ed25519PublicKey, folder: Path) -> Manifest:
    """Writes the files below an empty folder while they are checked. Raises BundleRefused, OSError.

    After an error the folder holds what must not be used: the caller throws it away.
    """
    with _checked(bundle, key) as (manifest, parts):
        for part, content in parts:
            place = folder / part.path
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                _check_content(part, content, file)
                file.flush()
                os.fsync(file.fileno())
        (folder / MANIFEST).write_bytes(manifest.dump())
    return manifest


_Contents = Iterator[tuple[Part, IO[bytes]]]


@contextmanager
def _checked(bundle: Path, key: Ed25519PublicKey) -> Iterator[tuple[Manifest, _Contents]]:
    try:
        with bundle.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            content = _read_small(archive, MANIFEST, MAX_MANIFEST_BYTES)
            check_signature(key, content, _read_small(archive, SIGNATURE, SIGNATURE_BYTES))
            manifest = read_manifest(content)
            yield manifest, _contents(archive, file, manifest.files)
    except (tarfile.TarError, EOFError) as error:
        raise BundleRefused(CUT_OFF) from error


def _contents(archive: tarfile.TarFile, file: IO[bytes], listed: Sequence[Part]) -> _Contents:
    """Members come in the order of the manifest, so nothing can be added, doubled or left out."""
    for part in listed:
        member = archive.next()
        if member is None:
            file.seek(archive.offset)
            is_end = file.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)
            raise BundleRefused(f"{part.path} is missing" if is_end else CUT_OFF)
        _refuse_unless_plain(member)
        if member.name != part.path:
            raise BundleRefused(_why_not_next(member.name, part.path, listed))
        if member.size != part.size:
            raise BundleRefused(f"{part.path} was changed: it has another size")
        content = archive.extractfile(member)
        if content is None:
            raise BundleRefused(f"{part.path} is not a file")
        yield part, content
    extra = archive.next()
    if extra is not None:
        raise BundleRefused(f"{_shown(extra.name)} was added: it is not in the manifest")
    _refuse_what_follows(archive, file)


def _why_not_next(found: str, wanted: str, listed: Sequence[Part]) -> str:
    if found in {part.path for part in listed}:
        return f"{wanted} is missing, or not in its place"
    return f"{_shown(found)} was added: it is not in the manifest"


def _refuse_unless_plain(member: tarfile.TarInfo) -> None:
    if member.issym() or member.islnk():
        raise BundleRefused(f"{_shown(member.name)} is a link")
    if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.pax_headers:
        raise BundleRefused(f"{_shown(member.name)} is not a plain file")
    if member.name.startswith("/") or ".." in member.name.split("/"):
        raise BundleRefused(f"{_shown(member.name)} leads out of the bundle")


def _refuse_what_follows(archive: tarfile.TarFile, file: IO[bytes]) -> None:
    """After the last file come zeros only, up to a whole record of tar, two blocks at the least."""
    file.seek(archive.offset)
    found = 0
    while chunk := file.read(CHUNK_BYTES):
        if chunk.strip(b"\0"):
            raise BundleRefused("something was added behind the last file")
        found += len(chunk)
    is_whole = (archive.offset + found) % tarfile.RECORDSIZE == 0
    if found < 2 * tarfile.BLOCKSIZE or not is_whole:
        raise BundleRefused(CUT_OFF)


def _read_small(archive: tarfile.TarFile, name: str, limit: int) -> bytes:
    member = archive.next()
    if member is None or member.name != name:
        raise BundleRefused(f"this is not a bundle: {name} is not in its place")
    _refuse_unless_plain(member)
    if member.size > limit:
        raise BundleRefused(f"{name} is too large")
    content = archive.extractfile(member)
    if content is None:
        raise BundleRefused(f"{name} is not a file")
    data = content.read()
    if len(data) != member.size:
        raise BundleRefused(CUT_OFF)
    return data


def _check_content(part: Part, content: IO[bytes], target: IO[bytes] | None) -> None:
    digest = hashlib.sha256()
    size = 0
    while chunk := content.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    if size != part.size:
        raise BundleRefused(f"the file is cut off within {part.path}")
    if digest.hexdigest() != part.sha256:
        raise BundleRefused(f"{part.path} was changed: its hash is another one")


def _shown(untrusted_name: str) -> str:
    return ascii(untrusted_name[:120])


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_member(name, len(content)), io.BytesIO(content))


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
