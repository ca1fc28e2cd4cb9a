"""Generated from proto/bank/governance."""
