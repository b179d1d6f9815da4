"""Streams of live events: what changed, never what it says. Pages then fetch their own state."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Collection, Iterator
from typing import Annotated

from flask import Response, current_app, request
from pydantic import BeforeValidator, Field

from backend.domain.roles import StaffRole
from backend.domain.rooms import list_room_queues
from backend.services.call_next import may_use_room
from backend.services.recognise_caller import Caller
from backend.web.api import allow, api_blueprint, caller, resources
from backend.web.auth import make_recheck
from backend.web.help_calls import HELPERS
from backend.web.live_hub import EVERYTHING, LiveHub
from backend.web.rooms import CALLERS as ROOM_CALLERS
from backend.web.wire import Id, Request

EXTENSION = "tiepdon-live"
CALLERS = "tiepdon-callers"
ENDLESS = 10**15
"""A length that is never reached: without one the end of the answer would be written at once."""
RETRY_MS = 1_000

MONEY_ROLES = (StaffRole.CASHIER, StaffRole.ACCOUNTANT)
MONEY_TOPICS = ("payment", "money", "refund", "party")
"""Kinds of events, as their names begin."""

blueprint = api_blueprint("live", "What changed, as it changes.")


def _split(value: object) -> object:
    """`?rooms=a,b` and `?rooms=a&rooms=b` mean the same."""
    parts = value if isinstance(value, list) else [value]
    return [each for part in parts for each in str(part).split(",") if each]


IdList = Annotated[list[Id], BeforeValidator(_split), Field(max_length=100)]


class LiveQuery(Request):
    """Nothing asked for = everything of the facility."""

    rooms: IdList = []
    visits: IdList = []
    help: bool = False
    payments: bool = False


@blueprint.get("/live", responses={200: {"content": {"text/event-stream": {}}}})
@allow(*ROOM_CALLERS, *HELPERS, *MONEY_ROLES)
def live(query: LiveQuery) -> Response:
    """Server-sent events about some rooms and visits, or about everything

    `event: change` says that something changed; `data` names rooms, queues and visits by id.
    """
    catalogue = resources().catalogue.get()
    who: Caller = caller()
    topics = set(query.visits)
    for room_id in query.rooms:
        if room_id in catalogue.rooms and may_use_room(catalogue, room_id, who):
            topics.update(list_room_queues(catalogue, room_id))
    topics.update(("help",) if query.help else ())
    topics.update(MONEY_TOPICS if query.payments and who.has_any(frozenset(MONEY_ROLES)) else ())
    # The finance office hears of money, and of nothing else in the house.
    only_money = who.roles <= {StaffRole.ACCOUNTANT}
    some = bool(query.rooms or query.visits or query.help or query.payments or only_money)
    if not some and who.rooms:
        # Who works for some rooms hears of these, not of the whole house.
        some = True
        for room_id in who.rooms:
            topics.update(list_room_queues(catalogue, room_id))
    return stream(
        topics if some else {EVERYTHING},
        is_allowed=make_recheck(current_app.extensions[CALLERS]),
    )


def hub() -> LiveHub:
    found: LiveHub = current_app.extensions[EXTENSION]
    return found


def stream(topics: Collection[str], *, is_allowed: Callable[[], bool] = lambda: True) -> Response:
    """Answers with an endless stream of what touches `topics`.

    Under our web worker the connection goes to the hub once the head is out; any other server
    (a test client) gets the head and the end. Raises StorageUnavailable.
    """
    connection: socket.socket | None = request.environ.get("gunicorn.socket")
    live_hub = hub()
    since = live_hub.prepare()
    head = json.dumps({"topics": len(topics)})
    first = f"retry: {RETRY_MS}\nevent: hello\ndata: {head}\n\n".encode()

    def begin() -> Iterator[bytes]:
        yield first

    reply = Response(begin(), content_type="text/event-stream; charset=utf-8")
    reply.headers["X-Accel-Buffering"] = "no"
    if connection is not None:
        reply.headers["Content-Length"] = str(ENDLESS)

        def hand_over() -> None:
            own = socket.socket(fileno=connection.detach())
            live_hub.add(own, topics=topics, since=since, is_allowed=is_allowed)

        reply.call_on_close(hand_over)
    return reply
