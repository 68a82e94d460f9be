"""Rules read for all sizes, up to the text that a solver reads.

`unbounded` is the reading. It stands on `symbols` (what is unknown), `sorts` (which values there are) and `sums`
(totals over any number of them). `sizes` checks that the instances are among what is read. `smtlib` writes terms down,
with what is true of sums and of `products` beside them.
"""
