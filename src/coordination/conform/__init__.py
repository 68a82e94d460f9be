"""The oracle's drivers: a contract on an EVM, held to the specification.

At this level any contract to any specification, exhaustively: `adapter` (what a contract has to say for itself),
`loading`, `experiments` (what there is to try), `plan` (what the specification says of it), `exhaustive` (doing it),
`divergence`; `repeatable` (Hypothesis by seed). None of it knows the protocol. The rooms do, and each uses this level
and the rooms before it only:

1. `rollup`: this project's contract, in every transition of an instance, and in traces on a real chain;
2. `programs`: what shows a divergence of it, as something to take home: a Python program, a Foundry test;
3. `fuzz`: it beyond small instances, by random runs, of which the shortest that fails becomes a program.

Beside them, and using this level only, `node`: this project's node, in a simulated world.
"""
