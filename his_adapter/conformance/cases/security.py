"""C12, C30, C34: errors, clocks, secrets."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from his_adapter.conformance.case import NotApplicable, case, expect
from his_adapter.conformance.cases.catalogue import NOBODY
from his_adapter.conformance.lab import Lab, outcome_of
from his_adapter.conformance.proxy import Fault, FaultKind, always
from his_adapter.conformance.self_signed import SelfSignedServer
from his_adapter.conformance.wire import with_setting
from his_adapter.errors import (
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    LoginFailed,
    NotFound,
)
from his_adapter.models import Feature, HealthState, PatientQuery

SKEW_S = 90.0
_SKEW_TOLERANCE_S = 5.0
_SECRET_NAMES = ("secret", "password", "token", "api_key", "private")


@case("C12", "Lỗi đúng loại, có câu tiếng Việt, không lộ mã nguồn hay dữ liệu người bệnh")
def errors_are_told_right(lab: Lab) -> None:
    """errors: wrong password, unknown ref, invalid field map to the right class, message in
    Vietnamese, no stack trace, no personal data in logs
    """
    lab.needs(Feature.READ_PATIENT, Feature.CREATE_PATIENT, Feature.FIND_PATIENTS)
    before = len(lab.log.lines)
    error = outcome_of(lambda: lab.gateway.read_patient(NOBODY))
    expect(
        isinstance(error, NotFound | InvalidData),
        "Hỏi một hồ sơ không có mà không báo là không tìm thấy.",
        f"an unknown reference gave {error.code if error else 'ok'}, not NotFound",
    )
    draft = lab.draft()
    bad = lab.draft(full_name="", identifiers=draft.identifiers)
    invalid = outcome_of(lambda: lab.gateway.create_patient(bad, key=lab.key()))
    if not isinstance(invalid, InvalidData):
        expect(
            False,
            "Họ tên trống mà HIS không báo dữ liệu sai.",
            f"an empty name gave {invalid.code if invalid else 'ok'}, not InvalidData",
        )
    else:
        expect(
            _is_vietnamese(invalid.message_vi),
            "Lỗi dữ liệu không kèm câu tiếng Việt có dấu.",
            "InvalidData carries no Vietnamese sentence",
        )
    patient = lab.gateway.create_patient(draft, key=lab.key())
    lab.found(draft)
    twice = outcome_of(lambda: lab.gateway.create_patient(draft, key=lab.key()))
    texts = [f"{each} {getattr(each, 'message_vi', '')}" for each in (error, invalid, twice)]
    personal = {draft.full_name, draft.identifiers[0].value}
    expect(
        not _holds(texts, {*personal, "Traceback", 'File "'}),
        "Lỗi để lộ dữ liệu người bệnh hoặc vết mã nguồn.",
        "the text of an error carries personal data or a stack trace",
    )
    expect(
        not _holds(lab.log.lines[before:], personal),
        "Nhật ký có họ tên hoặc số giấy tờ của người bệnh.",
        "a log line carries a name or number",
    )
    expect(
        draft.full_name not in repr(patient) and draft.identifiers[0].value not in repr(patient),
        "Bản in của hồ sơ để lộ dữ liệu người bệnh.",
        "the repr of a record carries personal data",
    )
    _wrong_password(lab)


def _wrong_password(lab: Lab) -> None:
    if not lab.settings.wrong_login:
        lab.note("wrong password: [certify] wrong_login is empty, nothing to sign in with wrongly")
        return
    settings: dict[str, Any] = dict(lab.his_settings)
    for name, value in lab.settings.wrong_login.items():
        settings = with_setting(settings, tuple(name.split(".")), value)
    error = outcome_of(lambda: lab.open(settings).find_patients(_nobody_query(lab)))
    expect(
        isinstance(error, LoginFailed | Forbidden),
        "Sai mật khẩu mà không báo lỗi đăng nhập.",
        f"a wrong password gave {error.code if error else 'ok'}, not LoginFailed",
    )


@case("C30", "Đồng hồ HIS lệch 90 giây được phát hiện")
def clock_skew(lab: Lab) -> None:
    """Clock skew ±90 s reported by `health()`"""
    if lab.wire is not None and not lab.wire.is_http:
        raise NotApplicable(
            "Đường truyền này không mang giờ của HIS.", "this wire carries no clock of the HIS"
        )
    with lab.through_proxy() as (gateway, proxy):
        for skew_s in (SKEW_S, -SKEW_S):
            proxy.play(always(Fault(kind=FaultKind.CLOCK, skew_s=skew_s)))
            told = gateway.health().clock_skew_s
            expect(
                told is not None and abs(told - skew_s) <= _SKEW_TOLERANCE_S,
                f"Đồng hồ HIS lệch {skew_s:+.0f} giây mà không được báo.",
                f"a skew of {skew_s:+.0f} s was told as {told}",
            )


@case("C34", "Bí mật được che khi in cấu hình; chứng thư TLS sai thì không nối")
def secrets_and_certificates(lab: Lab) -> None:
    """secrets: config dump masks secrets; TLS certificate errors are fatal"""
    hidden = set(_secrets(lab.his_settings))
    shown = [*_dumps(lab), *lab.log.lines]
    expect(
        not _holds(shown, hidden),
        "Bí mật hiện ra trong cấu hình được in hoặc trong nhật ký.",
        "a secret shows in a dump of the configuration or in a log",
    )
    if not hidden:
        lab.note("the settings hold no secret")
    if lab.wire is None or not lab.wire.is_http:
        if not hidden:
            raise NotApplicable(
                "Không có bí mật và không nối qua mạng bằng TLS.",
                "no secret and no TLS wire",
            )
        lab.note("certificates: no wire that speaks TLS")
        return
    with SelfSignedServer() as impostor:
        settings = lab.wire.pointed_at(lab.his_settings, impostor.port, tls=True)
        error: HisError | None
        try:
            gateway = lab.open(settings)
        except GatewayMisconfigured as refused:
            error = refused
        else:
            error = outcome_of(lambda: gateway.find_patients(_nobody_query(lab)))
            expect(
                gateway.health().state is HealthState.DOWN,
                "Chứng thư TLS không tin được mà HIS vẫn được coi là hoạt động.",
                "a HIS with a certificate nobody vouches for counts as up",
            )
    expect(
        error is not None and impostor.bytes_read == 0,
        "Chứng thư TLS không tin được mà bộ nối vẫn gửi dữ liệu.",
        f"{impostor.bytes_read} bytes went to a server that nobody vouches for",
    )


def _nobody_query(lab: Lab) -> PatientQuery:
    return PatientQuery(identifiers=lab.draft().identifiers)


def _is_vietnamese(text: str) -> bool:
    marks = [letter for letter in unicodedata.normalize("NFD", text) if ord(letter) > 0x2FF]
    return bool(text.strip()) and bool(marks)


def _holds(texts: list[str], needles: set[str]) -> bool:
    return any(needle and needle in text for text in texts for needle in needles)


def _secrets(settings: Mapping[str, Any]) -> Iterator[str]:
    """Values that nobody must see: of settings with a telling name, and of files they name."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _secrets(value)
        elif not isinstance(value, str) or len(value) < 4:
            continue
        elif name.endswith("_file") and any(word in name for word in _SECRET_NAMES):
            if (file := Path(value)).is_file():
                yield file.read_text(encoding="utf-8", errors="replace").strip()
        elif any(word in name for word in _SECRET_NAMES) and not value.startswith("http"):
            yield value


def _dumps(lab: Lab) -> Iterator[str]:
    """What a careless line of code would print: the gateway and what it holds."""
    gateway = lab.bare_gateway()
    yield repr(gateway)
    for value in getattr(gateway, "__dict__", {}).values():
        yield repr(value)
