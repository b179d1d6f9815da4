from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from his_adapter.conformance.proxy import (
    Fault,
    FaultKind,
    FaultProxy,
    MllpCodec,
    Upstream,
    always,
    first_write,
    nth,
)

BODY = b'{"who": "nobody"}'


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hits: list[str] = []

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        Echo.hits.append(self.command)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    Echo.hits = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        with FaultProxy(Upstream(host="127.0.0.1", port=server.server_address[1])) as proxy:
            yield proxy
        server.shutdown()


def ask(proxy: FaultProxy, method: str = "GET") -> requests.Response:
    return requests.request(method, f"http://127.0.0.1:{proxy.port}/Patient?x=1", timeout=5)


def test_a_calm_line_changes_nothing(proxy: FaultProxy) -> None:
    with requests.Session() as session:
        for _ in range(2):
            reply = session.get(f"http://127.0.0.1:{proxy.port}/Patient?identifier=1", timeout=5)
            assert (reply.status_code, reply.content) == (200, BODY)
    assert [(each.number, each.path) for each in proxy.exchanges] == [
        (1, "/Patient"),
        (2, "/Patient"),
    ]


@pytest.mark.parametrize(
    ("kind", "done"), [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER, 1)]
)
def test_cut_before_or_after_it_is_done(proxy: FaultProxy, kind: FaultKind, done: int) -> None:
    proxy.play(always(Fault(kind=kind)))
    with pytest.raises(requests.ConnectionError):
        ask(proxy, "POST")
    assert len(Echo.hits) == done


def test_a_request_is_held_until_somebody_overtook_it(proxy: FaultProxy) -> None:
    overtaken = threading.Event()
    proxy.play(first_write(Fault(kind=FaultKind.DELAY, delay_s=60, until=overtaken)))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(ask, proxy, "POST")
        while not proxy.exchanges:
            time.sleep(0.01)
        assert ask(proxy).content == BODY
        overtaken.set()
        assert held.result().content == BODY
    assert Echo.hits == ["GET", "POST"]


def test_a_request_is_forwarded_twice(proxy: FaultProxy) -> None:
    proxy.play(first_write(Fault(kind=FaultKind.DUPLICATE)))
    assert ask(proxy).content == ask(proxy, "POST").content == BODY
    assert Echo.hits == ["GET", "POST", "POST"]


def test_what_is_answered_instead(proxy: FaultProxy) -> None:
    proxy.play(nth(1, Fault(kind=FaultKind.STATUS, status=503)))
    assert (ask(proxy).status_code, ask(proxy).status_code) == (503, 200)
    proxy.play(always(Fault(kind=FaultKind.HTML_PAGE)))
    page = ask(proxy)
    assert (page.status_code, page.headers["Content-Type"][:9]) == (200, "text/html")
    proxy.play(always(Fault(kind=FaultKind.EXPIRED_TOKEN)))
    assert ask(proxy).status_code == 401


def test_bodies_that_are_wrong(proxy: FaultProxy) -> None:
    proxy.play(always(Fault(kind=FaultKind.TRUNCATE)))
    assert ask(proxy).content == BODY[: len(BODY) // 2]
    proxy.play(always(Fault(kind=FaultKind.WRONG_TYPE)))
    wrong = ask(proxy)
    assert (wrong.content, wrong.headers["Content-Type"][:9]) == (BODY, "text/html")
    proxy.play(always(Fault(kind=FaultKind.CORRUPT)))
    assert len(ask(proxy).content) == len(BODY)
    assert ask(proxy).content != BODY
    proxy.play(always(Fault(kind=FaultKind.HUGE_BODY)))
    assert len(ask(proxy).content) > 10_000_000
    proxy.play(always(Fault(kind=FaultKind.CUT_SHORT)))
    with pytest.raises(requests.RequestException):
        ask(proxy)


def test_down_and_back(proxy: FaultProxy) -> None:
    assert ask(proxy).ok
    proxy.go_down()
    with pytest.raises(requests.ConnectionError):
        ask(proxy)
    proxy.come_back()
    assert ask(proxy).ok


def test_framed_messages_pass_and_are_cut() -> None:
    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                message = connection.recv(1000)
                connection.sendall(b"\x0bACK " + message.strip(b"\x0b\x1c\r") + b"\x1c\r")

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    upstream = Upstream(host="127.0.0.1", port=listener.getsockname()[1])
    with FaultProxy(upstream, codec=MllpCodec()) as proxy:

        def ask_framed() -> bytes:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as line:
                line.sendall(b"\x0bMSH|^~\\&|1\x1c\r")
                return line.recv(1000)

        assert ask_framed() == b"\x0bACK MSH|^~\\&|1\x1c\r"
        proxy.play(always(Fault(kind=FaultKind.DUPLICATE_REPLY)))
        assert ask_framed().startswith(b"\x0bACK")
        proxy.play(always(Fault(kind=FaultKind.RESET_AFTER)))
        with pytest.raises(ConnectionError):
            ask_framed()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
