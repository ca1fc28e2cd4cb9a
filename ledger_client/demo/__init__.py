"""A tour of the ledger in half a minute, with books that come along."""
