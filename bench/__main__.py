"""`python -m bench [--quick] [NAME…]`: runs benchmarks, prints a table, writes out/bench/*.json."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench import Row

NAMES = (
    "decoding",
    "ticket",
    "issue",
    "card_to_proof",
    "kiosk",
    "live",
    "voice",
    "calling",
    "fhir",
    "outbox",
    "follow_his",
    "slow_his",
    "payments",
    "audit",
    "backup",
    "fleet",
    "start",
    "month",
    "reports",
)
OUT = Path("out/bench")


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def print_row(row: Row) -> None:
    goal = "" if row.goal is None else f"{'≤' if row.bound == 'at most' else '≥'} {row.goal:g}"
    verdict = {True: "met", False: "NOT MET", None: ""}[row.met]
    print(f"  {row.name:<58}{row.value:>11.3f} {row.unit:<8}{goal:<10}{verdict:<9}{row.note}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(sorted(unknown))}")
    OUT.mkdir(parents=True, exist_ok=True)
    missed = 0
    for name in arguments.names or NAMES:
        started = time.monotonic()
        rows: list[Row] = importlib.import_module(f"bench.{name}").run(quick=arguments.quick)
        print(f"{name} ({time.monotonic() - started:.0f} s)")
        for row in rows:
            print_row(row)
        missed += sum(row.met is False for row in rows)
        report = {"machine": machine(), "quick": arguments.quick}
        report["rows"] = [asdict(row) | {"met": row.met} for row in rows]
        (OUT / f"{name}.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    if missed:
        print(f"{missed} not met", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
