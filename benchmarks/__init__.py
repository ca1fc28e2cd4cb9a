"""Measures the ledger beside hand-written SQL on one PostgreSQL: `python -m benchmarks`."""
