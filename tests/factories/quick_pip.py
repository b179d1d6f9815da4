"""Stands in for pip where a test makes many environments: the one wheel, unpacked in its place.

python quick_pip.py ENVIRONMENT install … --find-links FOLDER …
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def main() -> None:
    environment, arguments = Path(sys.argv[1]), sys.argv[2:]
    wheels = Path(arguments[arguments.index("--find-links") + 1])
    (packages,) = environment.glob("lib/python3*/site-packages")
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    command = environment / "bin/tiepdon"
    command.write_text(f"#!{environment / 'bin/python'}\nfrom tiny import main\n\nmain()\n")
    command.chmod(0o755)


if __name__ == "__main__":
    main()
