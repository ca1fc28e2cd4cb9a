"""CSV files that people hand in: every mistake with its row, before anything is sent."""
