"""Wrong contracts, made by stated operators, and whether conformance sees that they are wrong.

`python -m tests.mutants` makes them all, compiles them, holds each to the specification, and writes `docs/mutants.md`.
"""
