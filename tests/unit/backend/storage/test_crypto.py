from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from backend.errors import ConfigError
from backend.storage.crypto import CannotUnseal, Keys, demo_keys, load_keys, write_new_keys

SECRET = "079085000000"


def test_sealed_data_opens_only_in_its_own_row() -> None:
    keys = demo_keys()
    box = keys.seal(SECRET.encode(), context="person:1")
    assert SECRET.encode() not in box
    assert keys.unseal(box, context="person:1") == SECRET.encode()
    with pytest.raises(CannotUnseal):
        keys.unseal(box, context="person:2")


@pytest.mark.parametrize("position", [0, 1, 5, 20, -1])
def test_altered_boxes_do_not_open(position: int) -> None:
    keys = demo_keys()
    box = bytearray(keys.seal(SECRET.encode(), context="c"))
    box[position] ^= 1
    with pytest.raises(CannotUnseal):
        keys.unseal(bytes(box), context="c")


@pytest.mark.parametrize("box", [b"", b"\0", b"\0\1short"])
def test_what_is_no_box_does_not_open(box: bytes) -> None:
    with pytest.raises(CannotUnseal):
        demo_keys().unseal(box, context="c")


def test_the_same_twice_is_sealed_differently_and_hashed_alike() -> None:
    keys = demo_keys()
    assert keys.seal(b"x", context="c") != keys.seal(b"x", context="c")
    assert keys.hash("a", "bc") == keys.hash("a", "bc")
    assert keys.hash("a", "bc") != keys.hash("ab", "c")


def test_old_boxes_stay_readable_with_a_new_key() -> None:
    old = demo_keys()
    box = old.seal(b"x", context="c")
    new = Keys(active=2, hash_key=old.hash_key, seal_keys={**old.seal_keys, 2: b"2" * 32})
    assert new.unseal(box, context="c") == b"x"
    with pytest.raises(CannotUnseal):
        old.unseal(new.seal(b"x", context="c"), context="c")


def test_a_new_keys_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_new_keys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    keys = load_keys(path)
    assert keys.unseal(keys.seal(b"x", context="c"), context="c") == b"x"
    with pytest.raises(FileExistsError):
        write_new_keys(path)


def test_keys_stay_out_of_repr(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_new_keys(path)
    text = repr(load_keys(path))
    for entry in json.loads(path.read_text())["keys"]["1"].values():
        assert entry not in text
    assert "seal_keys" not in text


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"active": 1, "keys": {}}',
        '{"active": 2, "keys": {"1": {"hash": "' + "00" * 32 + '", "seal": "' + "00" * 32 + '"}}}',
        '{"active": 1, "keys": {"1": {"hash": "00", "seal": "00"}}}',
    ],
)
def test_files_that_are_no_keys_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        load_keys(path)


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_new_keys(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError):
        load_keys(path)
