"""Entry point of the `tiepdon` command. Each subcommand is a module of `tiepdon.commands`."""

from __future__ import annotations

import importlib
import logging

import click

COMMANDS = (
    "alerts",
    "audit",
    "backup",
    "bundle",
    "ca",
    "checkin-xml",
    "demo",
    "displays",
    "doctor",
    "emulate",
    "his",
    "incident",
    "keys",
    "kiosk",
    "kiosks",
    "numbering",
    "outbox",
    "parse",
    "partners",
    "payments",
    "practice",
    "print-agent",
    "read-number",
    "release",
    "report",
    "restore",
    "say",
    "scan",
    "serve",
    "settings",
    "setup-code",
    "ticket",
    "user",
    "vietqr",
    "voice",
    "worker",
)

# A command says itself what went wrong; the lines for operators are written where `serve` asks.
logging.getLogger("tiepdon").addHandler(logging.NullHandler())


class LazyGroup(click.Group):
    """Loads a subcommand's module only when it is asked for: Kivy and OpenCV are heavy."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = cmd_name.replace("-", "_")
        command = importlib.import_module(f"tiepdon.commands.{module}").command
        if not isinstance(command, click.Command):
            raise TypeError(cmd_name)
        return command


@click.group(cls=LazyGroup)
@click.version_option(package_name="tiepdon")
def main() -> None:
    """Tiếp đón: hospital kiosk and patient check-in.

    Machine output goes to standard output, messages to standard error. Exit status: 0 done,
    1 not done or a negative verdict, 2 wrong use.
    """
