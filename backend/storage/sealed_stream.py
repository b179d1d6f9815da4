"""A long file sealed in chunks: AES-256-GCM, each chunk with its place and whether it is the last.

The STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, as the tool `age` uses it. A
file is magic, 16 bytes of salt, then chunks of 1 MiB with a tag of 16 bytes each. The key is made
for this file from the salt; the nonce is the chunk's number and a byte that is 1 in the last.
So a chunk that is altered, moved, doubled or left out does not open, nor does a file cut at a
chunk, one with something after its end, or one of another key.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.errors import BackupDamaged
from backend.storage.backup_key import BackupKey

MAGIC = b"TIEPDON-BACKUP1\n"
SALT_BYTES = 16
TAG_BYTES = 16
CHUNK_BYTES = 1024 * 1024


def seal_stream(content: Iterable[bytes], key: BackupKey) -> Iterator[bytes]:
    """The sealed file piece by piece; holds two chunks in memory, whatever the length."""
    salt = secrets.token_bytes(SALT_BYTES)
    box = AESGCM(key.for_file(salt))
    header = MAGIC + salt
    yield header
    number, waiting = 0, bytearray()
    for piece in content:
        waiting += piece
        # The last chunk is known only when nothing follows: one is always kept back.
        while len(waiting) > CHUNK_BYTES:
            yield box.encrypt(_nonce(number, last=False), bytes(waiting[:CHUNK_BYTES]), header)
            del waiting[:CHUNK_BYTES]
            number += 1
    yield box.encrypt(_nonce(number, last=True), bytes(waiting), header)


def unseal_stream(file: BinaryIO, key: BackupKey) -> Iterator[bytes]:
    """The content piece by piece; each is proven, the whole only when this ends.

    Raises BackupDamaged.
    """
    header = file.read(len(MAGIC) + SALT_BYTES)
    if len(header) != len(MAGIC) + SALT_BYTES or not header.startswith(MAGIC):
        raise BackupDamaged("a file of the backup is not one, or its beginning is lost")
    box = AESGCM(key.for_file(header[len(MAGIC) :]))
    number, sealed = 0, file.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        following = file.read(CHUNK_BYTES + TAG_BYTES)
        try:
            chunk = box.decrypt(_nonce(number, last=not following), sealed, header)
        except (InvalidTag, ValueError) as error:
            raise BackupDamaged(
                f"chunk {number} of a file of the backup is damaged, or it is another key"
            ) from error
        yield chunk
        if not following:
            return
        number, sealed = number + 1, following


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")
