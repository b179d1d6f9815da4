"""Rules of the house that no other tool checks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = [
    Path(line)
    for line in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if (ROOT / line).is_file()
]
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".json",
    ".yaml",
    ".sh",
    ".html",
    ".css",
    ".js",
    ".txt",
    ".kv",
    "",
}


def texts() -> list[tuple[Path, str]]:
    return [
        (path, (ROOT / path).read_text(encoding="utf-8"))
        for path in TRACKED
        if path.suffix in TEXT_SUFFIXES
    ]


def test_every_test_folder_is_a_package() -> None:
    """With a hole in the chain `tests/unit/payments` would be imported as `payments`."""
    folders = {path.parent for path in TRACKED if path.parts[0] == "tests" and path.suffix == ".py"}
    chains = {parent for folder in folders for parent in [folder, *folder.parents]} - {Path()}
    missing = sorted(
        str(folder) for folder in chains if not (ROOT / folder / "__init__.py").exists()
    )
    assert not missing


def test_nothing_generated_is_tracked() -> None:
    suspicious = {".sqlite3", ".pyc", ".ttf", ".otf", ".log", ".bin", ".whl"}
    assert not [p for p in TRACKED if p.suffix in suspicious and "golden" not in p.parts]
    pictures = [p for p in TRACKED if p.suffix == ".png" and "golden" not in p.parts]
    assert not [p for p in pictures if p.parent != Path("docs/pictures")]


@pytest.mark.parametrize("path", ["requirements/runtime.txt", "requirements/dev.txt"])
def test_every_dependency_is_pinned_with_a_hash(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-zA-Z])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    for block in filter(str.strip, blocks):
        assert re.match(r"[a-zA-Z0-9._-]+(\[[a-z,]+\])?==", block.strip()), block[:60]
        assert "--hash=sha256:" in block, block[:60]
    assert "://" not in text


def test_no_absolute_path_of_a_machine() -> None:
    needle = re.compile(r"/(?:root|work|home/[a-z]+)/")
    hits = [str(path) for path, text in texts() if needle.search(text)]
    assert hits == []


def test_user_texts_are_in_composed_form() -> None:
    """Decomposed letters look the same and break search and some fonts."""
    import unicodedata

    hits = [
        str(path)
        for path, text in texts()
        if path.parts[0] != "tests" and not unicodedata.is_normalized("NFC", text)
    ]
    assert hits == []


def test_every_python_module_has_a_docstring_or_is_small() -> None:
    missing = []
    for path, text in texts():
        if (
            path.suffix != ".py"
            or path.parts[0] in {"tests", "scripts"}
            or "versions" in path.parts
        ):
            continue
        if len(text.splitlines()) > 30 and not text.lstrip().startswith(('"""', 'r"""', "#!")):
            missing.append(str(path))
    assert missing == []
