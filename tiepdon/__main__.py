"""`python -m tiepdon` is the `tiepdon` command."""

from tiepdon.cli import main

main(prog_name="tiepdon")
