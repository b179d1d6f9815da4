"""Counts and times every request by its route; the addresses themselves are nobody's business."""

from __future__ import annotations

import atexit
import threading
import time

from flask import Flask, Response, g, request

from backend.services.keep_figures import Figures, FiguresKeeper

EXTENSION = "tiepdon-figures"


def install(app: Flask, figures: Figures) -> None:
    """Under our web worker a thread hands them in; elsewhere whoever asks for `/metrics` does."""
    app.extensions[EXTENSION] = figures
    starting = threading.Lock()
    keepers: list[FiguresKeeper] = []

    def begin() -> None:
        g.began_s = time.perf_counter()
        if not keepers and "gunicorn.socket" in request.environ:
            with starting:
                if not keepers:
                    keepers.append(FiguresKeeper(figures))
                    keepers[0].start()
                    atexit.register(figures.hand_in)

    def end(reply: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        began_s = g.get("began_s")
        taken_s = 0.0 if began_s is None else time.perf_counter() - began_s
        figures.note_request(route, request.method, reply.status_code, taken_s)
        return reply

    app.before_request(begin)
    app.after_request(end)
