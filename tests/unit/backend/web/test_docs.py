from __future__ import annotations

import os
from pathlib import Path

from flask.testing import FlaskClient

from backend.domain.identity.codes import ErrorCode
from backend.web.error_reference import compose_error_reference

REFERENCE = Path(__file__).parents[4] / "docs/reference/errors.md"

CONTRACT = {
    "/api/v1/kiosks/enrol": {"post"},
    "/api/v1/scans": {"post"},
    "/api/v1/services": {"get"},
    "/api/v1/doctors": {"get"},
    "/api/v1/slots": {"get"},
    "/api/v1/visits": {"post"},
    "/api/v1/visits/{visit_id}/print-state": {"post"},
    "/api/v1/help-calls": {"get", "post"},
}


def test_the_description_is_openapi_3_1_and_holds_the_contract(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    assert document["openapi"].startswith("3.1")
    for path, methods in CONTRACT.items():
        assert methods <= document["paths"][path].keys(), path
    references = str(document).split("#/components/schemas/")[1:]
    names = {reference.split("'")[0] for reference in references}
    assert names <= document["components"]["schemas"].keys()


def test_every_operation_names_its_problems_and_its_credential(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document is not None
    for path, operations in document["paths"].items():
        for operation in operations.values():
            problem = operation["responses"]["422"]["content"]
            assert list(problem) == ["application/problem+json"], path
            assert operation["summary"], path
            assert path == "/api/v1/kiosks/enrol" or operation["security"] == [{"bearer": []}]


def test_the_idempotency_key_is_described(client: FlaskClient) -> None:
    for _ in range(2):
        document = client.get("/openapi.json").json
        assert document is not None
        parameters = document["paths"]["/api/v1/visits"]["post"]["parameters"]
        assert [each["name"] for each in parameters] == ["Idempotency-Key"]


def test_the_docs_page_asks_no_other_host(client: FlaskClient) -> None:
    page = client.get("/docs").get_data(as_text=True)
    assert "http" not in page.replace("http-equiv", "")
    for name in ("css/swagger-ui.css", "js/swagger-ui-bundle.js", "images/swagger.svg"):
        with client.get(f"/docs/{name}") as reply:
            assert reply.status_code == 200
        assert f"/docs/{name}" in page
    assert client.get("/docs/../../secrets").status_code == 404
    with client.get("/assets/docs.js") as reply:
        assert reply.status_code == 200


def test_the_list_of_errors_is_fresh() -> None:
    """`TIEPDON_GOLDEN=write` writes it anew."""
    expected = compose_error_reference()
    if os.environ.get("TIEPDON_GOLDEN") == "write":
        REFERENCE.parent.mkdir(exist_ok=True)
        REFERENCE.write_text(expected, encoding="utf-8")
    assert REFERENCE.read_text(encoding="utf-8") == expected


def test_the_list_of_errors_is_complete() -> None:
    text = compose_error_reference()
    assert all(f"`{code.value}`" in text for code in ErrorCode)
    assert "`rate_limited`" in text
    assert "`notice_required`" in text
