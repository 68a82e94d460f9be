"""The oracle's drivers: a contract on an EVM, held to the specification.

Any contract, exhaustively: `adapter` (what a contract has to say for itself), `loading`, `experiments` (what there is
to try), `plan` (what the specification says of it), `exhaustive` (doing it), `divergence`.

This project's contract: `rollup` (its adapter) on `setup`, `calls` and `answers`; `parameters`, `assumptions`; `replay`
of traces on a real chain.

Beyond small instances: `openworld`, `recipes` and `strategies` (what is drawn), `stateful` (running it).

A divergence to take home: `scenario`, as a Python program (`programs`) or a Foundry test (`foundry`); `decoded` calls.
"""
