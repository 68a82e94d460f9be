"""A whole network on this machine: a chain, the contracts, and nodes in processes of their own."""
