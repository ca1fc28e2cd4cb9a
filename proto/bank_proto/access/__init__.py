"""Generated from proto/bank/access."""
