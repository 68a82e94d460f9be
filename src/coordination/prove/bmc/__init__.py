"""Bounded model checking of an instance: the shortest run that breaks a property, by a SAT solver; and k-induction.

`bounded` asks about `runs`, which are made of a `relation` between states, which is over `bitvectors`. To import any of
these loads Z3.
"""
