"""Is all well: what an accountant looks at first in the morning."""
