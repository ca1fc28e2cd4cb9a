"""Generated from proto/bank/operations."""
