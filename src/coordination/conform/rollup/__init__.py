"""This project's contract, held to the specification: what `conform` asks of a contract, answered for the rollup.

`adapter` stands on `setup` (what is deployed), `calls` (the messages) and `answers` (what they must be answered, in
bytes). Beside it: `parameters` (what may be deployed at all), `assumptions` (what is promised with other tokens), and
`replay` of traces by signed transactions.
"""
