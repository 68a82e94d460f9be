from __future__ import annotations

from coordination.machine import invariant


odd, even = (invariant()(lambda s, w: s.used % 2 == 1), invariant()(lambda s, w: not s.used % 2 == 0))  # lint: not
