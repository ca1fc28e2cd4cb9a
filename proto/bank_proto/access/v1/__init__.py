"""Generated from proto/bank/access/v1."""
