"""The web application, assembled. `gunicorn 'backend.app:create_app()'` serves it."""

from __future__ import annotations

import os

from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from backend.bootstrap import build_resources
from backend.config import load_config
from backend.services.keep_figures import Figures
from backend.services.limit_flood import FloodGate
from backend.services.recognise_caller import Callers
from backend.services.resources import Resources
from backend.web import (
    announcements,
    assets,
    auth,
    calling_words,
    catalogue,
    departments,
    display_pages,
    displays,
    docs,
    error_handlers,
    figures,
    health,
    help_calls,
    kiosks,
    live,
    metrics,
    offline_numbers,
    pages,
    partner_kiosk,
    payments,
    phone_page,
    print_requests,
    reception,
    releases,
    rooms,
    scans,
    staff,
    visits,
)
from backend.web.api import EXTENSION, SECURITY_SCHEMES
from backend.web.client_address import behind_own_proxy
from backend.web.live_hub import LiveHub
from backend.web.problems import Problem
from backend.web.staff import single_sign_on

VERSION = "1.0"
DESCRIPTION = """Check-in of patients at kiosks: who they are, what they come for, their number.

Every error is a problem (RFC 9457) with a stable `code`. Writes that take an `Idempotency-Key`
give the first answer again when the key comes again with the same body."""


APIS = (
    kiosks.enrolment,
    kiosks.blueprint,
    offline_numbers.blueprint,
    scans.blueprint,
    catalogue.blueprint,
    visits.blueprint,
    payments.blueprint,
    reception.blueprint,
    print_requests.blueprint,
    rooms.blueprint,
    help_calls.blueprint,
    announcements.blueprint,
    displays.blueprint,
    departments.blueprint,
    calling_words.blueprint,
    live.blueprint,
    releases.blueprint,
)
PAGES = (
    health.blueprint,
    metrics.blueprint,
    docs.blueprint,
    assets.blueprint,
    phone_page.blueprint,
    display_pages.blueprint,
    partner_kiosk.blueprint,
    payments.callbacks,
)


def create_app(resources: Resources | None = None) -> OpenAPI:
    """Without resources they are built from the environment (`backend.config`)."""
    resources = resources or build_resources(load_config(os.environ))
    app = OpenAPI(
        "backend.web",
        info=Info(title="Tiếp đón", version=VERSION, description=DESCRIPTION),
        security_schemes=SECURITY_SCHEMES,
        validation_error_model=Problem,
        validation_error_callback=error_handlers.on_invalid,
        doc_ui=False,
        static_folder=None,
    )
    app.extensions[EXTENSION] = resources
    hub = app.extensions[live.EXTENSION] = LiveHub(resources.database)
    figures.install(app, Figures(resources.database, kind="web", count_streams=lambda: hub.size))
    callers = app.extensions[live.CALLERS] = Callers(resources.database)
    app.extensions[kiosks.FLOOD_GATE] = FloodGate(burst=kiosks.BURST, per_s=kiosks.PER_S)
    auth.install(app, callers, resources)
    single_sign_on.install(app, resources.config.single_sign_on)
    error_handlers.install(app)
    pages.install(app)
    for api in APIS:
        app.register_api(api)
    for views in PAGES:
        app.register_blueprint(views)
    for views in staff.BLUEPRINTS:
        app.register_blueprint(views)
    app.wsgi_app = behind_own_proxy(app.wsgi_app)  # type: ignore[assignment, method-assign]  # as Flask says
    return app
