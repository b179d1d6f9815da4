"""docs/reference/errors.md, made from the errors themselves."""

from __future__ import annotations

from backend.domain.identity.codes import ErrorCode
from backend.errors import BackendError, ConfigError
from backend.web.problems import every_error

_ANSWERED_FROM = ("backend.errors", "backend.web.", "backend.services.", "backend.storage.")

_HEAD = """# Errors of the HTTP API

Every error is a problem (RFC 9457, `application/problem+json`) with a stable `code`; `type` is
`urn:tiepdon:problem:` and the code. A caller decides by `code`, a screen shows the sentence of
`message_key`. This page is made from the code: `TIEPDON_GOLDEN=write pytest
tests/unit/backend/web/test_docs.py`.

| Code | Status | Again later? | Message key | Meaning |
| --- | --- | --- | --- | --- |
"""

_PAYLOADS = """
## Payloads that cannot be used

`POST /api/v1/scans` answers 422 with one of these codes; the message key is `scan.` and the code
in lower case.

"""


def compose_error_reference() -> str:
    """The page as Markdown, in the order of the tree of errors."""
    rows = [
        f"| `{error.code}` | {error.status} | {'yes' if error.retryable else 'no'} "
        f"| `{error.message_key}` | {error.title} |"
        for error in _errors_of_replies()
    ]
    payload_codes = [f"- `{code.value}`" for code in ErrorCode]
    return _HEAD + "\n".join(rows) + "\n" + _PAYLOADS + "\n".join(payload_codes) + "\n"


def _errors_of_replies() -> list[type[BackendError]]:
    """Each code once, of this application only; settings are wrong before anybody can ask."""
    seen: dict[str, type[BackendError]] = {}
    for error in every_error():
        own = error.__module__.startswith(_ANSWERED_FROM)
        if own and not issubclass(error, ConfigError):
            seen.setdefault(error.code, error)
    return list(seen.values())
