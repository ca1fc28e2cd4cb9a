"""Generated from proto/bank/operations/v1."""
