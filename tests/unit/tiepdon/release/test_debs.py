from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from backend.errors import ReleaseRefused
from tiepdon.release.debs import ONLY_FOR_TESTS, PACKAGES, install_debs, write_index

SETUP = Path(__file__).parents[4] / "scripts/setup.sh"

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None, reason="needs apt"
)


def make_deb(folder: Path, name: str, depends: str = "") -> None:
    control = folder / "build/DEBIAN/control"
    control.parent.mkdir(parents=True)
    lines = [
        f"Package: {name}",
        "Version: 1.0",
        "Architecture: all",
        "Maintainer: Nobody <nobody@example.invalid>",
        f"Depends: {depends}" if depends else "",
        "Description: a test",
        "",
    ]
    control.write_text("\n".join(line for line in lines if line) + "\n")
    target = str(folder / f"{name}_1.0_all.deb")
    command = ["dpkg-deb", "--root-owner-group", "--build", str(folder / "build"), target]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(folder / "build")


def on_an_empty_machine(folder: Path) -> list[str]:
    (folder / "status").touch()
    more = (
        f"Dir::State::status={folder / 'status'}",
        "Debug::NoLocking=1",
        "APT::Get::Simulate=1",
    )
    return [part for each in more for part in ("-o", each)]


def test_a_folder_of_packages_is_all_that_apt_needs(tmp_path: Path) -> None:
    debs = tmp_path / "debs"
    debs.mkdir()
    make_deb(debs, "tiepdon-try-one", "tiepdon-try-two")
    make_deb(debs, "tiepdon-try-two")
    write_index(debs, {"kiosk": ["tiepdon-try-one"]})
    install_debs(debs, "kiosk", more=on_an_empty_machine(tmp_path))


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    debs = tmp_path / "debs"
    debs.mkdir()
    make_deb(debs, "tiepdon-try-one", "tiepdon-try-two")
    write_index(debs, {"kiosk": ["tiepdon-try-one"]})
    with pytest.raises(ReleaseRefused, match="apt-get"):
        install_debs(debs, "kiosk", more=on_an_empty_machine(tmp_path))


def test_the_list_is_that_of_the_set_up_without_what_only_tests_need() -> None:
    found = re.search(r'packages="([^"]+)"', SETUP.read_text(encoding="utf-8"))
    assert found is not None
    assert set(PACKAGES) == set(found[1].split()) - set(ONLY_FOR_TESTS)
