"""Proofs for any machine: what holds for all sizes, and what stands against the rest.

`check` judges a machine's properties with all of this. The rooms, each of which uses only those before it:

1. `reading`: the rules as terms over maps of which nothing is known, and terms as SMT-LIB;
2. `bmc`: bounded model checking, the runs of an instance as formulas; and k-induction;
3. `explaining`: states that keep a proof from being one, whether a run reaches them, and the lemma that excludes them;
4. `deciding`: what is to be shown, solvers, and which properties stand on which lemmas;
5. `vacuity`: what never happens, and what says nothing.

All of it uses `explore`, for what is reachable; `explore` knows nothing of it.
"""
