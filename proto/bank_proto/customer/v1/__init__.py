"""Generated from proto/bank/customer/v1."""
