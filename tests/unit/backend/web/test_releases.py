from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from backend.services.resources import Resources
from backend.services.stage_release import add_release, stage_release
from tests.unit.backend.web.conftest import ApiCaller

CONTENT = b"0123456789" * 1000


@pytest.fixture
def bundle(resources: Resources, tmp_path: Path) -> bytes:
    resources.__dict__["config"] = replace(resources.config, releases=tmp_path)
    for version in ("1.0", "1.1"):
        (tmp_path / f"tiepdon-{version}.bundle").write_bytes(CONTENT)
        digest = hashlib.sha256(CONTENT).hexdigest()
        add_release(resources.database, version=version, sha256=digest, size_bytes=len(CONTENT))
    return CONTENT


@pytest.mark.usefixtures("bundle")
def test_nobody_decided(kiosk: ApiCaller) -> None:
    assert kiosk.get("/kiosk/release").json == {"version": None, "sha256": None, "size_bytes": None}
    assert kiosk.get("/kiosk/release/1.0/bundle").status_code == 404


def test_a_kiosk_fetches_what_it_shall_run(
    kiosk: ApiCaller, resources: Resources, bundle: bytes
) -> None:
    stage_release(resources.database, version="1.0", scope="kiosk", name="K1")
    wanted = kiosk.get("/kiosk/release").json
    assert wanted == {
        "version": "1.0",
        "sha256": hashlib.sha256(bundle).hexdigest(),
        "size_bytes": len(bundle),
    }
    whole = kiosk.get("/kiosk/release/1.0/bundle")
    assert (whole.status_code, whole.data) == (200, bundle)
    headers = kiosk.headers | {"Range": "bytes=9990-"}
    rest = kiosk.client.get("/api/v1/kiosk/release/1.0/bundle", headers=headers)
    assert (rest.status_code, rest.data) == (206, bundle[9990:])
    whole.close()
    rest.close()
    assert kiosk.get("/kiosk/release/1.1/bundle").status_code == 404
    assert kiosk.client.get("/api/v1/kiosk/release/1.0/bundle").status_code == 401


@pytest.mark.usefixtures("bundle")
@pytest.mark.parametrize("path", ["..", "..%2F..%2Fetc", "1.0%2F..", "1.0%00", "x"])
def test_no_way_leads_out_of_the_folder(kiosk: ApiCaller, path: str) -> None:
    assert kiosk.get(f"/kiosk/release/{path}/bundle").status_code in {404, 422}


@pytest.mark.usefixtures("bundle")
def test_a_kiosk_tells(kiosk: ApiCaller) -> None:
    body = {"version": "1.0", "state": "rolled_back", "reason": "release_rolled_back"}
    assert kiosk.post("/kiosk/release", body).status_code == 204
    assert kiosk.post("/kiosk/release", body | {"state": "lost"}).status_code == 422
    assert kiosk.post("/kiosk/release", body | {"version": "../1"}).status_code == 422
