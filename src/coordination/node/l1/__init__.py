"""L1 as a node needs it: what the chain says, from several endpoints, and transactions that reach it for certain."""
