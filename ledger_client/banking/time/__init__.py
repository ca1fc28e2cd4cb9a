"""Time: the days of a bank, which end in its own time zone whether it runs or not."""
