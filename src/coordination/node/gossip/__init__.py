"""Quotes between nodes: gossipsub of libp2p, on the two topics of the seed."""
