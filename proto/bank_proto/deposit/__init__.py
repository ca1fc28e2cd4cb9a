"""Generated from proto/bank/deposit."""
