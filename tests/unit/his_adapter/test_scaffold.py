from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from his_adapter.scaffold import NameRefused, write_adapter


def test_what_is_written_opens_and_declares_nothing(tmp_path: Path) -> None:
    folder = write_adapter("benh_vien_thu", tmp_path)
    assert folder.name == "tiepdon-his-benh-vien-thu"
    program = (
        "from tiepdon_his_benh_vien_thu.gateway import open_gateway\n"
        "his = open_gateway({'base_url': 'http://127.0.0.1:1'})\n"
        "assert not his.capabilities().features\n"
        "assert his.health().state == 'down'\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=folder, check=True)


def test_twice_is_refused(tmp_path: Path) -> None:
    write_adapter("one", tmp_path)
    with pytest.raises(FileExistsError):
        write_adapter("one", tmp_path)


@pytest.mark.parametrize("name", ["", "x", "../up", "Hoa", "class", "a b", "1st", "é1"])
def test_names_are_checked(name: str, tmp_path: Path) -> None:
    with pytest.raises(NameRefused):
        write_adapter(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
