"""Generated from proto/bank/customer."""
