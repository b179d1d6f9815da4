from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.factories.releases import make_release
from tiepdon.release.keys import load_release_key, write_new_release_key

SCRIPT = Path(__file__).parents[4] / "scripts/first_install.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl"),
]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    write_new_release_key(tmp_path / "release.key")
    return tmp_path / "release.key"


def first_install(bundle: Path, key: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """By the machine's own Python, which has nothing of ours."""
    python = Path(sys.base_prefix) / "bin/python3"
    return subprocess.run(
        [str(python), "-I", str(SCRIPT), str(bundle), f"{key}.pub", str(root)],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "CALLS": str(root.parent / "calls.txt")},
        check=False,
    )


def test_a_bare_machine_hands_over_to_the_command_of_the_bundle(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, load_release_key(key))
    done = first_install(bundle, key, tmp_path / "opt")
    assert done.returncode == 0, done.stderr
    place = f"--key {key}.pub --root {tmp_path / 'opt'}"
    assert (tmp_path / "calls.txt").read_text() == f"1.0.0 bundle install {bundle} {place}\n"


def test_a_bare_machine_refuses_another_key(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, Ed25519PrivateKey.generate())
    done = first_install(bundle, key, tmp_path / "opt")
    assert (done.returncode, "signature is wrong" in done.stderr) == (1, True)
    assert not (tmp_path / "calls.txt").exists()


def test_a_bare_machine_refuses_a_changed_file(tmp_path: Path, key: Path) -> None:
    bundle = make_release(tmp_path, load_release_key(key))
    content = bundle.read_bytes()
    place = content.index(b"Wheel-Version")
    bundle.write_bytes(content[:place] + b"w" + content[place + 1 :])
    done = first_install(bundle, key, tmp_path / "opt")
    assert (done.returncode, "not what was signed" in done.stderr) == (1, True)
    bundle.write_bytes(content[:3000])
    done = first_install(bundle, key, tmp_path / "opt")
    assert done.returncode == 1
