"""The rollup beyond small instances: long runs of random calls, with numbers as large as Solidity's types.

`openworld` is the contract and the oracle in one world; `recipes` are arguments as words, `strategies` what is drawn of
them; `stateful` makes the runs.
"""
