"""`python -m coordination`: the command line."""

from __future__ import annotations

from coordination.cli import main

main()
