"""libp2p is imported once, with the warnings of what it imports itself: everywhere else a warning is an error."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "websockets.legacy is deprecated", DeprecationWarning)
    import libp2p  # noqa: F401
