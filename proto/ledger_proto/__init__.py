"""Generated from proto/ledger; never edited."""
