"""Reports of the kit for our own targets, each in a folder of its name.

python -m tests.conformance --out out/certify            full clock, all targets
python -m tests.conformance --out docs/certificates --speed 60 demo fhir_server careless
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from his_adapter.conformance.report import write_reports
from tests.conformance.targets import TARGETS, certify_target

SIDE_BY_SIDE = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("targets", nargs="*", default=sorted(TARGETS))
    asked = parser.parse_args()
    if len(asked.targets) == 1:
        _certify(asked.targets[0], asked.out, asked.speed)
        return 0
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return max(
            pool.map(partial(_in_a_process, out=asked.out, speed=asked.speed), asked.targets)
        )


def _in_a_process(name: str, *, out: Path, speed: float) -> int:
    """Logs and settings of one target must not reach another's report."""
    command = [sys.executable, "-m", "tests.conformance", "--out", str(out), "--speed", str(speed)]
    return subprocess.run([*command, name], check=False).returncode


def _certify(name: str, out: Path, speed: float) -> None:
    with tempfile.TemporaryDirectory(prefix="tiepdon-certify-") as folder:
        with TARGETS[name](Path(folder)) as config:
            outcome = certify_target(config, speed=speed)
        write_reports(outcome, out / name)
    bad = ", ".join(f"{each.case.id} {each.status.value}" for each in outcome.negative)
    print(f"{name}: level {outcome.level or 'none'}; {bad or 'nothing failed'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
