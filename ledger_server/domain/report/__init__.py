"""Reports of the books, computed from values."""
