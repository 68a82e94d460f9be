"""Symmetry among interchangeable values: states that differ only in their names are explored once."""
from __future__ import annotations
from coordination.explore.rows import Columns

class Canonical:
    @classmethod
    def of(cls, layout, properties): ...
    def apply(self, columns: Columns) -> Columns: ...
