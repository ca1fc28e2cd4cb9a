"""Generated from proto/bank/time."""
