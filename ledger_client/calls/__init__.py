"""The calls of each service, one module a noun; `LedgerClient` has them all."""
