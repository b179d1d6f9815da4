"""What the journeys leave behind: report.json for programs, index.html for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path

STYLE = """
:root { --ink: #13262b; --teal: #0b6e69; --paper: #fbfaf7; --line: #d9e0de; --bad: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.5 "Be Vietnam Pro", system-ui, sans-serif; }
header { background: var(--teal); color: #fff; padding: 40px 5vw; }
header h1 { margin: 0; font-size: 34px; }
header p { margin: 8px 0 0; max-width: 60em; }
main { padding: 24px 5vw 80px; }
table { border-collapse: collapse; background: #fff; width: 100%; margin: 16px 0 40px; }
th, td { text-align: left; padding: 10px 14px; border-bottom: 1px solid var(--line); }
td.figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.ok { color: var(--teal); font-weight: 600; } .failed { color: var(--bad); font-weight: 600; }
section h2 { margin: 48px 0 4px; font-size: 24px; }
section p { margin: 0 0 14px; }
.strip { display: flex; gap: 18px; overflow-x: auto; padding-bottom: 16px; align-items: flex-start; }
figure { margin: 0; flex: none; }
figure img { display: block; height: 520px; border: 1px solid var(--line); border-radius: 10px; background: #fff; }
figcaption { font-size: 14px; padding-top: 6px; color: #4b5f64; }
"""


@dataclass(kw_only=True)
class JourneyResult:
    """One journey as played. Times are of the machine: waiting for a person is not in them."""

    journey: int
    name: str
    ok: bool = False
    ticket: str | None = None
    room: str | None = None
    payment: str | None = None
    """The code on the receipt."""
    times_ms: dict[str, float] = field(default_factory=dict)
    screens: list[str] = field(default_factory=list)
    """Paths below the output folder, in the order they were on the glass."""
    tickets: list[str] = field(default_factory=list)
    problem: str | None = None
    """Why it is not ok."""


def write_report(out: Path, results: list[JourneyResult], pages: Sequence[Path] = ()) -> None:
    """Write `report.json` and `index.html` into `out`; `pages` are pictures below it."""
    results = sorted(results, key=lambda result: result.journey)
    keys = (
        "journey",
        "name",
        "ok",
        "ticket",
        "room",
        "payment",
        "times_ms",
        "screens",
        "tickets",
        "problem",
    )
    rows = [{key: asdict(result)[key] for key in keys} for result in results]
    text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    (out / "report.json").write_text(text, encoding="utf-8")
    below = [str(path.relative_to(out)) for path in pages]
    (out / "index.html").write_text(page(results, below), encoding="utf-8")


def page(results: list[JourneyResult], pages: Sequence[str] = ()) -> str:
    steps = list(dict.fromkeys(step for result in results for step in result.times_ms))
    head = "".join(f"<th>{escape(step)}</th>" for step in steps)
    body = "".join(summary_row(result, steps) for result in results)
    sections = "".join(section(result) for result in results)
    if pages:
        sections += (
            "<section><h2>Bảng gọi số, phòng khám, tiếp đón, trưởng khoa, điện thoại</h2>"
            f'<div class="strip">{strip(pages)}</div></section>'
        )
    passed = sum(result.ok for result in results)
    return (
        f'<!doctype html><html lang="vi"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>tiếp đón: bản trình diễn</title><style>{STYLE}</style>"
        f"<header><h1>tiếp đón</h1><p>{passed} / {len(results)} hành trình đạt. Từng màn hình, từng phiếu "
        f"in ra và thời gian máy xử lý (mili giây). Every person shown is invented.</p></header>"
        f"<main><table><tr><th>#</th><th>Hành trình</th><th></th><th>Số</th><th>Nơi đến</th>{head}</tr>"
        f"{body}</table>{sections}</main></html>\n"
    )


def verdict(result: JourneyResult) -> str:
    return '<span class="ok">đạt</span>' if result.ok else '<span class="failed">không đạt</span>'


def summary_row(result: JourneyResult, steps: list[str]) -> str:
    figures = "".join(
        f'<td class="figure">{result.times_ms[step]:.0f}</td>'
        if step in result.times_ms
        else "<td></td>"
        for step in steps
    )
    return (
        f'<tr><td>{result.journey}</td><td><a href="#j{result.journey}">{escape(result.name)}</a></td>'
        f"<td>{verdict(result)}</td><td>{escape(result.ticket or result.payment or '')}</td>"
        f"<td>{escape(result.room or '')}</td>{figures}</tr>"
    )


def strip(paths: Sequence[str]) -> str:
    return "".join(
        f'<figure><a href="{escape(path)}"><img src="{escape(path)}" alt="" loading="lazy"></a>'
        f"<figcaption>{escape(Path(path).stem)}</figcaption></figure>"
        for path in paths
    )


def section(result: JourneyResult) -> str:
    pictures = strip([*result.screens, *result.tickets])
    problem = f'<p class="failed">{escape(result.problem)}</p>' if result.problem else ""
    return (
        f'<section id="j{result.journey}"><h2>{result.journey}. {escape(result.name)}</h2>'
        f'<p>{verdict(result)}</p>{problem}<div class="strip">{pictures}</div></section>'
    )
