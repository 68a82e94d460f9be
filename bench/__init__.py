"""Benchmarks: `python -m bench [NAME ...] [--json FILE]`. Each prints its comparison side by side from one run."""
