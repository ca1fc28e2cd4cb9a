"""The journal itself: transactions, filtered and paged."""
