"""What staff order this kiosk to be and to do. Each deed is done once, and answered until heard.

The server says an order again with every beat until it has the answer. So nothing here waits or
retries by itself: what cannot be done now is looked at again when the order comes again.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import get_args

from devices.models import PrintResult, PrintState
from kiosk_ui.events import KioskEvent
from kiosk_ui.gateway.fleet_models import Command, CommandKind, CommandResult, KioskOrders
from kiosk_ui.gateway.models import Label
from kiosk_ui.presenters.context import Context
from kiosk_ui.presenters.ports import Upkeep
from kiosk_ui.presenters.trial_page import make_trial_page

MOST_ATTACHED_BYTES = 2_000_000
_DONE = CommandResult(state="done")
_VISIT_OPEN = CommandResult(state="refused", reason="visit_open")
_NOT_KNOWN = CommandResult(state="refused", reason="not_known")
"""A newer server may order what this release has not learned."""
_ON_PAPER = frozenset({PrintState.PRINTED, PrintState.UNCONFIRMED})
_log = logging.getLogger(__name__)


class Orders:
    """On the UI thread; every deed itself on a worker thread."""

    def __init__(self, ctx: Context, upkeep: Upkeep) -> None:
        self._ctx = ctx
        self._journal = upkeep.journal
        self._local_log = upkeep.log
        self._results: dict[str, CommandResult] = {}
        """Done, and perhaps not heard yet."""
        self._under_way: set[str] = set()
        self._picture_for: str | None = None
        self.wants_restart = False
        # Whether the server is there or not: staff meant it when they took this machine away.
        ctx.out_words = self._journal.find_out_words()

    def take(self, orders: KioskOrders) -> None:
        """As the server says now."""
        ctx = self._ctx
        if (orders.out_of_service is None) != (ctx.out_words is None):
            out = orders.out_of_service is not None
            _log.info(KioskEvent.TAKEN_OUT if out else KioskEvent.PUT_BACK)
        ctx.profile = orders.profile
        ctx.out_words = orders.out_of_service
        ctx.orders_known = True
        if orders.out_of_service != self._journal.find_out_words():
            self._keep_out_words(orders.out_of_service)
        asked = {command.id for command in orders.commands}
        self._results = {id_: kept for id_, kept in self._results.items() if id_ in asked}
        for command in orders.commands:
            if command.id not in self._under_way:
                self._obey(command)

    def _keep_out_words(self, words: Label | None) -> None:
        """What the disk does not take now is tried again with the next beat."""
        self._ctx.worker.submit(
            lambda: self._journal.keep_out_words(words),
            done=lambda _none: None,
            failed=lambda error: _log.error(
                "%s code=%s", KioskEvent.JOURNAL_FAILED, type(error).__name__
            ),
        )

    def tick(self) -> None:
        """Somebody came before the picture was taken."""
        if self._picture_for is not None and self._ctx.visit_open:
            self._end_picture(_VISIT_OPEN)

    # --- the picture of the glass ---------------------------------------------------------------

    @property
    def wants_picture(self) -> bool:
        return self._picture_for is not None and not self._ctx.visit_open

    def take_picture(self, encode: Callable[[], bytes]) -> None:
        """What is on the glass, from who draws it; `encode` makes a PNG of it, elsewhere."""
        if self._picture_for is None:
            return
        command_id, self._picture_for = self._picture_for, None
        self._ctx.worker.submit(
            lambda: _attached(encode()),
            done=lambda result: self._ended(command_id, result),
            failed=lambda error: self._broke(command_id, error),
        )

    def _end_picture(self, result: CommandResult) -> None:
        command_id, self._picture_for = self._picture_for, None
        if command_id is not None:
            self._ended(command_id, result)

    # --- the deeds --------------------------------------------------------------------------------

    def _obey(self, command: Command) -> None:
        known = self._journal.find(command.id)
        result = self._results.get(command.id) or (known.result if known else None)
        if result is not None:
            self._tell(command.id, result)
            return
        match command.kind:
            case "restart" if known is not None:
                # It was begun, and this process is younger: that was the restart.
                self._keep(command.id, _DONE)
            case "restart" if not self._ctx.visit_open:
                self._restart(command.id)
            case "test_print" if not self._ctx.visit_open:
                self._print_test(command.id)
            case "take_picture" if self._ctx.visit_open:
                self._ended(command.id, _VISIT_OPEN)
            case "take_picture":
                self._under_way.add(command.id)
                self._picture_for = command.id
            case "send_logs":
                self._run(command.id, lambda: _attached(self._local_log.pack()))
            case kind if kind not in get_args(CommandKind):
                self._ended(command.id, _NOT_KNOWN)

    def _restart(self, command_id: str) -> None:
        """Noted first: an order that comes again afterwards must not be obeyed again."""
        self._under_way.add(command_id)

        def noted(_none: None) -> None:
            self.wants_restart = True

        self._ctx.worker.submit(
            lambda: self._journal.keep(command_id),
            done=noted,
            failed=lambda error: self._broke(command_id, error),
        )

    def _print_test(self, command_id: str) -> None:
        """The printer's own journal knows the job: after a crash it comes out no second time."""
        printer, page = self._ctx.printer, make_trial_page(self._ctx)

        def print_it() -> CommandResult:
            result = _of_print(printer.print_test(page, command_id))
            self._journal.keep(command_id, result)
            return result

        self._run(command_id, print_it)

    def _run(self, command_id: str, deed: Callable[[], CommandResult]) -> None:
        self._under_way.add(command_id)
        self._ctx.worker.submit(
            deed,
            done=lambda result: self._ended(command_id, result),
            failed=lambda error: self._broke(command_id, error),
        )

    def _keep(self, command_id: str, result: CommandResult) -> None:
        def keep() -> CommandResult:
            self._journal.keep(command_id, result)
            return result

        self._run(command_id, keep)

    def _broke(self, command_id: str, error: Exception) -> None:
        """A full disk, a broken driver: said, and not tried again."""
        code = type(error).__name__
        _log.error("%s command=%s code=%s", KioskEvent.COMMAND_FAILED, command_id, code)
        reason = "disk" if isinstance(error, OSError) else "broken"
        self._ended(command_id, CommandResult(state="failed", reason=reason))

    def _ended(self, command_id: str, result: CommandResult) -> None:
        _log.info("%s command=%s state=%s", KioskEvent.COMMAND_ENDED, command_id, result.state)
        self._results[command_id] = result
        self._tell(command_id, result)

    def _tell(self, command_id: str, result: CommandResult) -> None:
        gateway = self._ctx.gateway
        self._under_way.add(command_id)

        def over(_outcome: object) -> None:
            """Heard or not: the server says the order again until it was."""
            self._under_way.discard(command_id)

        self._ctx.worker.submit(
            lambda: gateway.tell_command(command_id, result), done=over, failed=over
        )


def _attached(content: bytes) -> CommandResult:
    if len(content) > MOST_ATTACHED_BYTES:
        return CommandResult(state="failed", reason="too_large")
    text = base64.b64encode(content).decode("ascii")
    return CommandResult(state="done", attachment_base64=text)


def _of_print(result: PrintResult) -> CommandResult:
    reason = result.reason.value if result.reason else None
    if result.state in _ON_PAPER:
        return CommandResult(state="done", reason=reason)
    return CommandResult(state="failed", reason=reason)
