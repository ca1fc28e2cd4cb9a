"""Generated from proto/ledger/v1."""
