"""A divergence of the rollup as something to run elsewhere: a `scenario`, written down in `python` or for `foundry`.

`decoded` reads its bytes back as the calls, errors and events that they are.
"""
