"""Between the values of callers and the messages on the wire."""
