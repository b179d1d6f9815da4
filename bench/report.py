"""`python -m bench.report`: the newest figures, in out/bench, into docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.__main__ import NAMES, OUT

PAGE = Path("docs/benchmarks.md")
WHAT = {
    "decoding": "Reading codes. Hard frames are seeded cells of blur, tilt, glare, noise and 1.5 to 3 px per module in which "
    "zxing-cpp's plain call reads 20 to 60 %; they are chosen with one seed and measured with another. Costs are "
    "processor time of one thread.",
    "ticket": "Drawing a ticket and turning it into ESC/POS.",
    "issue": "Issuing numbers over HTTP with everything a real issue does: credential, validation, visit, step, number, ticket, "
    "outbox, audit. Two gunicorn workers on PostgreSQL with synchronous commit; clients and database on the same two "
    "cores. The floor is a bare Flask route with the same seven statements, in the same run.",
    "card_to_proof": "From a card in view to the printer's proof: a real window drawn in software, real frames over loopback, the real "
    "server; taps of the patient counted as 0. Rows below the first two are its parts.",
    "kiosk": "The kiosk's window, drawn in software at 1080×1920.",
    "voice": "From a call to its sound: words, clips from files, chime, said twice, as one WAV. Synthetic voice (espeak-ng).",
    "calling": "Pressing next in 30 rooms that call from 20 lines, 25 times a second over HTTP, and the page that shows all "
    "rooms to the head of the department. The floor is the same with few people waiting, in the same run.",
    "fhir": "What our FHIR client costs over a bare `requests` call to the same server in the same run: checking, bounding, parsing and "
    "mapping to our models.",
    "outbox": "Messages to the HIS after it was away: looked up, sent, settled, audited. Two workers on PostgreSQL with synchronous "
    "commit; the HIS is a small one behind HTTP without delays of its own; all of them on the same two cores.",
    "follow_his": "Orders placed and results released in the demo hospital by a process of its own, until our database has the step and the "
    "event for boards and phones. One worker with all its jobs on PostgreSQL; with a HIS that tells of changes, and with one that has to "
    "be asked about each open visit in turn (everybody with the doctor).",
    "slow_his": "A HIS that holds its answers back: from the card until the number, POST /scans and POST /visits together, two web workers "
    "on PostgreSQL. Patients follow each other at four kiosks without a pause.",
    "payments": "50 payments a second are told by signed callbacks (the sandbox's) while 150 kiosks ask for news every 0.6 s, half of "
    "which pause is in every figure. Two web workers, PostgreSQL with synchronous commit, bank and kiosks on the same two cores. Orders go "
    "to the stand-ins of providers in processes of their own.",
    "start": "The server as its unit starts it, on a database that was set up before, until /readyz says ready; the supervisor is "
    "one that keeps the unit's Restart= and RestartSec=. Shortest of three.",
    "month": "A month with a clock that is moved: the whole application with its jobs at each hour, in one process on SQLite; the kiosk's "
    "window with its clock moved by a day after so many visits. Memory of the process at the end of each day, and the straight line "
    "through it.",
    "reports": "Reports of a large hospital on PostgreSQL. A day has 8,219 visits, 40,000 steps and 160,000 changes of them; "
    "pages read rolled-up figures of two years (100 rooms, 60 kiosks) and are timed in the server, the slowest of five openings.",
    "fleet": "60 kiosks beat every 30 s, are answered with their orders, and tell of a device twelve times an hour, beside a year of history "
    "(525,600 hours, 438,000 device events, 21,900 alerts). Two web workers on PostgreSQL with synchronous commit; kiosks, browser and "
    "database on the same two cores. The cost is processor time of the web workers, less what they take while nobody calls.",
    "backup": "`tiepdon backup` to two folders with the niceness of its unit while people take numbers, then `tiepdon restore` into a second, empty "
    "PostgreSQL. BENCH_BACKUP_GB sets the size of the database.",
    "live": "150 boards of ten rooms and 60 consoles listen while 50 numbers a second are taken and 25 a second called. From the "
    "press of a button until the event is at the page; two web workers, database and all clients on the same two cores.",
}


def table(report: dict[str, Any]) -> str:
    lines = ["| What | Figure | Goal | |", "| --- | ---: | ---: | --- |"]
    for row in report["rows"]:
        sign = "≤" if row["bound"] == "at most" else "≥"
        goal = "" if row["goal"] is None else f"{sign} {row['goal']:g}"
        verdict = {True: "met", False: "**not met**", None: ""}[row["met"]]
        note = " ".join(part for part in (verdict, row["note"]) if part)
        value = f"{row['value']:,.2f}".rstrip("0").rstrip(".")
        lines.append(f"| {row['name'].strip()} | {value} {row['unit']} | {goal} | {note} |")
    return "\n".join(lines)


def section(name: str, report: dict[str, Any]) -> str:
    machine = report["machine"]
    quick = "a quick run" if report["quick"] else "a whole run"
    taken = (
        f"Taken on {machine['at'][:10]}, {quick}: {machine['cpu']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, no GPU."
    )
    return "\n\n".join([WHAT[name], taken, table(report)])


def title_of(name: str) -> str:
    return name.replace("_", " ").capitalize()


def page(known: str) -> str:
    """`known`, the page so far, with the sections of the newest figures in their places.

    A section without new figures stays as it is: some take hours.
    """
    head, *rest = f"\n{known}".split("\n## ")
    sections = dict(each.split("\n\n", 1) for each in rest)
    for name in NAMES:
        file = OUT / f"{name}.json"
        if file.is_file():
            report = json.loads(file.read_text(encoding="utf-8"))
            sections[title_of(name)] = section(name, report)
    titles = [title for name in NAMES if (title := title_of(name)) in sections]
    titles += [title for title in sections if title not in titles]
    parts = [head.strip(), *(f"## {title}\n\n{sections[title].strip()}" for title in titles)]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
