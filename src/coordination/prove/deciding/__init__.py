"""Proofs by induction: what is to be shown, and whether it is so.

`conditions` are the questions. `solvers` answer them, and a `cache` remembers what they said; `induction` puts the
answers together, lemmas first; `recheck` asks a second solver.
"""
