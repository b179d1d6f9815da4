"""Reports for the quality office, the head of the department and the IT desk; signed, taken away."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue

from backend.domain.reports.periods import Period, Span
from backend.domain.reports.tables import TOUCH_CLASSES_S, Cell, Headline, Table, Unit
from backend.domain.roles import StaffRole
from backend.errors import (
    BackendError,
    ReasonMissing,
    ReportNotFound,
    ReportNotReady,
    ReportSigned,
    ValidationFailed,
)
from backend.services.export_report import (
    list_head,
    list_report_details,
    name_column,
    name_label,
    name_period,
    note_report_export,
    write_report_csv,
    write_report_xlsx,
)
from backend.services.show_report import Report, find_newest_day, show_report
from backend.services.sign_off_report import (
    MAX_NOTE_CHARS,
    name_subject,
    sign_off_report,
    write_shown,
)
from backend.web.api import caller, resources
from backend.web.page_texts import texts
from backend.web.pages import page_language, render_page, staff_page
from backend.web.report_charts import Chart, draw_bars, draw_table, find_heat, format_figure
from backend.web.staff.money_files import TYPES

REPORT_ROLES = (StaffRole.QUALITY, StaffRole.HEAD, StaffRole.IT)
SIGNERS = (StaffRole.QUALITY, StaffRole.HEAD)
FIRST = date(2020, 1, 1)
_SPANS = "any(day,week,month,quarter,year)"
MAX_SHOWN_CHARS = 4_000
_REFUSALS = (ReportNotReady, ReportSigned, ReasonMissing, ValidationFailed)

blueprint = Blueprint("staff_reports", __name__, url_prefix="/staff/reports")


@blueprint.get("")
@staff_page(*REPORT_ROLES)
def newest() -> ResponseReturnValue:
    day = find_newest_day(resources().database, resources().catalogue.get())
    return redirect(_path(Period.of(Span.DAY, day)), 303)


@blueprint.get(f"/<{_SPANS}:span>/<day>")
@staff_page(*REPORT_ROLES)
def show(span: str, day: str) -> ResponseReturnValue:
    period, wanted = _read(span, day)
    if period.first != wanted:
        return redirect(_path(period), 303)
    return _page(period)


@blueprint.post(f"/<{_SPANS}:span>/<day>/sign")
@staff_page(*SIGNERS)
def sign(span: str, day: str) -> ResponseReturnValue:
    period, _ = _read(span, day)
    try:
        sign_off_report(
            resources().database,
            resources().keys,
            period,
            shown=request.form.get("shown", "")[:MAX_SHOWN_CHARS],
            seen=request.form.get("seen", -1, type=int),
            note=request.form.get("note", ""),
            staff=caller(),
        )
    except _REFUSALS as error:
        return _page(period, error)
    return redirect(_path(period), 303)


@blueprint.get(f"/<{_SPANS}:span>/<day>/figures.<any(csv,xlsx):form>")
@staff_page(*REPORT_ROLES)
def export(span: str, day: str, form: str) -> Response:
    period, _ = _read(span, day)
    database, catalogue = resources().database, resources().catalogue.get()
    words = texts(page_language(), "reports")
    report = show_report(database, catalogue, period, own_rooms=caller().rooms)
    head = list_head(report, catalogue, words, language=page_language())
    if form == "csv":
        content = write_report_csv(report, words=words, head=head)
    else:
        target = io.BytesIO()
        details = list_report_details(database, catalogue, report)
        write_report_xlsx(target, report, words=words, head=head, details=details)
        content = target.getvalue()
    note_report_export(database, name_subject(period), form=form, actor=caller().actor)
    reply = Response(content, content_type=TYPES[form])
    file = f"bao-cao-{period.span.value}-{period.first.isoformat()}.{form}"
    reply.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    reply.headers["Cache-Control"] = "no-store"
    return reply


# --- the page --------------------------------------------------------------------------------------


def _page(period: Period, refusal: BackendError | None = None) -> Response:
    server, catalogue = resources(), resources().catalogue.get()
    words = texts(page_language(), "reports")
    report = show_report(server.database, catalogue, period, own_rooms=caller().rooms)
    today = catalogue.today(server.database.clock())
    may_sign = caller().has_any(frozenset(SIGNERS))
    return render_page(
        "staff/reports/report.html",
        "staff",
        "reports",
        status=refusal.status if refusal else 200,
        refused=refusal.code if refusal else None,
        report=report,
        period=period,
        name=name_period(period, words),
        spans=[(each.value, _path(Period.of(each, min(period.last, today)))) for each in Span],
        previous=_path(period.previous) if period.previous.first >= FIRST else None,
        following=_path(period.next) if period.next.first <= today else None,
        here=_path(period),
        charts=_draw(report, words),
        show_figure=lambda each, value: _show(value, each.unit, words),
        show_change=lambda each, change: _show_change(each, change, words),
        show_cell=lambda table, index, cell: _show_cell(table, index, cell, words),
        column_name=lambda column: name_column(column, words),
        heat=find_heat,
        may_sign=may_sign,
        shown=write_shown(server.keys, report, staff=caller()) if may_sign else "",
        is_running=period.last >= today,
        max_note=MAX_NOTE_CHARS,
    )


def _draw(report: Report, words: Mapping[str, Any]) -> dict[str, Chart]:
    """By the name of the table they stand beside."""
    units, columns, lang = words["rep_units"], words["rep_columns"], page_language()
    hours, stays = report.find_table("hours"), report.find_table("stays")
    trend, touch = report.find_table("trend"), report.find_table("touch")
    drawn = {
        "hours": draw_table(
            hours,
            words["rep_tables"]["hours"]["title"],
            column="wait_median",
            labels=[str(row[0]) for row in hours.rows] if hours else [],
            unit=units["minutes"],
            mark_column="wait_p90",
            mark=columns["wait_p90"],
            lang=lang,
        ),
        "stays": draw_table(
            stays,
            words["rep_tables"]["stays"]["title"],
            column="stay_mean",
            labels=[name_label(stays, str(row[0]), words) for row in stays.rows] if stays else [],
            unit=units["minutes"],
            mark_column="target",
            mark=columns["target"],
            lang=lang,
        ),
        "trend": draw_table(
            trend,
            f"{words['rep_tables']['trend']['title']}: {columns['visits']}",
            column="visits",
            labels=_label_days(report),
            lang=lang,
        ),
        "touch": _draw_touch(touch, words),
    }
    return {name: chart for name, chart in drawn.items() if chart is not None}


def _label_days(report: Report) -> list[str]:
    form = "%m/%Y" if report.period.span in {Span.QUARTER, Span.YEAR} else "%d/%m"
    return [day.strftime(form) for day in sorted(report.trend)]


def _draw_touch(table: Table | None, words: Mapping[str, Any]) -> Chart | None:
    """Of everybody: how many needed how long."""
    if table is None:
        return None
    counts = [float(each) for each in table.rows[-1][5:] if isinstance(each, int | float)]
    limits = [*(f"< {limit}" for limit in TOUCH_CLASSES_S), f"≥ {TOUCH_CLASSES_S[-1]}"]
    title: str = words["rep_tables"]["touch"]["title"]
    return draw_bars(
        f"{title} ({words['rep_units']['seconds']})", limits, counts, lang=page_language()
    )


def _show(value: float | None, unit: Unit, words: Mapping[str, Any]) -> str:
    if value is None:
        return "–"
    told = words["rep_units"].get(unit.value, "")
    return f"{format_figure(value, page_language())} {told}".strip()


def _show_change(headline: Headline, change: float | None, words: Mapping[str, Any]) -> str:
    if change is None:
        return ""
    change = round(change, 1)
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    figure = format_figure(abs(change), page_language())
    told: str = words["rep_points"] if headline.unit is Unit.PERCENT else "{value} %"
    return f"({told.format(value=sign + figure)})"


def _show_cell(table: Table, index: int, cell: Cell, words: Mapping[str, Any]) -> str:
    match cell:
        case None:
            return ""
        case str() if cell == "few":
            return str(words["rep_few"])
        case str():
            return name_label(table, cell, words) if index == 0 else cell
        case date():
            return cell.strftime("%d/%m/%Y")
        case _:
            return format_figure(cell, page_language())


def _path(period: Period) -> str:
    return f"/staff/reports/{period.span.value}/{period.first.isoformat()}"


def _read(span: str, untrusted_day: str) -> tuple[Period, date]:
    """Raises ReportNotFound for what is no day, or a period that has not begun."""
    try:
        day = date.fromisoformat(untrusted_day)
    except ValueError as error:
        raise ReportNotFound from error
    period = Period.of(Span(span), day) if day >= FIRST else None
    today = resources().catalogue.get().today(resources().database.clock())
    if period is None or period.first > today:
        raise ReportNotFound
    return period, day
