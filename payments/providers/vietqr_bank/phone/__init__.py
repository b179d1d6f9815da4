"""A bank's app as a web page: a picture of a QR in, money out. For people who try the house out."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

from flask import Flask, Response, jsonify, request

from payments.providers.vietqr_bank.phone.pictures import NoQr, read_qr

_MAX_PICTURE_BYTES = 15_000_000
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "phone/phone.css": ("phone.css", "text/css; charset=utf-8"),
    "phone/phone.js": ("phone.js", "text/javascript; charset=utf-8"),
}


def add_routes(
    app: Flask,
    *,
    read: Callable[[str], dict[str, Any]],
    transfer: Callable[[], dict[str, Any]],
) -> None:
    """`read` says what a QR's text asks for, `transfer` pays what the request holds.

    Both raise ValueError with a sentence for the person in front of the screen.
    """

    def serve(name: str) -> Callable[[], Response]:
        file, content_type = _FILES[name]
        content = files(__package__).joinpath(file).read_bytes()

        def answer() -> Response:
            headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
            return Response(content, 200, headers=headers, content_type=content_type)

        return answer

    for name in _FILES:
        app.add_url_rule(f"/{name}", f"phone:{name}", serve(name))

    @app.post("/phone/read")
    def read_code() -> tuple[Response, int]:
        """A picture, or the text itself."""
        request.max_content_length = _MAX_PICTURE_BYTES
        content = request.get_data()
        try:
            is_text = request.mimetype == "text/plain"
            text = content.decode() if is_text else read_qr(content)
            return jsonify({**read(text), "qr_text": text}), 200
        except NoQr:
            return jsonify({"error": "Không thấy mã QR trong ảnh. Xin chọn ảnh rõ hơn."}), 400
        except ValueError as error:
            return jsonify({"error": _sentence(error)}), 400

    @app.post("/phone/transfer")
    def pay() -> tuple[Response, int]:
        try:
            return jsonify(transfer()), 200
        except (ValueError, TypeError) as error:
            return jsonify({"error": _sentence(error)}), 400


def _sentence(error: Exception) -> str:
    """Those of the bank are sentences; of Python's own nothing is shown."""
    text = str(error)
    return text if text.endswith(".") else "Yêu cầu không hợp lệ."
