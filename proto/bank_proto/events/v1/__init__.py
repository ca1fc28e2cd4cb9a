"""Generated from proto/bank/events/v1."""
