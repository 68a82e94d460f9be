"""A node of the prover coordination protocol: prover, proposer, or both.

`core` decides, and does nothing else: messages, clock ticks and what L1 says go in; messages, transactions and durable
writes come out. Around it stand the parts that do it: gossip, L1, the store, JSON-RPC. Nothing here knows the
specification or the language that it is written in; both are held against the core from outside.
"""
