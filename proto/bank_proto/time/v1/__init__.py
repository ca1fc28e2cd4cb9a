"""Generated from proto/bank/time/v1."""
