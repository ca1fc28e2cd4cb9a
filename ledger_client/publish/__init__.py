"""From the journal stream to brokers."""
