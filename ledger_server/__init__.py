"""The ledger engine: the only code that touches the ledger's database."""
