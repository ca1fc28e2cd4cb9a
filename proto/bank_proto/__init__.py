"""Generated from proto/bank; never edited."""
