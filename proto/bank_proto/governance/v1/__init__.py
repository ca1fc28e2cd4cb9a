"""Generated from proto/bank/governance/v1."""
