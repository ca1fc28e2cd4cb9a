"""Generated from proto/bank/events."""
