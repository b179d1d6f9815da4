"""The simulated camera obeys orders over HTTP and keeps out of production."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
import requests
import zxingcpp

from devices.errors import SimulatorInProduction
from devices.simulated.camera import SimulatedCamera, Trouble

PAYLOAD = "079085000000||Nguyễn Văn Thử|05091985|Nam|Linh Đông, Thủ Đức|12082021".encode()


@pytest.fixture
def camera() -> Iterator[SimulatedCamera]:
    with SimulatedCamera(size=(640, 480), pictures_per_s=100) as made:
        yield made


def order(camera: SimulatedCamera, what: object) -> requests.Response:
    return requests.post(camera.control_url, json=what, timeout=20)


def pictures(camera: SimulatedCamera, count: int) -> list[bytes]:
    """The next pictures of the stream, as JPEG."""
    with requests.get(camera.url, stream=True, timeout=20) as stream:
        raw = b""
        for piece in stream.iter_content(8192):
            raw += piece
            parts = raw.split(b"--frame\r\n")[1:-1]
            if len(parts) >= count:
                return [part.partition(b"\r\n\r\n")[2] for part in parts[:count]]
    raise AssertionError("the stream ended")


def codes(jpeg: bytes) -> list[bytes]:
    frame = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert frame is not None
    return [code.bytes for code in zxingcpp.read_barcodes(frame)]


def test_it_shows_the_card_it_is_told_and_takes_it_away(camera: SimulatedCamera) -> None:
    assert codes(pictures(camera, 1)[0]) == []
    show = {"payload_base64": base64.b64encode(PAYLOAD).decode(), "kind": "can_cuoc2024"}
    assert order(camera, {"show": show}).status_code == 204
    assert codes(pictures(camera, 1)[0]) == [PAYLOAD]
    assert order(camera, {"show": None}).status_code == 204
    assert codes(pictures(camera, 1)[0]) == []


def test_pictures_differ_unless_it_is_frozen(camera: SimulatedCamera) -> None:
    assert len(set(pictures(camera, 3))) == 3
    assert order(camera, {"trouble": "freeze"}).status_code == 204
    assert len(set(pictures(camera, 3))) == 1


def test_dropped_it_refuses_viewers_until_all_is_well(camera: SimulatedCamera) -> None:
    camera.make_trouble(Trouble.DROP)
    assert requests.get(camera.url, timeout=20).status_code == 503
    order(camera, {"trouble": None})
    assert pictures(camera, 1)


@pytest.mark.parametrize(
    "what",
    [
        {},
        [],
        {"show": 1},
        {"show": {"payload_base64": "?"}},
        {"show": {"payload_base64": "QQ==", "kind": "passport"}},
        {"show": {"payload_base64": base64.b64encode(b"x" * 5000).decode()}},
        {"trouble": "fire"},
    ],
)
def test_orders_it_does_not_know_are_refused_and_change_nothing(
    camera: SimulatedCamera, what: object
) -> None:
    answer = order(camera, what)
    assert answer.status_code == 400
    assert json.loads(answer.content)["error"]
    assert codes(pictures(camera, 1)[0]) == []


def test_other_addresses_and_huge_orders_are_refused(camera: SimulatedCamera) -> None:
    assert requests.get(camera.control_url, timeout=20).status_code == 404
    assert requests.post(camera.url, json={}, timeout=20).status_code == 404
    assert requests.post(camera.control_url, data=b"x" * 70_000, timeout=20).status_code == 413


def test_it_refuses_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    with pytest.raises(SimulatorInProduction):
        SimulatedCamera()
