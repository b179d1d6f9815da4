from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.errors import BackupDamaged, ConfigError
from backend.storage.backup_key import BackupKey, load_backup_key, write_new_backup_key
from backend.storage.sealed_stream import (
    CHUNK_BYTES,
    MAGIC,
    SALT_BYTES,
    TAG_BYTES,
    seal_stream,
    unseal_stream,
)

KEY = BackupKey(secret=bytes(range(32)))
HEADER = len(MAGIC) + SALT_BYTES
BOX = CHUNK_BYTES + TAG_BYTES
CONTENT = b"079085000000" * (CHUNK_BYTES // 4)  # three chunks


def seal(content: bytes) -> bytes:
    return b"".join(seal_stream([content], KEY))


def unseal(sealed: bytes, key: BackupKey = KEY) -> bytes:
    return b"".join(unseal_stream(io.BytesIO(sealed), key))


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]
)
def test_what_goes_in_comes_out(size: int) -> None:
    content = CONTENT[:size]
    sealed = seal(content)
    assert unseal(sealed) == content
    assert size < 24 or content[:24] not in sealed


def test_pieces_of_any_size_give_the_same_content() -> None:
    pieces = [CONTENT[at : at + 70_001] for at in range(0, len(CONTENT), 70_001)]
    assert unseal(b"".join(seal_stream(pieces, KEY))) == CONTENT


def test_the_same_content_is_sealed_anew() -> None:
    assert seal(b"same") != seal(b"same")


def flip(at: int) -> Callable[[bytes], bytes]:
    def change(sealed: bytes) -> bytes:
        altered = bytearray(sealed)
        altered[at] ^= 1
        return bytes(altered)

    return change


@pytest.mark.parametrize(
    "change",
    [
        *(flip(at) for at in (0, len(MAGIC), HEADER, HEADER + BOX + 5, -1)),
        lambda s: b"",
        lambda s: s[:10],
        lambda s: s[:HEADER],
        lambda s: s[: HEADER + BOX],  # cut at a chunk
        lambda s: s[:-1],
        lambda s: s + b"\0",
        lambda s: s + s[HEADER:],
        lambda s: s[:HEADER] + s[HEADER + BOX :],  # the first left out
        lambda s: s[:HEADER] + s[HEADER + BOX :][:BOX] + s[HEADER:][:BOX] + s[HEADER + 2 * BOX :],
        lambda s: s[: HEADER + BOX] + s[HEADER:],  # the first doubled
        lambda s: seal(CONTENT)[: HEADER + BOX] + s[HEADER + BOX :],  # of two files
    ],
)  # fmt: skip
def test_whatever_was_done_to_it_is_found(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BackupDamaged):
        unseal(change(seal(CONTENT)))


def test_another_key_opens_nothing() -> None:
    with pytest.raises(BackupDamaged):
        unseal(seal(b"x"), BackupKey(secret=bytes(32)))


def test_signatures_belong_to_content_and_key() -> None:
    signature = KEY.sign(b"manifest")
    assert KEY.has_signed(b"manifest", signature)
    assert not KEY.has_signed(b"manifest2", signature)
    assert not BackupKey(secret=bytes(32)).has_signed(b"manifest", signature)
    assert not KEY.has_signed(b"manifest", "đ")


def test_a_key_file_is_the_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "backup.key"
    write_new_backup_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = load_backup_key(path)
    assert key.secret.hex() not in repr(key)
    with pytest.raises(FileExistsError):
        write_new_backup_key(path)
    path.chmod(0o640)
    with pytest.raises(ConfigError):
        load_backup_key(path)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", json.dumps({"backup_key": "00"}), '{"backup_key": 1}']
)
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "backup.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        load_backup_key(path)
