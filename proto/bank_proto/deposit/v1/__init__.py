"""Generated from proto/bank/deposit/v1."""
