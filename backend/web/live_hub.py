"""Sends live events to every open page of this process from one thread.

A page that listens costs a socket and a few hundred bytes, no thread: the web worker hands the
connection over once the answer has begun (see `backend.serve.StreamingWorker`). The thread asks
the database for what is new, writes each event once as text, and gives it to those whose topics
it touches. Whoever reads too slowly is let go; their page comes back and fetches the whole state.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from backend.errors import BackendError
from backend.events import Event
from backend.logging import log
from backend.services.follow_events import EventFeed, LiveMessage
from backend.storage.database import Database

PERIOD_S = 0.1
SILENCE_S = 15.0
RECHECK_S = 10.0
MAX_STREAMS = 2_000
MAX_UNSENT_BYTES = 64 * 1024
LINGER_S = 30.0
"""The thread outlives its last page by this: one that reloads finds it running."""
RECENT = 2_000
"""Events a page may have missed between the head of its answer and being admitted."""
EVERYTHING = "*"
"""The topic of pages that follow the whole facility."""

PULSE = b"event: pulse\ndata:\n\n"
"""An event, not a comment: pages hear it, and know that the line is alive."""


def write_message(message: LiveMessage) -> bytes:
    """As the browser's EventSource reads it."""
    content = {"id": message.id, "event": message.event, "subject": message.subject}
    text = json.dumps({**message.detail, **content}, ensure_ascii=False, separators=(",", ":"))
    return f"id: {message.id}\nevent: change\ndata: {text}\n\n".encode()


@dataclass(eq=False, kw_only=True)
class Stream:
    """One open page. `is_allowed` is asked again and again: rights end while pages stay open."""

    connection: socket.socket
    topics: frozenset[str]
    is_allowed: Callable[[], bool]
    since: int
    unsent: bytearray = field(default_factory=bytearray)
    checked_s: float = 0.0
    sent_s: float = 0.0

    def wants(self, message: LiveMessage) -> bool:
        return EVERYTHING in self.topics or not self.topics.isdisjoint(message.topics)


class LiveHub:
    """All streams of one process. Its thread runs while there is a stream."""

    def __init__(
        self,
        database: Database,
        *,
        period_s: float = PERIOD_S,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._period_s = period_s
        self._ticks = ticks
        self._lock = threading.Lock()
        self._new: list[Stream] = []
        self._streams: set[Stream] = set()
        self._recent: deque[tuple[int, LiveMessage, bytes]] = deque(maxlen=RECENT)
        self._count = 0
        self._used_s = ticks()
        self._ask_again_s = 0.0
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def size(self) -> int:
        return len(self._streams) + len(self._new)

    def prepare(self) -> int:
        """Call before a page is told "hello": from here on no event is lost to it.

        Gives the mark to hand to `add`. Raises StorageUnavailable.
        """
        with self._lock:
            self._used_s = self._ticks()
            if self._thread is None:
                feed = EventFeed(self._database)
                feed.start()
                self._thread = threading.Thread(
                    target=self._run, args=(feed,), name="live", daemon=True
                )
                self._thread.start()
            return self._count

    def add(
        self,
        connection: socket.socket,
        *,
        topics: Collection[str],
        since: int,
        is_allowed: Callable[[], bool] = lambda: True,
    ) -> bool:
        """Takes the connection over for good. False (and closed) when there are too many."""
        connection.setblocking(False)
        with contextlib.suppress(OSError):  # a Unix socket has no such option
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        now = self._ticks()
        stream = Stream(
            connection=connection,
            topics=frozenset(topics),
            is_allowed=is_allowed,
            since=since,
            checked_s=now,
            sent_s=now,
        )
        with self._lock:
            self._used_s = now
            if self.size >= MAX_STREAMS or self._thread is None:
                connection.close()
                return False
            self._new.append(stream)
        return True

    def close(self) -> None:
        """Ends every stream; pages turn to another process or node."""
        self._stopping.set()
        thread = self._thread
        if thread is not None:
            thread.join(5)

    def _run(self, feed: EventFeed) -> None:
        with selectors.DefaultSelector() as selector:
            try:
                while self._go_on():
                    due_s = self._ticks() + self._period_s
                    self._admit(selector)
                    self._send_events(feed, selector)
                    self._look_after(selector)
                    self._listen(selector, until_s=due_s)
            finally:
                self._end()

    def _end(self) -> None:
        """Lets every page go, also after a fault: they come back, and find a thread again."""
        with self._lock:
            if self._thread not in {None, threading.current_thread()}:
                return  # the next one has begun already: the pages are its own
            self._thread = None
            left = [*self._streams, *self._new]
            self._streams.clear()
            self._new.clear()
        for stream in left:
            stream.connection.close()

    def _go_on(self) -> bool:
        with self._lock:
            unused = not self.size and self._ticks() - self._used_s > LINGER_S
            if self._stopping.is_set() or unused:
                self._thread = None
                return False
            return True

    def _admit(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            new, self._new = self._new, []
        for stream in new:
            self._streams.add(stream)
            selector.register(stream.connection, selectors.EVENT_READ, stream)
            for count, message, text in self._recent:
                if count > stream.since and stream.wants(message):
                    stream.unsent += text

    def _send_events(self, feed: EventFeed, selector: selectors.BaseSelector) -> None:
        try:
            messages = feed.read()
        except BackendError:
            return  # the database is away: pages keep what they show, and lose nothing
        except Exception as error:  # noqa: BLE001  # a broken row must not end every page
            log(Event.REQUEST_FAILED, error=error, route="live", code="internal")
            return
        for message in messages:
            text = write_message(message)
            self._count += 1
            self._recent.append((self._count, message, text))
            for stream in list(self._streams):
                if stream.wants(message):
                    stream.unsent += text
        for stream in list(self._streams):
            self._send(stream, selector)

    def _send(self, stream: Stream, selector: selectors.BaseSelector) -> None:
        if not stream.unsent:
            return
        try:
            sent = stream.connection.send(stream.unsent)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(stream, selector)
            return
        del stream.unsent[:sent]
        if sent:
            stream.sent_s = self._ticks()
        if len(stream.unsent) > MAX_UNSENT_BYTES:
            self._drop(stream, selector)

    def _look_after(self, selector: selectors.BaseSelector) -> None:
        """Shows silent pages that the line is alive, and closes those that may no longer listen."""
        now = self._ticks()
        for stream in list(self._streams):
            if now - stream.sent_s > SILENCE_S:
                stream.unsent += PULSE
                self._send(stream, selector)
                stream.sent_s = now
            if now - stream.checked_s > RECHECK_S and now >= self._ask_again_s:
                stream.checked_s = now
                if not self._is_allowed(stream):
                    self._drop(stream, selector)

    def _is_allowed(self, stream: Stream) -> bool:
        try:
            return stream.is_allowed()
        except (BackendError, DBAPIError):
            # The database is away, and each try may take seconds in which no page is served.
            self._ask_again_s = self._ticks() + RECHECK_S
            return True

    def _listen(self, selector: selectors.BaseSelector, *, until_s: float) -> None:
        """Waits for the next turn; a page that was closed is noticed meanwhile."""
        while True:
            left_s = until_s - self._ticks()
            if left_s <= 0 or self._stopping.is_set():
                return
            for key, _ in selector.select(left_s):
                self._hear(key.data, selector)

    def _hear(self, stream: Stream, selector: selectors.BaseSelector) -> None:
        try:
            heard = stream.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self._drop(stream, selector)

    def _drop(self, stream: Stream, selector: selectors.BaseSelector) -> None:
        if stream in self._streams:
            self._streams.discard(stream)
            selector.unregister(stream.connection)
        stream.connection.close()
