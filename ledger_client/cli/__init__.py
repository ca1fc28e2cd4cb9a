"""The `ledgerctl` command line."""
