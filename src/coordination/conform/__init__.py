"""The oracle's drivers: a contract on an EVM, held to the specification transition by transition."""
