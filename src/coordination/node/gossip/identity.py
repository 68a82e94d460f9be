"""Who a peer is: an Ed25519 key made from its seed, and the id that others know it by."""

from __future__ import annotations

from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.keys import KeyPair
from libp2p.peer.id import ID

SEED_SIZE = 32  # bytes


def keys_of(seed: bytes) -> KeyPair:
    """Always the same. Raises ValueError for a seed of another size."""
    if len(seed) != SEED_SIZE:
        raise ValueError(f"a seed has {SEED_SIZE} bytes, not {len(seed)}")
    return create_new_key_pair(seed)


def peer_id(seed: bytes) -> str:
    """What comes after `/p2p/` in the addresses of the peer with this seed. Raises ValueError as above."""
    return str(ID.from_pubkey(keys_of(seed).public_key))
