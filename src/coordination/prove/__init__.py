"""Proofs for any machine: what holds for all sizes, and what stands against the rest.

What is asked:      symbols, sorts, sums, products, unbounded (the reading), smtlib (the text), conditions, sizes
Who answers:        solvers, cache, induction (which properties stand), recheck (a second solver)
Runs in instances:  bitvectors, relation, runs, bounded (the shortest violation, and k-induction)
Why not:            counterexample (to induction), explored, classification, suggestion and wording (a lemma)
What says nothing:  premises, vacuity
All of it together: check

This room uses `explore`, for what is reachable; `explore` knows nothing of it.
"""
